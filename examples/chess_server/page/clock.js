/**
 * The clocks: what each side has left now, by the server's time.
 *
 * The server says how much each side had at a moment, `at`, and whose clock has run since; so the
 * page counts down rightly also after a reload, and however late it was told.
 */
import { ServerTime } from "./server_time.js";

export class Clocks {
  #told = null;
  #base = 0; // what each side began with, in milliseconds
  #time = new ServerTime();

  /** The control, `{ minutes, increment }`, or null for a game without a clock. */
  set control(control) {
    this.#base = control ? control.minutes * 60_000 : 0;
  }

  set told(clocks) {
    this.#told = clocks ?? null;
    const at = this.#told?.at ?? null;
    if (at !== null) this.#time.heard(at);
  }

  get shown() {
    return this.#told !== null;
  }

  get running() {
    return this.#told?.running ?? null;
  }

  /** Sets this clock by the server's. `ask` promises the server's time. */
  set(ask) {
    return this.#time.set(ask);
  }

  /** The server's time, as far as is known. */
  now() {
    return this.#time.now();
  }

  left(side) {
    const { running, at } = this.#told;
    const gone = running === side ? Math.max(0, this.now() - at) : 0;
    return Math.max(0, this.#told[side] - gone);
  }

  /** Whether a side should hurry. */
  isLow(side) {
    return this.left(side) <= Math.min(20_000, this.#base / 4);
  }

  text(side) {
    const left = this.left(side);
    const tenths = Math.ceil(left / 100), seconds = Math.ceil(left / 1000);
    if (left < 10_000) return `0:0${Math.floor(Math.min(tenths, 99) / 10)}.${Math.min(tenths, 99) % 10}`;
    const two = number => String(number).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
    return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
  }
}

/** `5+3` as `{ minutes: 5, increment: 3 }`; null for anything else. In a URL the plus is a space. */
export function readControl(text) {
  const [, minutes, increment] = /^(\d+(?:\.\d+)?)[+ ](\d+)$/.exec(text ?? "") ?? [];
  return minutes === undefined ? null : { minutes: Number(minutes), increment: Number(increment) };
}

/** `5 + 3` */
export const writeControl = ({ minutes, increment }) => `${minutes} + ${increment}`;
