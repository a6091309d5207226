/** Where one writes: the draft, what is left of its length, signs of typing, and edits. */
import { $, setText } from "./dom.js";
import { lengthOf } from "./text.js";

/**
 * How often we say that we are typing, at most, and after how long a pause that we are not; in
 * milliseconds. Signs count as messages do: whoever writes a lot is not to run out of them.
 */
const SIGN_EVERY = 2500, PAUSE = 4000;

/** From how many characters to go on we are told how many. */
const NEAR = 200;

export class Composer {
  /** The message that is being edited, or null. */
  editing = null;
  longest = 4000;
  #on;
  #blocked = false;
  #draft = "";      // what we were writing when the edit began
  #signed = -Infinity; // when we have last said that we are typing
  #typing = false;      // whether that holds
  #sign = null;         // the timer of the next time
  #pause = null;

  /** `on` has `send(text)`, `edit(message, text)`, `remove(message)`, `typing(active)`, `draft(text)`, `last()`, `changed()`. */
  constructor(on) {
    this.#on = on;
    $("composer").onsubmit = event => { event.preventDefault(); this.#submit(); };
    $("text").oninput = () => this.#input();
    $("text").onkeydown = event => this.#key(event);
    $("edit-cancel").onclick = () => this.stopEditing();
  }

  set draft(text) {
    $("text").value = text;
    this.#fit();
  }

  /** Whether nothing can be sent just now; it can be written all the same. */
  set blocked(blocked) {
    this.#blocked = blocked;
    this.#fit();
  }

  focus() { $("text").focus({ preventScroll: true }); }

  edit(message) {
    if (!this.editing) this.#draft = $("text").value;
    this.quiet();
    this.editing = message;
    this.draft = message.text;
    this.focus();
    $("text").setSelectionRange(message.text.length, message.text.length);
    this.#on.changed();
  }

  stopEditing() {
    if (!this.editing) return;
    this.editing = null;
    this.draft = this.#draft;
    this.focus();
    this.#on.changed();
  }

  /** What is being edited may be another event by now, or gone. */
  follow(message) {
    if (this.editing?.id !== message.id) return;
    if (message.deleted) this.stopEditing();
    else this.editing = message;
  }

  #submit() {
    const text = $("text").value.replaceAll("\r\n", "\n").trim(), message = this.editing;
    if (this.#blocked || lengthOf(text) > this.longest) return;
    if (message) {
      if (text === "") return this.#on.remove(message);
      this.stopEditing();
      if (text !== message.text) this.#on.edit(message, text);
    } else if (text !== "") {
      this.draft = "";
      this.#on.draft("");
      this.#forgetTyping(); // to send is to stop: the server knows
      this.#on.send(text);
    }
    this.focus();
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape" && this.editing) {
      event.preventDefault();
      this.stopEditing();
    } else if (event.key === "ArrowUp" && $("text").value === "") {
      const last = this.#on.last();
      if (!last) return;
      event.preventDefault();
      this.edit(last);
    }
  }

  #input() {
    this.#fit();
    if (this.editing) return;
    const text = $("text").value;
    this.#on.draft(text);
    if (text.trim() === "") return this.quiet();
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.quiet(), PAUSE);
    this.#sign ??= setTimeout(() => this.#giveSign(), this.#signed + SIGN_EVERY - performance.now());
  }

  #giveSign() {
    this.#sign = null;
    this.#signed = performance.now();
    this.#typing = true;
    this.#on.typing(true);
  }

  /** We are typing no more. */
  quiet() {
    if (this.#typing) this.#on.typing(false);
    this.#forgetTyping();
  }

  #forgetTyping() {
    clearTimeout(this.#pause);
    clearTimeout(this.#sign);
    this.#sign = null;
    this.#typing = false;
  }

  /** As high as what is in it, and what may be done with that. */
  #fit() {
    const field = $("text");
    field.style.height = "0";
    field.style.height = `${field.scrollHeight + 2}px`;
    const left = this.longest - lengthOf(field.value.trim());
    $("counter").hidden = left > NEAR;
    setText($("counter"), left >= 0 ? `${left} left` : `${-left} too many`);
    $("counter").classList.toggle("over", left < 0);
    field.setAttribute("aria-invalid", String(left < 0));
    $("send").disabled = this.#blocked || left < 0 || (field.value.trim() === "" && !this.editing);
    $("editing").hidden = !this.editing;
  }
}
