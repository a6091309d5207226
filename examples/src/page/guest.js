/**
 * Which room this page is in, and as whom: the room is in the URL, the seat's token in the tab's
 * own storage, so that a page that is loaded again is the same member.
 */
const read = (storage, key) => {
  try { return storage.getItem(key); } catch { return null; } // storage may be blocked
};
const write = (storage, key, value) => {
  try { if (value === null) storage.removeItem(key); else storage.setItem(key, value); } catch { /* as above */ }
};
const pick = all => all[crypto.getRandomValues(new Uint32Array(1))[0] % all.length];
const letters = count => Array.from({ length: count }, () => pick("abcdefghjkmnpqrstuvwxyz23456789")).join("");

export class Guest {
  /** Of this game: its name is before all that is kept. */
  constructor(game) {
    this.game = game;
    this.room = new URL(location.href).searchParams.get("room") || null;
  }

  /** Kept for the next visit, whatever the room. */
  remember(key, value) { write(localStorage, `${this.game}.${key}`, value); }
  remembered(key) { return read(localStorage, `${this.game}.${key}`); }

  /** A new room: its name, and what else is to be in the invitation, go into the URL. */
  openRoom(parameters = {}) {
    this.room = `${pick(["crane", "finch", "heron", "ibis", "lark", "owl", "plover", "raven", "robin", "stork", "swift", "wren"])}-${letters(5)}`;
    history.replaceState(null, "", `?${new URLSearchParams({ room: this.room, ...parameters })}`);
  }

  /** `{ user, name, token, refresh }`, if this tab has a seat here. */
  get seat() {
    try { return this.room && JSON.parse(read(sessionStorage, this.#key)); } catch { return null; }
  }

  forget() { write(sessionStorage, this.#key, null); }

  /** Asks for a token as a guest; throws with the server's words. */
  async enter(name, options) {
    const { user, token, refresh_token: refresh } = await ask("/token", { name, room: this.room, ...(options && { options }) });
    this.#keep({ user, name, token, refresh });
  }

  /** The seat's token, or the next one; null if there is none to be had. */
  async token(expired) {
    const mine = this.seat;
    if (!expired || !mine) return mine?.token ?? null;
    // The refresh token works once: if the answer is lost, the same attempt may be made again.
    const attempt = mine.attempt ?? letters(20);
    this.#keep({ ...mine, attempt });
    try {
      const { user, token, refresh_token: refresh } = await ask("/token/refresh", { refresh_token: mine.refresh, attempt });
      this.#keep({ user, name: mine.name, token, refresh });
      return token;
    } catch (problem) {
      if (![400, 401, 403].includes(problem.status)) throw problem; // it may go better next time
      return null;
    }
  }

  get #key() { return `${this.game}.seat.${this.room}`; }
  #keep(seat) { write(sessionStorage, this.#key, JSON.stringify(seat)); }
}

/** Posts JSON; throws with the server's words, and its status if it has answered. */
async function ask(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => { throw new Error("the server can't be reached"); });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const problem = new Error(answer.error?.message ?? `the server answered ${response.status}`);
  throw Object.assign(problem, { status: response.status });
}
