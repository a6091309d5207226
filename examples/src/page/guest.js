/**
 * Which room this page is in, and as whom: the room is in the URL, the login in the tab's own
 * storage, so that a page that is loaded again is the same member.
 */
import { Login } from "/tapaculo.js";

/** How many milliseconds a goodbye may take to the server. */
const GOODBYE = 200;

const read = (storage, key) => {
  try { return storage.getItem(key); } catch { return null; } // storage may be blocked
};
const write = (storage, key, value) => {
  try { if (value === null) storage.removeItem(key); else storage.setItem(key, value); } catch { /* as above */ }
};
const pick = all => all[crypto.getRandomValues(new Uint32Array(1))[0] % all.length];
const letters = count => Array.from({ length: count }, () => pick("abcdefghjkmnpqrstuvwxyz23456789")).join("");
const BIRDS = ["crane", "finch", "heron", "ibis", "lark", "owl", "plover", "raven", "robin", "stork", "swift", "wren"];
const newRoom = () => `${pick(BIRDS)}-${letters(5)}`;

// A page that Back brings to life again is not what it was, and shows what may be gone: it begins anew.
addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });

export class Guest {
  #login = null;

  /** Of this game: its name is before all that is kept. */
  constructor(game) {
    this.game = game;
    this.room = new URL(location.href).searchParams.get("room") || null;
    if (this.room) this.#login = this.#logIn(null);
  }

  /** Kept for the next visit, whatever the room. */
  remember(key, value) { write(localStorage, `${this.game}.${key}`, value); }
  remembered(key) { return read(localStorage, `${this.game}.${key}`); }

  /** Kept for this tab, in this room. */
  keep(key, value) { write(sessionStorage, this.#key(key), value); }
  kept(key) { return read(sessionStorage, this.#key(key)); }

  /** A room, a new one unless it is named: its name, and what else is to be in the invitation, go into the URL. */
  openRoom(parameters = {}, room = newRoom()) {
    this.room = room;
    history.replaceState(null, "", `?${new URLSearchParams({ room: this.room, ...parameters })}`);
  }

  /** `{ user, name }`, if this tab has a seat here. */
  get seat() {
    const user = this.#login?.user;
    return user ? { user, name: this.kept("name") } : null;
  }

  forget() { this.#login?.forget(); }

  /** Leaves for good, and goes to the door. */
  goHome(connection) {
    connection?.close();
    this.forget();
    setTimeout(() => location.assign("/"), GOODBYE); // which is to be out before the page is gone
  }

  /** Comes anew, as somebody else. */
  joinAnew() {
    this.forget();
    location.reload();
  }

  /** Asks for a token as a guest; throws with the server's words. */
  async enter(name, options) {
    const login = this.#logIn({ name, room: this.room, ...(options && { options }) });
    login.forget();
    await login.token();
    this.keep("name", name);
    this.#login = this.#logIn(null); // a login that is over is for the page to tell of
  }

  /** The seat's token, or the next one; null if there is none to be had. */
  async token(expired) {
    return this.#login?.token({ expired }) ?? null;
  }

  #key(what) { return `${this.game}.${what}.${this.room}`; }
  #logIn(body) { return new Login(body, { key: this.#key("seat") }); }
}
