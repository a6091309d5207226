/** The table: who sits where, what has been bid, one's own dice, and all of them once cups are lifted. */
import { $, element } from "./dom.js";
import { bidWords, diceWords, faceWords, isTrue, thereAre } from "./game.js";

function drawing(id, className) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${id}`);
  svg.append(use);
  return svg;
}

/** A die that shows this face; 0 is one that is not seen. */
export const die = (face, className = "") => drawing(`d${face}`, `die ${className}`.trim());

/** `3 ×` and a die. */
export function bidDrawing({ count, face }, className = "") {
  const made = element("span", `bid ${className}`.trim()), words = element("span", "unseen", bidWords({ count, face }));
  const number = element("b", "", String(count));
  number.setAttribute("aria-hidden", "true");
  made.append(words, number, die(face));
  return made;
}

/** Where the seat of this number of so many is: on an arc, beginning at the left; in percent. */
function place(at, count) {
  const span = [0, 0, 84, 130, 176, 204][count] ?? 220;
  const angle = (90 + span / 2 - (count > 1 ? (at / (count - 1)) * span : 0)) * (Math.PI / 180);
  return [50 + 40 * Math.cos(angle), 53 - 36 * Math.sin(angle)];
}

export class Table {
  #onRemove;
  #drawn = new Map(); // what is drawn, by the element's id: drawn anew only if it is something else

  /** `onRemove` is called with the bot that is to go. */
  constructor({ onRemove }) {
    this.#onRemove = onRemove;
  }

  /**
   * `seats` are the others, from the left: { user, name, tags, dice, state, bid, lifted, removable };
   * `own` is the same for oneself, with the dice in `mine`, or null for those who watch.
   */
  show({ seats, own, middle, face }) {
    const keys = seats.map(seat => seat.user);
    const list = $("seats"), before = new Map([...list.children].map(item => [item.dataset.user, item]));
    const items = seats.map((seat, at) => {
      const item = before.get(seat.user) ?? element("li", "seat");
      item.dataset.user = seat.user;
      const [x, y] = place(at, seats.length);
      item.style.setProperty("--x", `${x}%`);
      item.style.setProperty("--y", `${y}%`);
      if (this.#isNew(item, { seat, face })) this.#fill(item, seat, face);
      return item;
    });
    if ([...list.children].map(item => item.dataset.user).join() !== keys.join()) list.replaceChildren(...items);
    list.dataset.count = seats.length;
    if (this.#isNew($("middle"), middle)) $("middle").replaceChildren(...this.#middle(middle));
    if (this.#isNew($("own"), { own, face })) this.#drawOwn(own, face);
  }

  #isNew(node, what) {
    const text = JSON.stringify(what);
    if (this.#drawn.get(node) === text) return false;
    this.#drawn.set(node, text);
    return true;
  }

  #fill(item, seat, face) {
    item.className = `seat ${seat.state}`;
    const cup = element("div", "cup");
    cup.append(drawing("cup", ""), this.#dice(seat, face));
    const name = element("p", "who", seat.name), tags = element("p", "tags");
    tags.append(...seat.tags.map(([words, tone]) => element("span", tone, words)));
    item.replaceChildren(cup, name, tags);
    if (seat.bid) cup.append(bidDrawing(seat.bid, "said"));
    if (!seat.removable) return;
    const remove = element("button", "remove", "×");
    remove.type = "button";
    remove.title = `Send ${seat.name} away`;
    remove.setAttribute("aria-label", remove.title);
    remove.onclick = () => this.#onRemove(seat.user);
    item.append(remove);
  }

  /** What is under a cup, as far as it may be seen: how many, or which. */
  #dice({ dice, lifted, state }, face) {
    const row = element("div", "dice");
    row.setAttribute("role", "img");
    if (lifted) {
      row.append(...lifted.map(each => die(each, each === face ? "hit" : "miss")));
      row.setAttribute("aria-label", `shows ${diceWords(lifted)}`);
    } else {
      row.append(...Array.from({ length: dice }, () => die(0)));
      row.setAttribute("aria-label", state === "guest" ? "" : dice ? `${dice} hidden ${dice === 1 ? "die" : "dice"}` : "no dice");
    }
    return row;
  }

  #middle(middle) {
    if (middle.uncovered) {
      const { bid, count } = middle.uncovered, fine = isTrue(middle.uncovered);
      const verdict = element("p", `verdict ${fine ? "true" : "lie"}`, fine ? "True!" : "A lie!");
      const sum = element("p", "sum");
      sum.append(bidDrawing(bid), element("span", "", fine ? "were bid, and there:" : "were bid, but there:"), element("b", "", String(count)));
      sum.setAttribute("aria-label", `${bidWords(bid)} bid. ${thereAre(count, bid.face)}.`);
      return [verdict, sum, element("p", "by", middle.words)];
    }
    if (middle.bid) return [bidDrawing(middle.bid, "large"), element("p", "by", middle.words)];
    return [element("p", "by", middle.words)];
  }

  #drawOwn(own, face) {
    const box = $("own");
    box.className = own?.state ?? "";
    if (!own) return box.replaceChildren();
    const shown = own.lifted ?? own.mine ?? [];
    const dice = element("div", "dice mine");
    dice.setAttribute("role", "img");
    dice.setAttribute("aria-label", shown.length ? `Your dice: ${diceWords(shown)}` : "You have no dice");
    dice.append(...shown.map(each => die(each, !own.lifted ? "" : each === face ? "hit" : "miss")));
    const rolled = own.mine && own.round !== box.dataset.round;
    if (rolled) dice.classList.add("rolled");
    box.dataset.round = own.round;
    const label = element("p", "who", own.name);
    label.append(...own.tags.map(([words, tone]) => element("span", tone, words)));
    box.replaceChildren(dice, label);
    if (own.bid) label.append(bidDrawing(own.bid, "said"));
  }
}

/** The round's bids, the newest last, and what came of it. */
export function bidItems(game, nameOf) {
  const rows = game.bids.map((bid, at) => {
    const row = element("li", at === game.bids.length - 1 && !game.uncovered ? "now" : "");
    row.append(element("span", "name", nameOf(bid.by)), bidDrawing(bid));
    if (bid.late) row.append(element("span", "late", "out of time"));
    return row;
  });
  if (game.uncovered) {
    const { by, late, count, bid, loser } = game.uncovered, row = element("li", "now end");
    row.append(element("span", "name", nameOf(by)), element("b", "", late ? "Liar! (out of time)" : "Liar!"));
    const why = `${count} ${faceWords(bid.face, count)}: ${nameOf(loser)} ${loser === null ? "" : "loses a die"}`;
    const end = element("li", "result", why);
    rows.push(row, end);
  }
  if (!rows.length) rows.push(element("li", "none", game.stage === "bidding" ? "Nobody has bid yet" : "No bids yet"));
  return rows;
}
