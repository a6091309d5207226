/**
 * The conversation on the page. What stays the same is left alone, so that a reader of the screen
 * says only what is new, and nothing jumps under the hand.
 */
import { isTogether } from "./chat.js";
import { element } from "./dom.js";
import { avatar, nameOf } from "./people.js";
import { nodesOf } from "./text.js";
import { clock, day, dayOf, whole } from "./time.js";

/** How far from the end is still at the end, in pixels. */
const NEAR = 60;

/** What is longer is shown when asked for: no message takes the page for itself. */
const LONG = { letters: 1200, lines: 16 };

export class Conversation {
  #log;
  #newer;
  #act;
  #rows = new Map(); // key → { node, shown }
  #keys = new Map(); // id of a message → the key it was written under
  #unfolded = new Set();
  #atEnd = true;
  #top = 0; // where it was scrolled to when that was found
  #size = "";
  #unseen = 0;
  #last = 0; // the newest message that was shown

  /** `act(what, row)` for "edit", "delete", "retry" and "drop". */
  constructor(log, newer, act) {
    this.#log = log;
    this.#newer = newer;
    this.#act = act;
    log.addEventListener("scroll", () => this.#look(), { passive: true });
    log.addEventListener("keydown", event => this.#move(event));
    newer.onclick = () => { this.toEnd(); this.#log.querySelector("[tabindex='0']")?.focus({ preventScroll: true }); };
    new ResizeObserver(() => { if (this.#atEnd) this.toEnd(); }).observe(log);
  }

  clear() {
    this.#rows.clear();
    this.#keys.clear();
    this.#log.replaceChildren();
    this.#last = 0;
    this.#unseen = 0;
    this.#atEnd = true;
  }

  /** The message keeps the place on the page that it had before it was said. */
  keep(id, key) { this.#keys.set(id, key); }

  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#look();
  }

  /** Shows the chat, and below what is not said yet; `since` is the first message that is new. */
  show({ chat, me, outbox, editing, saving, since }) {
    const messages = chat.messages;
    const rows = this.#rowsOf({ chat, me, messages, outbox, editing, saving, since });
    // A page that nobody looks at is not told that it was scrolled.
    if (this.#log.scrollTop !== this.#top) this.#look();
    const wasAtEnd = this.#atEnd;
    const newest = messages.at(-1)?.id ?? 0, oldest = messages[0]?.id;
    for (const id of this.#keys.keys()) if (id < oldest) this.#keys.delete(id);
    const isMine = rows.at(-1)?.mine && !this.#rows.has(rows.at(-1).key);
    if (!wasAtEnd) this.#unseen += messages.filter(({ id, user }) => id > this.#last && user !== me).length;
    this.#last = newest;
    this.#place(rows);
    if (wasAtEnd || isMine) this.toEnd();
    else this.#look();
  }

  #rowsOf({ chat, me, messages, outbox, editing, saving, since }) {
    const { alike } = chat, rows = [];
    let before = null;
    const add = (message, more) => {
      if (!before || dayOf(before.at) !== dayOf(message.at)) {
        rows.push({ key: `day ${dayOf(message.at)}`, kind: "day", words: day(message.at) });
        before = null;
      }
      if (message.id !== undefined && message.id === since) {
        rows.push({ key: "since", kind: "since", words: "New" });
        before = null;
      }
      const { user } = message;
      const head = !(before && isTogether(before, message));
      rows.push({ kind: "message", ...message, look: chat.lookOf(user), isAlike: alike.has(user), mine: user === me, head, ...more });
      before = message;
    };
    for (const message of messages) {
      const key = this.#keys.get(message.id) ?? `said ${message.id}`;
      const text = saving.get(message.id) ?? message.text;
      const state = saving.has(message.id) ? "sent" : "said";
      add({ ...message, text }, { key, state, isEdited: editing === message.id, unfolded: this.#unfolded.has(key) });
    }
    for (const entry of outbox) add({ user: me, deleted: false, ...entry }, { unfolded: this.#unfolded.has(entry.key) });
    return rows;
  }

  #place(rows) {
    const keys = new Set(rows.map(({ key }) => key));
    for (const [key, { node }] of this.#rows) {
      if (keys.has(key)) continue;
      node.remove();
      this.#rows.delete(key);
    }
    let next = this.#log.firstChild;
    for (const row of rows) {
      const shown = JSON.stringify(row);
      let there = this.#rows.get(row.key);
      if (!there) this.#rows.set(row.key, there = { node: element("div"), shown: null });
      if (there.shown !== shown) {
        there.shown = shown;
        this.#draw(there.node, row);
      }
      if (there.node === next) next = next.nextSibling;
      else this.#log.insertBefore(there.node, next);
    }
    // One of them is where Tab leads to; the arrows lead to the others.
    const messages = [...this.#log.querySelectorAll(".message")];
    if (messages.some(({ tabIndex }) => tabIndex === 0)) return;
    if (messages.length) messages.at(-1).tabIndex = 0;
  }

  #draw(node, row) {
    node.className = row.kind;
    if (row.kind !== "message") return node.replaceChildren(element("span", "", row.words));
    const { user, look, mine, state, deleted, text, at, head } = row;
    node.classList.toggle("head", head);
    node.classList.toggle("mine", mine);
    node.classList.toggle("edited-now", Boolean(row.isEdited));
    node.dataset.state = state;
    node.dataset.user = user;
    if (row.id !== undefined) node.dataset.id = row.id;
    if (!node.hasAttribute("tabindex")) node.tabIndex = -1;
    const when = element("time", "", clock(at));
    when.dateTime = new Date(at).toISOString();
    when.title = whole(at);
    const name = nameOf(user, look, row.isAlike);
    if (!head) name.classList.add("unseen");
    const line = element("div", "line");
    line.append(name, when);
    const body = element("div", "body");
    body.append(line, deleted ? element("p", "gone", "Deleted") : this.#text(row));
    if (!deleted && !row.unfolded && isLong(text)) body.append(this.#button("unfold", "Show all", () => this.#unfold(row.key)));
    if (state !== "said") body.append(this.#waiting(row));
    node.replaceChildren(head ? avatar(look) : element("span", "gap"), body);
    if (mine && state === "said" && !deleted) node.append(this.#tools(row));
  }

  #text({ text, unfolded, edited }) {
    const made = element("p", "text");
    made.dir = "auto";
    made.classList.toggle("folded", !unfolded && isLong(text));
    made.append(...nodesOf(text));
    if (edited) made.append(" ", element("small", "note", "edited"));
    return made;
  }

  #waiting(row) {
    const words = { waiting: "waiting for the connection", sent: "sending…", failed: `${row.why}.` };
    const made = element("p", "fate");
    made.append(element("span", "", words[row.state]));
    if (row.state !== "failed") return made;
    made.append(this.#button("link", "Try again", () => this.#act("retry", row)), this.#button("link", "Discard", () => this.#act("drop", row)));
    return made;
  }

  #tools(row) {
    const tools = element("div", "acts");
    for (const [what, label, drawing] of [["edit", "Edit", "pen"], ["delete", "Delete", "bin"]]) {
      const button = this.#button(what, "", () => this.#act(what, row));
      button.setAttribute("aria-label", label);
      button.title = label;
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
      use.setAttribute("href", `#${drawing}`);
      svg.append(use);
      button.append(svg);
      tools.append(button);
    }
    return tools;
  }

  #button(className, words, act) {
    const button = element("button", className, words);
    button.type = "button";
    button.onclick = act;
    return button;
  }

  #unfold(key) {
    this.#unfolded.add(key);
    const { node } = this.#rows.get(key);
    node.querySelector(".text").classList.remove("folded");
    node.querySelector(".unfold").remove();
    node.focus({ preventScroll: true });
  }

  /** By the arrows from message to message. */
  #move(event) {
    const node = event.target.closest(".message");
    const all = [...this.#log.querySelectorAll(".message")], here = all.indexOf(node);
    const to = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: all.length - 1 }[event.key];
    if (!node || to === undefined || !all[to]) return;
    event.preventDefault();
    node.tabIndex = -1;
    all[to].tabIndex = 0;
    all[to].focus();
  }

  /** Where we are in it. */
  #look() {
    const { scrollHeight, scrollTop, clientHeight, clientWidth } = this.#log, size = `${clientWidth} ${clientHeight}`;
    const isOther = size !== this.#size;
    this.#size = size;
    if (isOther && this.#atEnd) return this.toEnd(); // it is the page that has moved, and not the reader
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    this.#top = scrollTop;
    if (this.#atEnd) this.#unseen = 0;
    this.#newer.hidden = this.#unseen === 0;
    this.#newer.textContent = this.#unseen === 1 ? "1 new message" : `${this.#unseen} new messages`;
  }
}

const isLong = text => text.length > LONG.letters || text.split("\n").length > LONG.lines;
