/**
 * The choice of a bid, by mouse, touch and keyboard. It can be made while others bid, too; what is
 * chosen is always a raise of the last bid, as long as there is one.
 */
import { $, element, setText } from "./dom.js";
import { bidWords, faceWords, smallestCount } from "./game.js";
import { die } from "./table.js";

export class Bidding {
  #onBid;
  #onLiar;
  #shown = { last: null, dice: 0, may: false };
  #count = 1;
  #face = null; // null until one is chosen in this round
  #touched = false; // whether something was chosen since the last bid: Enter, pressed once too often, bids nothing
  #radios = [];

  constructor({ onBid, onLiar }) {
    this.#onBid = onBid;
    this.#onLiar = onLiar;
    for (let face = 1; face <= 6; face++) $("faces").append(this.#makeFace(face));
    $("fewer").onclick = () => this.#add(-1);
    $("more").onclick = () => this.#add(1);
    $("liar").onclick = () => this.#liar();
    $("bidding").onsubmit = event => {
      event.preventDefault();
      this.#bid();
    };
    $("number").addEventListener("keydown", event => this.#keyedNumber(event));
    document.addEventListener("keydown", event => this.#keyed(event));
  }

  /** `last` is the bid to be raised, `dice` how many there are, `may` whether it is one's turn. */
  show(shown) {
    if (!shown.last && this.#shown.last) this.#face = null;
    this.#shown = shown;
    const face = this.#current();
    this.#count = Math.max(this.#count, smallestCount(shown.last, face));
    if (!shown.last && this.#face === null) this.#count = 1;
    this.#draw();
  }

  #current() {
    return this.#face ?? this.#shown.last?.face ?? 1;
  }

  /** The smallest count that raises the last bid with this face. */
  #least(face = this.#current()) {
    return smallestCount(this.#shown.last, face);
  }

  #makeFace(face) {
    const label = element("label"), radio = element("input");
    Object.assign(radio, { type: "radio", name: "face", value: face });
    radio.setAttribute("aria-label", faceWords(face, 2));
    radio.onchange = () => this.#choose(face);
    label.append(radio, die(face));
    this.#radios.push(radio);
    return label;
  }

  /** A face brings its smallest raise along, unless more dice were chosen before. */
  #choose(face) {
    const { last, dice } = this.#shown;
    const before = this.#count === this.#least();
    if (smallestCount(last, face) > dice) return;
    this.#face = face;
    this.#touched = true;
    this.#count = before ? this.#least() : Math.max(this.#count, this.#least());
    this.#draw();
  }

  #add(by) {
    const count = this.#count + by;
    if (count < this.#least() || count > this.#shown.dice) return;
    this.#face = this.#current();
    this.#touched = true;
    this.#count = count;
    this.#draw();
  }

  #isThereOne() {
    return this.#count <= this.#shown.dice;
  }

  #bid() {
    if (!this.#shown.may || !this.#isThereOne()) return;
    this.#touched = false;
    this.#onBid({ count: this.#count, face: this.#current() });
  }

  #liar() {
    if (this.#shown.may && this.#shown.last) this.#onLiar();
  }

  #keyedNumber(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1, PageUp: 3, PageDown: -3 }[event.key];
    if (event.key === "Enter") this.#bid();
    else if (by) this.#add(by);
    else return;
    event.preventDefault();
  }

  /** Keys that work wherever the focus is, but where they mean something else already. */
  #keyed(event) {
    const { key, target } = event;
    if ($("bidding").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("input:not([name=face]), dialog *")) return;
    const arrows = !target.matches("input, ol"); // in which they mean something else
    if (/^[1-6]$/.test(key)) this.#choose(Number(key));
    else if (key === "+" || (arrows && key === "ArrowUp")) this.#add(1);
    else if (key === "-" || (arrows && key === "ArrowDown")) this.#add(-1);
    else if (key.toLowerCase() === "l") this.#liar();
    else if (key === "Enter" && target === document.body && this.#touched) this.#bid();
    else return;
    event.preventDefault();
  }

  #draw() {
    const { last, dice, may } = this.#shown, face = this.#current(), bid = { count: this.#count, face };
    const one = this.#isThereOne();
    setText($("number"), one ? String(this.#count) : "–");
    const spin = { min: Math.min(this.#least(), dice), max: dice, now: Math.min(this.#count, dice), text: one ? bidWords(bid) : "no raise" };
    for (const [name, value] of Object.entries(spin)) $("number").setAttribute(`aria-value${name}`, String(value));
    $("fewer").disabled = this.#count <= this.#least();
    $("more").disabled = this.#count >= dice;
    for (const radio of this.#radios) {
      radio.checked = one && Number(radio.value) === face;
      radio.disabled = smallestCount(last, Number(radio.value)) > dice;
    }
    setText($("say"), one ? `Bid ${bidWords(bid)}` : "No higher bid");
    $("say").disabled = !may || !one;
    $("liar").disabled = !may || !last;
    $("bidding").classList.toggle("may", may);
  }
}
