/** The table: who sits where, what has been bid, one's own dice, and all of them once cups are lifted. */
import { $, element } from "./dom.js";
import { bidWords, diceCount, diceWords, isTrue, thereAre } from "./game.js";

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

/**
 * Where the seat of this number of so many is, in percent: on an arc above one's own, beginning at
 * the left, or for those who watch all around.
 */
function place(at, count, around) {
  const span = around ? 360 - 360 / count : [0, 0, 84, 130, 176, 204][count] ?? 220;
  const first = around ? 270 : 90 + span / 2;
  const angle = (first - (count > 1 ? (at / (count - 1)) * span : 0)) * (Math.PI / 180);
  return [50 + 40 * Math.cos(angle), (around ? 50 : 53) - 36 * Math.sin(angle)];
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
      const [x, y] = place(at, seats.length, !own);
      item.style.setProperty("--x", `${x}%`);
      item.style.setProperty("--y", `${y}%`);
      if (this.#isNew(item, { seat, face })) this.#fill(item, seat, face);
      item.classList.toggle("east", x > 75); // where what is said goes to the other side
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
    item.toggleAttribute("inert", seat.state === "free");
    if (seat.state === "free") return item.replaceChildren(element("span", "place", "free"));
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
      row.setAttribute("aria-label", state === "guest" ? "" : dice ? `hides ${diceCount(dice)}` : "no dice");
    }
    return row;
  }

  #middle(middle) {
    if (middle.uncovered) {
      const { bid, count } = middle.uncovered, fine = isTrue(middle.uncovered);
      const verdict = element("p", `verdict ${fine ? "true" : "lie"}`, fine ? "True!" : "A lie!");
      const sum = element("p", "sum");
      sum.append("Bid: ", bidDrawing(bid), element("span", "dot", "·"), "found: ", element("b", "", String(count)));
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
    dice.setAttribute("aria-label", shown.length ? `Your dice: ${diceWords(shown)}` : "Your cup is empty");
    dice.append(...shown.map(each => die(each, !own.lifted ? "" : each === face ? "hit" : "miss")));
    if (own.mine && String(own.round) !== box.dataset.round) dice.classList.add("rolled");
    box.dataset.round = own.mine ? own.round : "";
    if (own.state.includes("guest")) dice.append(drawing("cup", "empty"));
    const label = element("p", "who");
    label.append(element("b", "", own.name), ...own.tags.map(([words, tone]) => element("span", tone, words)));
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
    const { by, late, count, bid } = game.uncovered, row = element("li", "now end");
    row.append(element("span", "name", nameOf(by)), element("b", "", late ? "Liar! (out of time)" : "Liar!"));
    rows.push(row, element("li", "result", `${thereAre(count, bid.face)}.`));
  }
  if (!rows.length) rows.push(element("li", "none", game.stage === "bidding" ? "Nobody has bid yet" : "No bids yet"));
  return rows;
}
