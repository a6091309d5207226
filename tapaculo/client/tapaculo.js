/**
 * The browser's side of a tapaculo room: one connection that comes back by itself.
 *
 *   import { connect } from "/tapaculo.js";
 *
 *   const room = connect({
 *     url: "/ws",                                 // or "/ws/chess", "wss://play.example/ws"
 *     token: async ({ expired }) => myToken(expired),
 *     onState(state, { seq }) { game = state; draw(); },
 *     onEvent(event, { from, past }) { if (!past) apply(event); show(from, event); },
 *     onReset() { game = blank(); },
 *     onStatus(status) { banner.hidden = status === "connected"; },
 *   });
 *   try { await room.send({ type: "Move", from: "e2", to: "e4" }); } catch (no) { alert(no.message); }
 *
 * Only `token` is needed. No callback is called before `connect` has returned; what one throws is
 * reported (`reportError`) and breaks nothing.
 *   url     of the game, relative to the page or absolute, http(s) or ws(s); default "/ws"
 *   token   the access token, or a function that gives or promises one, called before each attempt
 *           to connect; `expired`: the last one is of no more use. If it throws, that attempt has
 *           failed. A plain string that has expired ends the connection: "closed", code 4002
 *   onState(state, { seq })     the game's view; it replaces all that is known
 *   onEvent(event, { seq, from, volatile, past })    in order, each once. `volatile`: it has no seq
 *           and may be lost. `past`: it came with the history and is part of the state before it,
 *           to be shown, not applied
 *   onReset()                   what was missed can't be told: forget what is shown; the state (if
 *           the game has a view), the history and onSynced follow
 *   onRedacted(seq)             forget event `seq`; may be told twice
 *   onPresence({ event, user, seat, role, name?, avatar? }, members)    another one "joined",
 *           "left", "disconnected", "reconnected", or anyone's name or avatar has "changed"; what was
 *           missed is not told, so look at `room.members`
 *           in onSynced, too
 *   onSynced(seq)               all that was to be told up to `seq` has been
 *   onStatus(status, detail)    "connecting"; "connected", after onSynced; "reconnecting", before
 *           each attempt: { attempt, delay (ms), code?, reason? }; "closed", for good: { code, reason }
 *   onLatency(ms)               a round trip, about every ten seconds
 *   onError(error)              a refusal that belongs to no `send`: of a `post`, or of the seat
 *
 * room.send(message) promises the handler's reply, or undefined, or rejects with a TapaculoError
 *   { code, message, retryAfterMs? }. It waits for a connection, and is sent again over the next
 *   one until it is answered; the server applies it once, and its events come before its answer.
 *   What has waited for one goes a few at a time, so that no limit takes it for a flood.
 *   Codes are the server's and two more: "closed", the connection has ended for good, and "lost",
 *   whoever answers now does not remember our session; what was sent may or may not have been
 *   applied. What is `rate_limited` or `unavailable` was not: send it anew later
 * room.post(message) wants no answer and is not repeated; false if there is no connection. It may
 *   overtake a `send` that waits
 * room.close() leaves: the seat is given up if there is a connection, else when its time is out
 * room.me { user, session, seat, role } or null, members, status, latency (ms or null), seq, epoch
 *
 * What was not answered is gone with the page. It needs ES2022 and WebSocket: browsers, their
 * workers, Node 22.
 */

/** Who is closed with one of these is not to come back; 4002 is for a new token to solve. */
const FINAL = new Set([4001, 4003, 4008, 4009, 4010, 4011]);

/** More may not be unanswered at a time. */
const IN_FLIGHT = 64;

/** The smallest hard limit of a frame: none that is shorter closes a connection. */
const FRAME_BYTES = 64 * 1024;

/** How much of what waited for a connection goes at a time: all at once could look like a flood. */
const SLICE = 12;

// All in milliseconds.
const BACKOFF = 250;
const LONGEST_BACKOFF = 10_000;
const STABLE = 5_000; // a connection that lasted as long starts the backoff anew
const OFFLINE = 30_000; // browsers may err about being offline: try now and then
const PING_EVERY = 10_000;
const PATIENCE = 12_000; // without any frame after a ping the connection is dead; a handler may take 10 s
const UNPLUGGED = 2_000; // the same where the browser says that it is offline
const OPENING = 15_000; // how long an upgrade may take
const BETWEEN_SLICES = 500;
const LATE = 2_000; // a timer as late as that was asleep, and what came meanwhile is yet to be read

/** Why a message was refused, or will not be answered. */
export class TapaculoError extends Error {
  constructor(code, message, retryAfterMs) {
    super(message);
    this.name = "TapaculoError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Connects to a room; see above. */
export function connect(options) {
  return new Room(options);
}

class Room {
  me = null;
  members = [];
  status = "connecting";
  latency = null;
  seq = 0;
  epoch = null;

  #options;
  #url;
  #socket = null;
  #token; // the last that was used
  #expired = false;
  #place = null; // the room that `welcome` named
  #refusal; // the words of a refusal before `welcome`
  #resumeFrom = null; // the `seq` up to which nothing is missing
  #stateSeq = 0;
  #waiting = []; // messages to be sent: those that have an id, and so a frame, were sent before
  #sent = new Map(); // id → message, sent over this connection and unanswered; in order
  #allowance = Infinity; // how many may be sent now
  #lastId = 0;
  #acked = 0; // the highest id that was acked, by this epoch of the room
  #attempt = 0;
  #syncedAt = null;
  #retry = null; // the timer of the next attempt
  #pace = null; // the timer of the next slice
  #pulse = null; // the timer of the next ping, or of what has to be heard
  #unheard = false; // whether something has to be heard
  #ping = { number: 0, at: 0 };

  constructor(options) {
    const { url = "/ws", token } = options;
    if (typeof token !== "string" && typeof token !== "function") {
      throw new TypeError("`token` is the access token, or a function that gives one");
    }
    this.#url = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#url.hash = "";
    this.#options = options;
    this.#listen("addEventListener");
    queueMicrotask(() => {
      this.#tell("onStatus", this.status);
      if (this.status !== "closed") this.#open();
    });
  }

  send(message) {
    return new Promise((resolve, reject) => {
      const body = JSON.stringify(message);
      if (body === undefined) throw new TypeError("a message is something that JSON can say");
      if (this.status === "closed") throw new TapaculoError("closed", "the connection is closed");
      this.#waiting.push({ body, resolve, reject });
      this.#flush();
    });
  }

  post(message) {
    const body = JSON.stringify(message);
    if (body === undefined) throw new TypeError("a message is something that JSON can say");
    if (this.status !== "connected" || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(`{"data":${body}}`);
    return true;
  }

  close() {
    if (this.status === "closed") return;
    this.#socket?.close(1000);
    this.#end(1000, "left");
  }

  // Coming and going

  async #open() {
    clearTimeout(this.#retry);
    this.#retry = null;
    const { token } = this.#options;
    let socket;
    try {
      const expired = this.#expired || hasExpired(this.#token);
      const given = typeof token === "function" ? await this.#options.token({ expired }) : token;
      if (this.status === "closed") return;
      if (typeof given !== "string") throw new TypeError("the function gave no token");
      this.#token = given;
      this.#expired = false;
      const url = new URL(this.#url);
      if (this.#resumeFrom !== null) url.searchParams.set("resume", `${this.epoch}-${this.#resumeFrom}`);
      socket = new WebSocket(url, ["tapaculo.v1.json", `tapaculo.token.${given}`]);
    } catch (error) {
      const reason = String(error?.message ?? error);
      if (this.status === "closed") return;
      if (typeof token === "function") this.#comeBack({ reason });
      else this.#end(1006, reason); // what is wrong with a string stays wrong
      return;
    }
    this.#socket = socket;
    this.#refusal = undefined;
    let opened = false;
    // A socket that was given up may still have something to say.
    const current = act => event => { if (socket === this.#socket) act(event); };
    socket.onopen = current(() => { opened = true; this.#expect(PATIENCE); });
    socket.onmessage = current(({ data }) => this.#hear(JSON.parse(data)));
    socket.onclose = current(({ code, reason }) => this.#lost(code, reason, opened));
    this.#expect(OPENING);
  }

  #lost(code, reason, opened) {
    this.#drop();
    if (FINAL.has(code)) return this.#end(code, this.#refusal ?? reason);
    // A browser does not say with which status an upgrade was refused.
    this.#expired = code === 4002 || (!opened && hasExpired(this.#token));
    const renews = typeof this.#options.token === "function";
    if (this.#expired && !renews) return this.#end(4002, "the token has expired");
    if (code === 1009) this.#giveUpLongest();
    this.#comeBack({ code, reason });
  }

  #comeBack(why, atOnce = false) {
    if (this.#syncedAt !== null && performance.now() - this.#syncedAt >= STABLE) this.#attempt = 0;
    this.#syncedAt = null;
    const attempt = ++this.#attempt;
    const { code } = why;
    const most = Math.min(LONGEST_BACKOFF, BACKOFF * 2 ** (attempt - 1));
    let delay = Math.random() * Math.max(most, code === 1012 ? 2_000 : 0); // all come back at a restart
    if (code === 4108 || code === 1013) delay += 1_000;
    if (attempt === 1 && (atOnce || code === 4201)) delay = 0;
    if (globalThis.navigator?.onLine === false) delay = OFFLINE;
    this.#retry = setTimeout(() => this.#open(), delay);
    this.status = "reconnecting";
    this.#tell("onStatus", this.status, { attempt, delay: Math.round(delay), ...why });
  }

  #end(code, reason) {
    this.#drop();
    clearTimeout(this.#retry);
    this.#listen("removeEventListener");
    this.status = "closed";
    const words = `the connection is closed${reason ? `: ${reason}` : ""}`;
    this.#fail(() => true, new TapaculoError("closed", words));
    this.#tell("onStatus", this.status, { code, reason });
  }

  #drop() {
    clearTimeout(this.#pulse);
    clearTimeout(this.#pace);
    this.#socket = null;
    this.#waiting = [...this.#sent.values(), ...this.#waiting];
    this.#sent.clear();
  }

  #listen(change) {
    for (const type of ["online", "offline", "pageshow"]) globalThis[change]?.(type, this.#wake);
    globalThis.document?.[change]("visibilitychange", this.#wake);
  }

  /** The device or the page is back, or gone: the connection may be dead, and nobody has noticed. */
  #wake = ({ type }) => {
    if (type === "visibilitychange" && document.visibilityState !== "visible") return;
    if (this.status === "connected") {
      if (!this.#unheard) this.#sendPing();
      if (type === "offline") this.#expect(UNPLUGGED);
    } else if (this.#retry !== null && type !== "offline") this.#open();
  };

  // The pulse: a ping every ten seconds, and something heard after it

  #expect(ms) {
    clearTimeout(this.#pulse);
    this.#unheard = true;
    const due = performance.now() + ms;
    this.#pulse = setTimeout(() => {
      if (performance.now() - due > LATE) return this.#expect(PATIENCE);
      this.#socket.close(4000, "no answer"); // not a goodbye: the seat is to be held
      this.#drop();
      this.#comeBack({ reason: "the server does not answer" }, true);
    }, ms);
  }

  #sendPing() {
    this.#ping = { number: this.#ping.number + 1, at: performance.now() };
    this.#socket.send(JSON.stringify({ ping: this.#ping.number }));
    this.#expect(PATIENCE);
  }

  // What the server says

  #hear(frame) {
    if (this.#unheard) {
      this.#unheard = false;
      clearTimeout(this.#pulse);
      this.#pulse = setTimeout(() => this.#sendPing(), PING_EVERY);
    }
    if ("data" in frame) this.#event(frame);
    else if ("ack" in frame) this.#ack(frame);
    else if ("error" in frame) this.#error(frame);
    else if ("pong" in frame) this.#pong(frame.pong);
    else if ("presence" in frame) this.#presence(frame.presence);
    else if ("welcome" in frame) this.#welcome(frame.welcome);
    else if ("state" in frame) this.#state(frame);
    else if ("redacted" in frame) this.#tell("onRedacted", frame.redacted);
    else if ("synced" in frame) this.#synced(frame.synced);
  }

  #welcome({ room, user, session, seat, role, epoch, resumed, acked, members }) {
    // May what was not answered be sent again, with its id, and still be applied once? Yes where
    // the room remembers the session: it knows the ids that it has handled. Yes in a new epoch:
    // that room has handled nothing of ours, and asks of ids only that they grow. No in another
    // session, or in one that was forgotten: nobody there can tell a repetition.
    const back = this.me?.user === user && this.me.session === session && this.#place === room;
    const known = epoch !== this.epoch || acked >= this.#acked;
    if (!back || !known) {
      const words = "the room does not remember this session: the message may or may not have been handled";
      this.#fail(message => message.frame !== undefined, new TapaculoError("lost", words));
    }
    // A page that was loaded again goes on above the ids of the one before.
    this.#lastId = back ? Math.max(this.#lastId, acked) : acked;
    this.#acked = acked;
    const first = this.me === null;
    this.#place = room;
    this.me = { user, session, seat, role };
    this.members = members;
    this.epoch = epoch;
    if (resumed) return;
    // Until `synced` there is no position to resume from: the greeting has to be whole.
    this.#resumeFrom = null;
    this.seq = 0;
    this.#stateSeq = 0;
    if (!first) this.#tell("onReset");
  }

  #state({ state, seq }) {
    this.#stateSeq = seq;
    this.#tell("onState", state, { seq });
  }

  #event({ data, seq, from }) {
    const volatile = seq === undefined;
    if (!volatile) {
      if (seq <= this.seq) return; // told before the connection was lost
      this.seq = seq;
      // A greeting has to be whole; what was missed comes in order, and may be cut anywhere.
      if (this.#resumeFrom !== null) this.#resumeFrom = seq;
    }
    this.#tell("onEvent", data, { seq, from, volatile, past: !volatile && seq <= this.#stateSeq });
  }

  #synced(seq) {
    this.seq = seq;
    this.#resumeFrom = seq;
    this.#syncedAt = performance.now();
    this.status = "connected";
    this.#sendPing();
    this.#catchUp();
    this.#tell("onSynced", seq);
    if (this.status === "connected") this.#tell("onStatus", this.status);
  }

  #presence(presence) {
    const { event, user, seat, role, name, avatar } = presence;
    const before = this.members.find(member => member.user === user);
    const connected = event === "changed" ? before?.connected ?? true : event !== "disconnected";
    const now = { user, seat, role, connected };
    if (name !== undefined) now.name = name;
    if (avatar !== undefined) now.avatar = avatar;
    const others = this.members.filter(member => member.user !== user);
    if (event === "left") this.members = others;
    else if (others.length === this.members.length) this.members = [...others, now];
    else this.members = this.members.map(one => (one.user === user ? now : one));
    this.#tell("onPresence", presence, this.members);
  }

  #pong(number) {
    if (number !== this.#ping.number) return;
    this.latency = Math.round(performance.now() - this.#ping.at);
    this.#tell("onLatency", this.latency);
  }

  #ack({ ack, reply }) {
    this.#acked = Math.max(this.#acked, ack);
    this.#settle(ack)?.resolve(reply);
    this.#flush();
  }

  #error({ error: { code, message, retry_after_ms: retryAfterMs }, id }) {
    const error = new TapaculoError(code, message, retryAfterMs);
    if (id !== undefined) {
      this.#settle(id)?.reject(error);
      this.#flush();
    } else {
      if (this.status !== "connected") this.#refusal = message;
      this.#tell("onError", error);
    }
  }

  // Messages

  #catchUp() {
    const isMuch = this.#waiting.length > SLICE;
    this.#allowance = isMuch ? SLICE : Infinity;
    if (isMuch) this.#pace = setTimeout(() => this.#catchUp(), BETWEEN_SLICES);
    this.#flush();
  }

  #flush() {
    if (this.status !== "connected") return;
    while (this.#waiting.length > 0 && this.#sent.size < IN_FLIGHT && this.#allowance > 0) {
      this.#allowance -= 1;
      const message = this.#waiting.shift();
      message.id ??= ++this.#lastId;
      message.frame ??= `{"data":${message.body},"id":${message.id}}`;
      this.#sent.set(message.id, message);
      this.#socket.send(message.frame);
    }
  }

  #settle(id) {
    const message = this.#sent.get(id);
    this.#sent.delete(id);
    return message;
  }

  /** Rejects those that wait for a connection and are chosen. */
  #fail(chosen, error) {
    const failed = this.#waiting.filter(chosen);
    this.#waiting = this.#waiting.filter(message => !chosen(message));
    for (const { reject } of failed) reject(error);
  }

  /** What closed a connection for its length would close the next one, too. */
  #giveUpLongest() {
    const length = ({ frame }) => (frame === undefined ? 0 : new TextEncoder().encode(frame).length);
    const longest = Math.max(...this.#waiting.map(length));
    if (longest <= FRAME_BYTES) return;
    const words = "the server takes no frame of this length";
    this.#fail(message => length(message) === longest, new TapaculoError("too_large", words));
  }

  #tell(callback, ...what) {
    try {
      this.#options[callback]?.(...what);
    } catch (error) {
      (globalThis.reportError ?? console.error)(error);
    }
  }
}

/** Whether a token says that its time is over; one that can't be read does not. */
function hasExpired(token) {
  try {
    const claims = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(claims).exp * 1000 < Date.now();
  } catch {
    return false;
  }
}
