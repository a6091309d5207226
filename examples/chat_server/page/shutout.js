/** The time in which the server takes nothing from us, counted down. */
export class ShutOut {
  #until = null;
  #timer = null;
  #changed;

  /** `changed` is called each second. */
  constructor(changed) { this.#changed = changed; }

  /** From now on, for so many milliseconds. */
  begin(ms) {
    this.#until = performance.now() + ms;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), 200);
  }

  end() {
    clearInterval(this.#timer);
    this.#until = null;
  }

  /** Seconds to go, rounded up; null if it is over. */
  get seconds() {
    return this.#until === null ? null : Math.max(0, Math.ceil((this.#until - performance.now()) / 1000));
  }

  #tick() {
    if (performance.now() >= this.#until) this.end();
    this.#changed();
  }
}
