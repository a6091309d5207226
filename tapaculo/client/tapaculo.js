/**
 * The browser's side of a tapaculo room: one connection that comes back by itself.
 *
 *   import { connect, Login } from "/tapaculo.js";
 *
 *   const login = new Login({ name: "Ann", room: "table 1" }); // a guest's; or a way of your own
 *   const room = connect({
 *     url: "/ws",                                 // or "/ws/chess", "wss://play.example/ws"
 *     token: login.token,
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
 *           to connect, and in time before the last one expires; never twice at a time. `expired`:
 *           the last one is of no more use (expired, or refused), or will soon be. If it throws,
 *           that attempt has failed; null: there is none any more. That, and a plain string that
 *           has expired, ends the connection: "closed", code 4002; one that is refused: 4001. An
 *           error with a `status` that repeating won't mend (a Login's: 400, 401, 403) ends it, too:
 *           code 1006
 *   codec   how frames are sent: "json" (default), or "msgpack", which is shorter. What a page sends
 *           and is told is the same in both: what JSON.stringify says and JSON.parse makes of it.
 *           Whole numbers beyond 2 ** 53 are rounded; half a surrogate pair is refused in JSON and
 *           replaced in MessagePack
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
 * new Login(body, { url = "/token", key }) asks the server's `POST /token` for the first token with
 * this body (of a guest: { name, room, game?, options? }) and `POST /token/refresh` for the next ones.
 * All are kept in the tab's own storage under `key`, by default one for each game and room of a guest;
 * a login of your own needs one. A page that is loaded again is the same user, two tabs are two, unless
 * one was made from the other: then they are one user until one logs in anew. Once the server refuses
 * to refresh, it logs in anew, as another guest; without a body (null) it has no token any more. The
 * body is not kept.
 *   login.token    for `connect`; called by hand it logs in now, or throws a TapaculoError with the
 *                  server's words, and the HTTP `status` if it has answered
 *   login.user     who that is, or null as long as there is no token
 *   login.forget() the next token is somebody else's
 *
 * A browser does not say why a connection was refused. So the server is asked, by one POST to the
 * same URL with the token in `Authorization`, after each attempt that was refused. An unknown game
 * and a page that may not connect end the connection: "closed", code 1006, with the server's words.
 * Only, a page of another origin than the server's is told nothing where it may not connect, and
 * none where its Content-Security-Policy lets no http(s) through to there: it goes on trying, and
 * the browser's console knows more.
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

/** How deep the frames may be nested that are read. */
const DEPTH = 1_000;

/** Why nobody waits any more for what the server would have said: the next attempt is due. */
const WOKEN = "woken";

/** How frames stand on the wire. Here they are JSON until they are sent. */
const CODECS = {
  json: { read: JSON.parse, write: text => text },
  msgpack: { read: unpack, write: text => pack(JSON.parse(text)) },
};

// All in milliseconds.
const BACKOFF = 250;
const LONGEST_BACKOFF = 10_000;
const STABLE = 5_000; // a connection that lasted as long starts the backoff anew
const OFFLINE = 30_000; // browsers may err about being offline: try now and then
const PING_EVERY = 10_000;
const PATIENCE = 12_000; // without any frame after a ping the connection is dead; a handler may take 10 s
const UNPLUGGED = 2_000; // the same where the browser says that it is offline
const RENEW_BEFORE = 60_000; // a fresh token is asked for so long before the last one expires
const LONGEST_TIMER = 2 ** 31 - 1;
const OPENING = 15_000; // how long an upgrade may take
const INQUIRY = 3_000; // how long the server may take to say why it has refused one
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

/** A user's tokens, from the server's `POST /token`; see above. */
export class Login {
  #body;
  #url;
  #key;
  #kept; // what the server has answered last, and the attempt that was made with it
  #asking = null; // the promise of an answer, while there is one

  constructor(body = null, { url = "/token", key } = {}) {
    this.#body = body;
    this.#url = url;
    if (key === undefined && typeof body?.room !== "string") {
      throw new TypeError("a login of your own needs a `key`: by it the tab finds what it has kept");
    }
    this.#key = key ?? `tapaculo.login.${JSON.stringify([body.game ?? null, body.room])}`;
    try {
      this.#kept = JSON.parse(sessionStorage.getItem(this.#key));
    } catch {
      this.#kept = null; // there may be no storage
    }
  }

  get user() {
    return this.#kept?.user ?? null;
  }

  token = async ({ expired = false } = {}) => {
    if (this.#kept && expired) await this.#once(() => this.#refresh());
    while (!this.#kept && this.#body) await this.#once(() => this.#logIn());
    return this.#kept?.token ?? null;
  };

  forget() {
    this.#keep(null);
  }

  /** Two who ask at a time are one user. */
  #once(ask) {
    this.#asking ??= ask().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #logIn() {
    this.#keep(await post(this.#url, this.#body));
  }

  async #refresh() {
    // A refresh token works once: where its answer was lost, the same attempt may be made again.
    const { refresh_token, attempt = crypto.getRandomValues(new Uint32Array(4)).join("-") } = this.#kept;
    this.#keep({ ...this.#kept, attempt });
    const asked = this.#kept;
    const answer = await post(`${this.#url}/refresh`, { refresh_token, attempt }).catch(error => {
      if (!isFinal(error.status)) throw error;
      return null;
    });
    if (this.#kept === asked) this.#keep(answer); // else it was forgotten meanwhile
  }

  #keep(kept) {
    this.#kept = kept;
    try {
      if (kept === null) sessionStorage.removeItem(this.#key);
      else sessionStorage.setItem(this.#key, JSON.stringify(kept));
    } catch {
      // then they are good for as long as the page
    }
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
  #codec;
  #socket = null;
  #token; // the last that was used
  #expired = false;
  #asked = null; // the promise of a token, while there is one
  #renewal = null; // the timer of the next fresh token
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
  #inquiry = null; // the AbortController of the question why the last attempt was refused
  #pace = null; // the timer of the next slice
  #pulse = null; // the timer of the next ping, or of what has to be heard
  #unheard = false; // whether something has to be heard
  #ping = { number: 0, at: 0 };

  constructor(options) {
    const { url = "/ws", token, codec = "json" } = options;
    if (!Object.hasOwn(CODECS, codec)) throw new TypeError('`codec` is "json" or "msgpack"');
    this.#codec = CODECS[codec];
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
    this.#transmit(`{"data":${body}}`);
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
    const { token, codec = "json" } = this.#options;
    let socket;
    try {
      const expired = this.#expired || hasExpired(this.#token);
      const given = typeof token === "function" ? await this.#ask(expired) : token;
      if (this.status === "closed") return;
      if (given === null) return this.#end(4002, "there is no token any more");
      if (typeof given !== "string") throw new TypeError("the function gave no token");
      this.#token = given;
      this.#expired = false;
      const url = new URL(this.#url);
      if (this.#resumeFrom !== null) url.searchParams.set("resume", `${this.epoch}-${this.#resumeFrom}`);
      socket = new WebSocket(url, [`tapaculo.v1.${codec}`, `tapaculo.token.${given}`]);
      socket.binaryType = "arraybuffer";
    } catch (error) {
      const reason = String(error?.message ?? error);
      if (this.status === "closed") return;
      // What is wrong with a string stays wrong.
      if (typeof token !== "function" || isFinal(error?.status)) this.#end(1006, reason);
      else this.#comeBack({ reason }, { wait: error?.retryAfterMs });
      return;
    }
    this.#socket = socket;
    this.#refusal = undefined;
    let opened = false;
    // A socket that was given up may still have something to say.
    const current = act => event => { if (socket === this.#socket) act(event); };
    socket.onopen = current(() => { opened = true; this.#expect(PATIENCE); });
    socket.onmessage = current(({ data }) => this.#hear(this.#codec.read(data)));
    socket.onclose = current(({ code, reason }) => this.#lost(code, reason, opened));
    this.#expect(OPENING);
  }

  #lost(code, reason, opened) {
    this.#drop();
    if (FINAL.has(code)) return this.#end(code, this.#refusal ?? reason);
    this.#expired = code === 4002 || (!opened && hasExpired(this.#token));
    const renews = typeof this.#options.token === "function";
    if (this.#expired && !renews) return this.#end(4002, "the token has expired");
    if (code === 1009) this.#giveUpLongest();
    const isOnline = globalThis.navigator?.onLine !== false;
    if (opened || this.#expired || !isOnline) this.#comeBack({ code, reason });
    else this.#inquire({ code, reason });
  }

  /** A browser does not say with which status an upgrade was refused: the server does. */
  async #inquire(why) {
    const start = performance.now();
    const inquiry = new AbortController();
    const timer = setTimeout(() => inquiry.abort(), INQUIRY);
    this.#inquiry = inquiry;
    const { code, message, wait } = await verdict(this.#url, this.#token, inquiry.signal);
    clearTimeout(timer);
    this.#inquiry = null;
    if (this.status === "closed") return;
    if (code === "forbidden" || code === "not_found") return this.#end(1006, message);
    this.#expired = code === "unauthorized";
    const renews = typeof this.#options.token === "function";
    if (this.#expired && !renews) return this.#end(4001, message);
    const reason = message ?? why.reason;
    this.#comeBack({ ...why, reason }, { wait, waited: performance.now() - start });
    if (inquiry.signal.reason === WOKEN && this.status !== "closed") this.#open();
  }

  /** `wait` is how long the server wants it to be at least, `waited` how long it has been. */
  #comeBack(why, { atOnce = false, wait = 0, waited = 0 } = {}) {
    if (this.#syncedAt !== null && performance.now() - this.#syncedAt >= STABLE) this.#attempt = 0;
    this.#syncedAt = null;
    const attempt = ++this.#attempt;
    const { code } = why;
    const most = Math.min(LONGEST_BACKOFF, BACKOFF * 2 ** (attempt - 1));
    let delay = Math.random() * Math.max(most, code === 1012 ? 2_000 : 0); // all come back at a restart
    if (code === 4108 || code === 1013) delay += 1_000;
    if (attempt === 1 && (atOnce || code === 4201)) delay = 0;
    if (globalThis.navigator?.onLine === false) delay = OFFLINE;
    delay = Math.min(wait + Math.max(delay - waited, 0), LONGEST_TIMER);
    this.#retry = setTimeout(() => this.#open(), delay);
    this.status = "reconnecting";
    this.#tell("onStatus", this.status, { attempt, delay: Math.round(delay), ...why });
  }

  #end(code, reason) {
    this.#drop();
    clearTimeout(this.#retry);
    this.#inquiry?.abort();
    this.#listen("removeEventListener");
    this.status = "closed";
    const words = `the connection is closed${reason ? `: ${reason}` : ""}`;
    this.#fail(() => true, "closed", words);
    this.#tell("onStatus", this.status, { code, reason });
  }

  #drop() {
    clearTimeout(this.#pulse);
    clearTimeout(this.#pace);
    clearTimeout(this.#renewal);
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
    } else if (type !== "offline") {
      if (this.#retry !== null) this.#open();
      else this.#inquiry?.abort(WOKEN);
    }
  };

  // The token: a fresh one goes over the connection before the last one expires

  /** One at a time: to get a token may use up another. */
  async #ask(expired) {
    this.#asked ??= (async () => this.#options.token({ expired }))();
    try {
      return await this.#asked;
    } finally {
      this.#asked = null;
    }
  }

  #renewIn(ms) {
    clearTimeout(this.#renewal);
    if (typeof this.#options.token !== "function" || !(ms > 0)) return;
    const expires = performance.now() + ms;
    const due = Math.min(ms - Math.min(ms / 5, RENEW_BEFORE), LONGEST_TIMER);
    this.#renewal = setTimeout(() => this.#renew(expires), due);
  }

  async #renew(expires) {
    const socket = this.#socket;
    const given = await this.#ask(true).catch(() => null);
    if (socket === null || socket !== this.#socket) return;
    if (typeof given === "string" && given !== this.#token) {
      this.#token = given;
      this.#transmit(JSON.stringify({ token: given }));
    } else if (expires - performance.now() > 1_000) {
      this.#renewIn(expires - performance.now()); // what is left of the time is for another try
    }
  }

  // The pulse: a ping every ten seconds, and something heard after it

  #expect(ms) {
    clearTimeout(this.#pulse);
    this.#unheard = true;
    const due = performance.now() + ms;
    this.#pulse = setTimeout(() => {
      if (performance.now() - due > LATE) return this.#expect(PATIENCE);
      this.#socket.close(4000, "no answer"); // not a goodbye: the seat is to be held
      this.#drop();
      this.#comeBack({ reason: "the server does not answer" }, { atOnce: true });
    }, ms);
  }

  #sendPing() {
    this.#ping = { number: this.#ping.number + 1, at: performance.now() };
    this.#transmit(JSON.stringify({ ping: this.#ping.number }));
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
    else if ("renewed" in frame) this.#renewIn(frame.renewed.expires_in_ms);
    else if ("pong" in frame) this.#pong(frame.pong);
    else if ("presence" in frame) this.#presence(frame.presence);
    else if ("welcome" in frame) this.#welcome(frame.welcome);
    else if ("state" in frame) this.#state(frame);
    else if ("redacted" in frame) this.#tell("onRedacted", frame.redacted);
    else if ("synced" in frame) this.#synced(frame.synced);
  }

  #welcome({ room, user, session, seat, role, epoch, resumed, acked, members, expires_in_ms: expiresIn }) {
    // May what was not answered be sent again, with its id, and still be applied once? Yes where
    // the room remembers the session: it knows the ids that it has handled. Yes in a new epoch:
    // that room has handled nothing of ours, and asks of ids only that they grow. No in another
    // session, or in one that was forgotten: nobody there can tell a repetition.
    const back = this.me?.user === user && this.me.session === session && this.#place === room;
    const known = epoch !== this.epoch || acked >= this.#acked;
    if (!back || !known) {
      const words = "the room does not remember this session: the message may or may not have been handled";
      this.#fail(message => message.frame !== undefined, "lost", words);
    }
    // A page that was loaded again goes on above the ids of the one before.
    this.#lastId = back ? Math.max(this.#lastId, acked) : acked;
    this.#acked = acked;
    const first = this.me === null;
    this.#place = room;
    this.me = { user, session, seat, role };
    this.members = members;
    this.epoch = epoch;
    this.#renewIn(expiresIn);
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
      this.#transmit(message.frame);
    }
  }

  #transmit(frame) {
    this.#socket.send(this.#codec.write(frame));
  }

  #settle(id) {
    const message = this.#sent.get(id);
    this.#sent.delete(id);
    return message;
  }

  /** Rejects those that wait for a connection and are chosen. */
  #fail(chosen, code, words) {
    const failed = this.#waiting.filter(chosen);
    this.#waiting = this.#waiting.filter(message => !chosen(message));
    for (const { reject } of failed) reject(new TapaculoError(code, words));
  }

  /** What closed a connection for its length would close the next one, too. */
  #giveUpLongest() {
    const length = ({ frame }) => (frame === undefined ? 0 : new Blob([this.#codec.write(frame)]).size);
    const longest = Math.max(...this.#waiting.map(length));
    if (longest <= FRAME_BYTES) return;
    const words = "the server takes no frame of this length";
    this.#fail(message => length(message) === longest, "too_large", words);
  }

  #tell(callback, ...what) {
    try {
      this.#options[callback]?.(...what);
    } catch (error) {
      (globalThis.reportError ?? console.error)(error);
    }
  }
}

/**
 * What the server says of a connection that it has refused: its error's code and words, and how many
 * milliseconds to wait. Nothing if it can't be asked, and no code or words if it is something else
 * that answers, a proxy for one, which may be wrong in a moment.
 */
async function verdict(url, token, signal) {
  try {
    const asked = new URL(url);
    asked.protocol = asked.protocol.replace("ws", "http");
    const response = await fetch(asked, {
      method: "POST", // for a GET to the page's own origin a browser would not say which page asks
      headers: { Authorization: `Bearer ${token}` },
      cache: "no-store",
      redirect: "error", // the token is for nobody else
      signal,
    });
    const { error } = await response.json().catch(() => ({}));
    // Of a good token it says that there is no upgrade in the question.
    return response.status === 400 ? {} : { code: error?.code, message: error?.message, wait: retryAfter(response) };
  } catch {
    return {};
  }
}

/** How long the server wants us to wait, in milliseconds. */
function retryAfter({ status, headers }) {
  const seconds = status === 429 || status === 503 ? Number(headers.get("Retry-After")) : 0;
  return seconds > 0 ? seconds * 1_000 : 0;
}

/** Posts JSON and promises the answer; throws with the server's words. */
async function post(url, body) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => { throw new TapaculoError("unavailable", "the server can't be reached"); });
  const answer = await response.json().catch(() => ({}));
  if (response.ok && typeof answer?.token === "string") return answer;
  const { status } = response;
  const words = response.ok ? `${url} gave no token` : `the server answered ${status}`;
  const { code = "internal", message = words } = answer?.error ?? {};
  throw Object.assign(new TapaculoError(code, message, retryAfter(response)), { status });
}

/** Whether a request that was answered so will be answered so again. */
function isFinal(status) {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
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

// MessagePack, as far as JSON has the same

/** Writes what JSON.parse has made. */
function pack(value) {
  let view = new DataView(new ArrayBuffer(256));
  let length = 0;
  // `view` may be another one after this: it is not to be looked at before.
  const room = bytes => {
    const at = length;
    length += bytes;
    if (length > view.byteLength) {
      const larger = new Uint8Array(2 * length);
      larger.set(new Uint8Array(view.buffer));
      view = new DataView(larger.buffer);
    }
    return at;
  };
  const put = (write, size, value, marker) => {
    const at = room(marker === undefined ? size : size + 1);
    if (marker !== undefined) view.setUint8(at, marker);
    view[write](length - size, value);
  };
  const number = value => {
    const whole = Number.isInteger(value) && !Object.is(value, -0);
    if (!whole || value < -(2 ** 63) || value >= 2 ** 64) {
      if (Math.fround(value) === value) put("setFloat32", 4, value, 0xca);
      else put("setFloat64", 8, value, 0xcb);
    } else if (value >= -32 && value < 128) put("setInt8", 1, value);
    else if (value >= 0) {
      if (value < 2 ** 8) put("setUint8", 1, value, 0xcc);
      else if (value < 2 ** 16) put("setUint16", 2, value, 0xcd);
      else if (value < 2 ** 32) put("setUint32", 4, value, 0xce);
      else put("setBigUint64", 8, BigInt(value), 0xcf);
    } else if (value >= -(2 ** 7)) put("setInt8", 1, value, 0xd0);
    else if (value >= -(2 ** 15)) put("setInt16", 2, value, 0xd1);
    else if (value >= -(2 ** 31)) put("setInt32", 4, value, 0xd2);
    else put("setBigInt64", 8, BigInt(value), 0xd3);
  };
  const head = (count, short, most, [byte, middle, long]) => {
    if (count <= most) put("setUint8", 1, short | count);
    else if (byte !== undefined && count < 2 ** 8) put("setUint8", 1, count, byte);
    else if (count < 2 ** 16) put("setUint16", 2, count, middle);
    else put("setUint32", 4, count, long);
  };
  const text = value => {
    const bytes = new TextEncoder().encode(value);
    head(bytes.length, 0xa0, 31, [0xd9, 0xda, 0xdb]);
    const at = room(bytes.length);
    new Uint8Array(view.buffer).set(bytes, at);
  };
  const any = value => {
    if (value === null) put("setUint8", 1, 0xc0);
    else if (typeof value === "boolean") put("setUint8", 1, value ? 0xc3 : 0xc2);
    else if (typeof value === "number") number(value);
    else if (typeof value === "string") text(value);
    else if (Array.isArray(value)) {
      head(value.length, 0x90, 15, [undefined, 0xdc, 0xdd]);
      value.forEach(any);
    } else {
      const entries = Object.entries(value);
      head(entries.length, 0x80, 15, [undefined, 0xde, 0xdf]);
      for (const [key, value] of entries) {
        text(key);
        any(value);
      }
    }
  };
  any(value);
  return new Uint8Array(view.buffer, 0, length);
}

/** Reads the same; throws where it is not one whole value, or not one that JSON has. */
function unpack(buffer) {
  const view = new DataView(buffer);
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let position = 0;
  const left = () => view.byteLength - position;
  const take = bytes => {
    if (bytes > left()) throw new RangeError("the frame ends within a value");
    position += bytes;
    return position - bytes;
  };
  const u8 = () => view.getUint8(take(1));
  const u16 = () => view.getUint16(take(2));
  const u32 = () => view.getUint32(take(4));
  const text = length => utf8.decode(new Uint8Array(buffer, take(length), length));
  const inside = (count, depth, read) => {
    // Each takes a byte at least: what says that it has more is not believed.
    if (count > left()) throw new RangeError("the frame ends within a value");
    if (depth === DEPTH) throw new RangeError("the frame is nested too deep");
    return Array.from({ length: count }, () => read(depth + 1));
  };
  const entry = depth => {
    const key = any(depth);
    if (typeof key !== "string") throw new TypeError("a map's keys are strings");
    return [key, any(depth)];
  };
  const list = (count, depth) => inside(count, depth, any);
  const map = (count, depth) => Object.fromEntries(inside(count, depth, entry));
  const any = depth => {
    const marker = u8();
    if (marker < 0x80) return marker;
    if (marker < 0x90) return map(marker & 0x0f, depth);
    if (marker < 0xa0) return list(marker & 0x0f, depth);
    if (marker < 0xc0) return text(marker & 0x1f);
    if (marker >= 0xe0) return marker - 0x100;
    switch (marker) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xca: return view.getFloat32(take(4));
      case 0xcb: return view.getFloat64(take(8));
      case 0xcc: return u8();
      case 0xcd: return u16();
      case 0xce: return u32();
      case 0xcf: return Number(view.getBigUint64(take(8)));
      case 0xd0: return view.getInt8(take(1));
      case 0xd1: return view.getInt16(take(2));
      case 0xd2: return view.getInt32(take(4));
      case 0xd3: return Number(view.getBigInt64(take(8)));
      case 0xd9: return text(u8());
      case 0xda: return text(u16());
      case 0xdb: return text(u32());
      case 0xdc: return list(u16(), depth);
      case 0xdd: return list(u32(), depth);
      case 0xde: return map(u16(), depth);
      case 0xdf: return map(u32(), depth);
      default: throw new TypeError("the frame has what JSON does not");
    }
  };
  const value = any(0);
  if (left() > 0) throw new RangeError("something comes after the frame");
  return value;
}
