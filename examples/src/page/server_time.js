/** The server's time, as far as is known: the clocks of two machines differ. */
export class ServerTime {
  #ahead = null; // by how many milliseconds the server's clock is ahead of this one

  /** Asks for it; `ask` promises it, in milliseconds. */
  async set(ask) {
    const asked = performance.now();
    const time = await ask();
    this.#ahead = time + (performance.now() - asked) / 2 - Date.now();
  }

  /** What the server has told of this moment is not in the future. */
  heard(at) {
    if (this.#ahead === null || at > Date.now() + this.#ahead) this.#ahead = at - Date.now();
  }

  now() {
    return Date.now() + (this.#ahead ?? 0);
  }
}
