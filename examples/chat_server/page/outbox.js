/**
 * What was written here and is not known to be said: it waits for a connection, is on its way, or
 * was refused. It outlives a reload of the page.
 */

/** How many milliseconds are between messages that have waited: all at once would look like a flood. */
const PACE = 700;

const LOST = "The connection was lost, and perhaps this with it";
const FLOOD = "Not sent: there were too many at once";
const WHY = { closed: LOST, lost: LOST, banned: FLOOD, rate_limited: FLOOD };

export class Outbox {
  /** `{ key, text, at, after, state, why }`, oldest first; `state` is "waiting", "sent" or "failed". */
  entries = [];
  #send;
  #settled;
  #changed;
  #online = false;
  #timer = null;
  #count = 0;

  /**
   * `send(text)` promises an answer; `settled(message, key)` is called when a message is the one that
   * was written under that key, and `changed()` whenever there is something else to show.
   */
  constructor({ send, settled, changed }) {
    this.#send = send;
    this.#settled = settled;
    this.#changed = changed;
  }

  /** Those of a page that was loaded before: what was on its way may have arrived. */
  load(kept) {
    try { this.entries = JSON.parse(kept) ?? []; } catch { this.entries = []; }
    this.entries = this.entries.map((entry, i) => ({ ...entry, key: `old ${i}`, ...(entry.state === "sent" && { state: "failed", why: LOST }) }));
  }

  /** `after` is the number of the last event that was known then. */
  add(text, after) {
    this.entries.push({ key: `new ${++this.#count}`, text, at: Date.now(), after, state: "waiting", why: "" });
    this.#flush();
    this.#changed();
  }

  retry(key) {
    const entry = this.entries.find(entry => entry.key === key);
    this.entries = [...this.entries.filter(other => other !== entry), entry];
    Object.assign(entry, { state: "waiting", why: "", at: Date.now() });
    this.#flush();
    this.#changed();
  }

  drop(key) {
    this.entries = this.entries.filter(entry => entry.key !== key);
    this.#changed();
  }

  /** There is a connection, or none. */
  set online(online) {
    this.#online = online;
    if (online) this.#flush();
  }

  /** A message of ours was said: it is the first of those that were sent, if one of them is meant. */
  settle(message) {
    const isIt = ({ state, text, after }) => state !== "waiting" && text === message.text && after < message.id;
    const entry = this.entries.find(isIt);
    if (!entry) return;
    this.entries = this.entries.filter(other => other !== entry);
    this.#settled(message, entry.key);
    this.#changed();
  }

  #flush() {
    const entry = this.entries.find(({ state }) => state === "waiting");
    if (!entry || !this.#online || this.#timer !== null) return;
    this.#post(entry);
    // Whatever else waits has waited for a connection.
    const pause = () => { this.#timer = null; this.#flush(); };
    if (this.entries.some(({ state }) => state === "waiting")) this.#timer = setTimeout(pause, PACE);
  }

  async #post(entry) {
    entry.state = "sent";
    try {
      await this.#send(entry.text);
      this.entries = this.entries.filter(other => other !== entry);
    } catch (refusal) {
      const why = WHY[refusal.code] ?? `Not sent: ${refusal.message}`;
      Object.assign(entry, { state: "failed", why });
    }
    this.#changed();
  }
}
