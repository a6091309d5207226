/**
 * The board: shows a position, and lets one side move by click, by drag, by touch and by keyboard.
 * It knows what is legal only to show it; `onMove` gets `{ from, to, promotion }`, as numbers.
 */
import { element } from "./dom.js";
import * as Rules from "./rules.js";

export const KINDS = { p: "pawn", n: "knight", b: "bishop", r: "rook", q: "queen", k: "king" };

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function pieceImage(piece) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `piece ${Rules.isWhite(piece) ? "white" : "black"}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${piece.toLowerCase()}`);
  svg.append(use);
  return svg;
}

export class Board {
  #board;
  #chooser;
  #onMove;
  #announce;
  #squares = []; // as they are on the screen, from the top left
  #shown = { position: null, last: null, white: true, movable: false };
  #selected = null;
  #choices = null; // what a pawn may become
  #drag = null;
  #pointed = false; // the click that follows was handled as a pointer

  constructor(board, chooser, { onMove, announce }) {
    this.#board = board;
    this.#chooser = chooser;
    this.#onMove = onMove;
    this.#announce = announce;
    for (let row = 0; row < 8; row++) {
      const line = element("div", "line");
      line.setAttribute("role", "row");
      for (let column = 0; column < 8; column++) line.append(this.#makeSquare(row * 8 + column));
      board.append(line);
    }
    board.addEventListener("click", event => this.#clicked(event));
    board.addEventListener("keydown", event => this.#keyed(event));
    board.addEventListener("focusin", event => this.#rove(event.target));
    board.addEventListener("pointerdown", event => this.#pressed(event));
    board.addEventListener("pointermove", event => this.#pulled(event));
    board.addEventListener("pointerup", event => this.#released(event));
    board.addEventListener("pointercancel", () => this.#dropped());
    chooser.addEventListener("keydown", event => this.#keyedChoice(event));
    document.addEventListener("pointerdown", event => {
      if (this.#choices && !chooser.contains(event.target)) this.deselect();
    }, true);
  }

  /** Shows a position; `white` is whether White sits at the bottom, `movable` whether to let move. */
  show(shown) {
    this.#shown = shown;
    if (!shown.movable) this.#selected = this.#choices = null;
    this.#draw();
  }

  deselect() {
    this.#selected = this.#choices = null;
    this.#draw();
  }

  /** Lets the piece that now stands on `to` come from `from`. */
  glide(from, to) {
    if (calm.matches) return;
    const [start, end] = [this.#at(from), this.#at(to)].map(square => square.getBoundingClientRect());
    const square = this.#at(to), piece = square.querySelector(".piece");
    const way = `translate(${start.x - end.x}px, ${start.y - end.y}px)`;
    square.classList.add("above");
    const moving = piece?.animate([{ transform: way }, { transform: "none" }], { duration: 160, easing: "ease-out" });
    moving?.finished.catch(() => {}).finally(() => square.classList.remove("above"));
  }

  #makeSquare(index) {
    const square = element("button", "square");
    square.type = "button";
    square.tabIndex = index === 56 ? 0 : -1;
    square.setAttribute("role", "gridcell");
    this.#squares.push(square);
    return square;
  }

  /** The square on the screen of a square of the board, and the other way round. */
  #turned(index) {
    return this.#shown.white ? (7 - (index >> 3)) * 8 + (index & 7) : (index >> 3) * 8 + 7 - (index & 7);
  }

  #at(square) {
    return this.#squares[this.#turned(square)];
  }

  #number(target) {
    const square = target?.closest?.(".square");
    return square && this.#board.contains(square) ? Rules.number(square.dataset.square) : null;
  }

  #isMine(square) {
    const { position, movable } = this.#shown;
    const piece = position.board[square];
    return movable && Boolean(piece) && Rules.isWhite(piece) === position.white;
  }

  #targets() {
    if (this.#selected === null) return [];
    return Rules.moves(this.#shown.position).filter(move => move.from === this.#selected);
  }

  // Choosing

  /** Moves what is selected to here, or selects what is here. */
  #choose(here, dragged = false) {
    const chosen = this.#targets().filter(move => move.to === here);
    if (chosen.length > 1) this.#choices = chosen;
    else if (chosen.length === 1) return this.#move(chosen[0], dragged);
    else if (this.#isMine(here) && this.#selected !== here) this.#select(here);
    else if (!dragged) this.#selected = null;
    this.#draw();
    if (this.#choices) this.#chooser.firstChild.focus();
  }

  #select(square) {
    this.#selected = square;
    const kind = KINDS[this.#shown.position.board[square].toLowerCase()];
    const targets = [...new Set(this.#targets().map(move => Rules.name(move.to)))];
    this.#announce(`${kind} ${Rules.name(square)}: ${targets.length ? `may go to ${targets.join(", ")}` : "can't move"}`);
  }

  #move(move, dragged = false) {
    this.#selected = this.#choices = null;
    this.#onMove(move, dragged);
  }

  #clicked(event) {
    const here = this.#number(event.target);
    if (this.#pointed || here === null) this.#pointed = false;
    else this.#choose(here);
  }

  // The keyboard

  #keyed(event) {
    const at = this.#squares.indexOf(event.target.closest(".square"));
    if (at < 0) return;
    const [row, column] = [at >> 3, at & 7];
    const to = {
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column], Home: [row, 0], End: [row, 7], PageUp: [0, column], PageDown: [7, column],
    }[event.key];
    if (to) {
      event.preventDefault();
      if (to.every(place => place >= 0 && place < 8)) this.#squares[to[0] * 8 + to[1]].focus();
    } else if (event.key === "Escape" && this.#selected !== null) {
      this.deselect();
      this.#announce("nothing selected");
    }
  }

  #rove(target) {
    if (!this.#squares.includes(target)) return;
    for (const square of this.#squares) square.tabIndex = square === target ? 0 : -1;
  }

  #keyedChoice(event) {
    const buttons = [...this.#chooser.children];
    const at = buttons.indexOf(event.target);
    const by = { ArrowUp: -1, ArrowDown: 1, Tab: event.shiftKey ? -1 : 1 }[event.key];
    if (by) {
      event.preventDefault();
      buttons[(at + by + buttons.length) % buttons.length].focus();
    } else if (event.key === "Escape") {
      const { from } = this.#choices[0];
      this.deselect();
      this.#at(from).focus();
    }
  }

  // Pointers: pressing a piece selects it; letting go elsewhere moves it

  #pressed(event) {
    const here = this.#number(event.target);
    this.#pointed = false;
    if (here === null || event.button !== 0 || !event.isPrimary) return;
    const again = this.#selected === here, mine = this.#isMine(here);
    this.#drag = { here, mine, again, x: event.clientX, y: event.clientY, moved: false };
    this.#board.setPointerCapture(event.pointerId);
    this.#squares[this.#turned(here)].focus({ preventScroll: true });
    if (mine && !again && !this.#targets().some(move => move.to === here)) {
      this.#select(here);
      this.#draw();
    }
  }

  #pulled(event) {
    const drag = this.#drag;
    if (!drag?.mine) return;
    const x = event.clientX - drag.x, y = event.clientY - drag.y;
    drag.moved ||= Math.hypot(x, y) > 5;
    const square = this.#at(drag.here), piece = square.querySelector(".piece");
    if (!drag.moved || !piece || this.#selected !== drag.here) return;
    square.classList.add("above");
    piece.style.transform = `translate(${x}px, ${y}px) scale(1.1)`;
    this.#hover(this.#number(document.elementFromPoint(event.clientX, event.clientY)));
  }

  #hover(square) {
    for (const each of this.#squares) each.classList.toggle("hover", square !== null && each === this.#at(square));
  }

  #released(event) {
    const drag = this.#drag;
    this.#dropped();
    if (!drag) return;
    this.#pointed = true;
    setTimeout(() => { this.#pointed = false; });
    const below = this.#number(document.elementFromPoint(event.clientX, event.clientY));
    if (below === null) return;
    if (drag.mine && drag.moved && below !== drag.here) this.#choose(below, true);
    else if (below === drag.here && drag.mine && !drag.again) this.#draw();
    else if (below === drag.here && !(drag.moved && drag.mine)) this.#choose(below);
  }

  #dropped() {
    if (!this.#drag) return;
    const square = this.#at(this.#drag.here), piece = square.querySelector(".piece");
    square.classList.remove("above");
    if (piece) piece.style.transform = "";
    this.#hover(null);
    this.#drag = null;
  }

  // Drawing

  #draw() {
    const { position, last, movable } = this.#shown;
    const targets = this.#targets(), { board } = position;
    const checked = Rules.inCheck(position) ? Rules.king(board, position.white) : -1;
    this.#squares.forEach((square, index) => {
      const at = this.#turned(index), name = Rules.name(at), piece = board[at];
      const target = targets.some(move => move.to === at), selected = this.#selected === at;
      const enPassant = at === position.enPassant && board[this.#selected]?.toLowerCase() === "p";
      const marks = {
        dark: ((at >> 3) + (at & 7)) % 2 === 0, last: Boolean(last?.includes(name)), selected, target,
        taken: target && (Boolean(piece) || enPassant), check: checked === at,
        live: movable && (target || this.#isMine(at)),
      };
      for (const [mark, on] of Object.entries(marks)) square.classList.toggle(mark, on);
      const words = [name];
      if (piece) words.push(`${Rules.isWhite(piece) ? "white" : "black"} ${KINDS[piece.toLowerCase()]}`);
      if (selected) words.push("selected");
      if (target) words.push(marks.taken ? "can be taken" : "legal move");
      if (checked === at) words.push("in check");
      square.setAttribute("aria-label", words.join(", "));
      square.setAttribute("aria-selected", String(selected));
      if (square.dataset.square !== name || square.dataset.piece !== piece) this.#fill(square, index, name, piece);
    });
    this.#drawChoices();
  }

  #fill(square, index, name, piece) {
    square.dataset.square = name;
    square.dataset.piece = piece;
    const parts = [];
    if ((index & 7) === 0) parts.push(element("span", "rank", name[1]));
    if (index >= 56) parts.push(element("span", "file", name[0]));
    for (const part of parts) part.setAttribute("aria-hidden", "true");
    if (piece) parts.push(pieceImage(piece));
    square.replaceChildren(...parts);
  }

  #drawChoices() {
    const choices = this.#choices;
    this.#chooser.hidden = !choices;
    if (!choices || this.#chooser.choices === choices) return;
    this.#chooser.choices = choices;
    const { white, position } = this.#shown, { to } = choices[0];
    const column = white ? to & 7 : 7 - (to & 7);
    this.#chooser.style.left = `${12.5 * column}%`;
    const atTop = (to >> 3 === 7) === white; // where the pawn arrives, it becomes
    this.#chooser.classList.toggle("low", !atTop);
    this.#chooser.replaceChildren(...choices.map(choice => {
      const button = element("button");
      button.type = "button";
      button.dataset.piece = choice.promotion;
      button.title = KINDS[choice.promotion];
      button.setAttribute("aria-label", KINDS[choice.promotion]);
      button.append(pieceImage(position.white ? choice.promotion.toUpperCase() : choice.promotion));
      button.onclick = () => {
        this.#at(to).focus();
        this.#move(choice);
      };
      return button;
    }));
  }
}
