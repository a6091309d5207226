/**
 * The browser's side of a tapaculo room: one connection that comes back by itself.
 *
 * ```ts
 * import { connect, Login } from "/tapaculo.js";
 *
 * const room = connect<ChessView, ChessEvent, ChessMessage>({
 *   token: new Login({ name: "Ann", room: "table 1" }).token,
 *   onState(state) { game = state; },
 *   onEvent(event, { past }) { if (!past) apply(event); },
 * });
 * await room.send({ type: "Move", from: "e2", to: "e4" });
 * ```
 *
 * @packageDocumentation
 */

/** Connects to a room. No callback is called before this has returned. */
export function connect<State = unknown, Event = unknown, Message = unknown>(
  options: ConnectOptions<State, Event>,
): Room<Message>;

/** Where to connect to, as whom, and what to call. What a callback throws is reported and breaks nothing. */
export interface ConnectOptions<State = unknown, Event = unknown> {
  /** The game's URL, relative to the page or absolute, http(s) or ws(s). Default: `"/ws"`. */
  url?: string | URL;

  /**
   * The access token, or a function that gives one.
   *
   * The function is called before each attempt to connect, and in time before the last token
   * expires: the connection then goes on by the fresh one. It is never called twice at a time. If
   * it throws, that is one more attempt that failed; if it gives `null`, there is no token any more.
   * That, and a plain string that has expired, ends the connection: `"closed"`, code 4002; a plain
   * string that the server refuses ends it with 4001, and an error with a `status` that repeating
   * won't mend, such as that of a {@link Login}, with 1006.
   */
  token: string | ((why: TokenRequest) => string | null | Promise<string | null>);

  /**
   * How frames are sent. Default: `"json"`; `"msgpack"` is shorter.
   *
   * What a page sends and is told is the same in both: what `JSON.stringify` says and `JSON.parse`
   * makes of it. Whole numbers beyond 2 ** 53 are rounded; half a surrogate pair is refused in
   * JSON and replaced in MessagePack.
   */
  codec?: "json" | "msgpack";

  /** The game's view as of `seq`: it replaces all that is known. */
  onState?(state: State, meta: { seq: number }): void;

  /** An event of the room, in order, each once. */
  onEvent?(event: Event, meta: EventMeta): void;

  /**
   * What was missed can't be told any more: forget what is shown. The state (if the game has a
   * view), the history and `onSynced` follow.
   */
  onReset?(): void;

  /** The event of this number is to be forgotten. */
  onRedacted?(seq: number): void;

  /**
   * Somebody else came or went. What happened while there was no connection is not told one by
   * one: at `onSynced`, {@link Room.members} is right.
   */
  onPresence?(presence: Presence, members: readonly Member[]): void;

  /** All that was to be told, up to `seq`, has been. */
  onSynced?(seq: number): void;

  /**
   * How the connection is. `"connecting"` at first; `"connected"` after `onSynced`;
   * `"reconnecting"` once for each attempt, before it; `"closed"` at the end: it does not come back.
   */
  onStatus?(...change: StatusChange): void;

  /** How long a round trip to the server took, in milliseconds; about every ten seconds. */
  onLatency?(ms: number): void;

  /** A refusal that belongs to no {@link Room.send}: of a {@link Room.post}, or of the seat. */
  onError?(error: TapaculoError): void;
}

/**
 * A user's tokens: the first from the server's `POST /token`, the next ones from
 * `POST /token/refresh`; all are kept in the tab's own storage, so that a page that is loaded again is
 * the same user.
 */
export class Login {
  /**
   * @param body what the server's login asks for; of a guest, see {@link GuestLogin}. It is not kept.
   *   Without one there are only the tokens that the tab has, and those they are refreshed to.
   */
  constructor(body?: GuestLogin | object | null, options?: LoginOptions);

  /**
   * The token, for {@link ConnectOptions.token}. Once the server refuses to refresh, this logs in
   * anew, as another guest; `null`, if there is no body.
   *
   * @throws {@link LoginError}, with the server's words.
   */
  readonly token: (why?: Partial<TokenRequest>) => Promise<string | null>;

  /** Who that is; `null` as long as there is no token. */
  readonly user: string | null;

  /** The next token is somebody else's. */
  forget(): void;
}

/** What a guest says of itself. */
export interface GuestLogin {
  /** The name to show. */
  name: string;
  room: string;
  /** On a server with several games: which one. */
  game?: string;
  /** For whoever opens the room: what its `#[create]` takes. */
  options?: unknown;
}

/** Where a {@link Login} asks, and where it keeps what it gets. */
export interface LoginOptions {
  /** Default: `"/token"`; `/refresh` is below it. */
  url?: string;
  /** The key in `sessionStorage`. Default: one for each game and room of a guest; any other login needs one. */
  key?: string;
}

/** Why there is no token. */
export type LoginError = TapaculoError & {
  /** Of the answer, if there was one. */
  readonly status?: number;
};

/** Why a token is asked for. */
export interface TokenRequest {
  /**
   * Whether the last token is of no more use (it has expired, or the server refuses it: it was
   * revoked, or signed with a secret that is gone), or will soon be: get another one.
   */
  expired: boolean;
}

/** What is known of an event besides itself. */
export interface EventMeta {
  /** Its number in the room, growing; `undefined` if it is volatile. */
  seq: number | undefined;
  /** The user whose message caused it, or `"@server"`. */
  from: string;
  /** It is not kept and may be lost: a position, someone typing. */
  volatile: boolean;
  /** It came with the history and is part of the state before it: to show, not to apply. */
  past: boolean;
}

/** Whether somebody takes part or watches. */
export type Role = "player" | "spectator";

/** One who is in the room. */
export interface Member {
  readonly user: string;
  /** `null` for those who watch. */
  readonly seat: number | null;
  readonly role: Role;
  /** Whether the member's socket is there; the seat may outlive it. */
  readonly connected: boolean;
  /** The name to show. */
  readonly name?: string;
  readonly avatar?: string;
}

/** Somebody else came or went, or anyone's name or avatar has changed. */
export interface Presence {
  event: "joined" | "left" | "disconnected" | "reconnected" | "changed";
  user: string;
  seat: number | null;
  role: Role;
  /** The name to show. */
  name?: string;
  avatar?: string;
}

/** Oneself. */
export interface Me {
  readonly user: string;
  readonly session: string;
  /** `null` for those who watch. */
  readonly seat: number | null;
  readonly role: Role;
}

/** How a connection is. */
export type Status = "connecting" | "connected" | "reconnecting" | "closed";

/** A status, and what more there is to say of it. */
export type StatusChange =
  | [status: "connecting" | "connected", detail: undefined]
  | [status: "reconnecting", detail: Reconnecting]
  | [status: "closed", detail: Closed];

/** The connection was lost, or could not be made: there will be another attempt. */
export interface Reconnecting {
  /** Which attempt it will be, from 1; it counts anew after a connection that lasted. */
  attempt: number;
  /**
   * In how many milliseconds, at least what the server asks for (`Retry-After`); at once if the
   * device comes online or the page to the front.
   */
  delay: number;
  /** The close code; 1006 also where the server refused. */
  code?: number;
  /** Why, as far as it is known: where the server refused, its words. */
  reason?: string;
}

/** The connection has ended for good. */
export interface Closed {
  /**
   * 1000 after {@link Room.close}; 1006 if the token or the URL can't be used, or the page may not
   * connect; else the server's: 4001 token revoked or refused, 4002 expired or none left, 4003 room
   * full or not allowed, 4008 banned, 4009 replaced by a newer connection, 4010 room closed, 4011
   * kicked.
   */
  code: number;
  reason: string;
}

/** A connection to a room. What is to be read here is kept up to date. */
export interface Room<Message = unknown> {
  /**
   * Sends a message and promises the handler's reply, `undefined` if it has none.
   *
   * It waits for a connection, and is sent again over the next one until it is answered; the server
   * applies it once. Its events come before its answer.
   *
   * @throws {@link TapaculoError}, if it is refused or will not be answered.
   */
  send<Reply = unknown>(message: Message): Promise<Reply>;

  /**
   * Sends a message that wants no answer; it is not repeated, and may overtake a `send` that waits.
   *
   * @returns whether there was a connection to send it over.
   */
  post(message: Message): boolean;

  /**
   * Leaves: the seat is given up if there is a connection, otherwise when its time is out. What is
   * not answered is rejected with the code `"closed"`.
   */
  close(): void;

  /** Oneself; `null` before the first connection. */
  readonly me: Me | null;
  /** All members, oneself included, in order of arrival; a new array at each change. */
  readonly members: readonly Member[];
  readonly status: Status;
  /** The last round trip, in milliseconds. */
  readonly latency: number | null;
  /** The number of the last event that is known. */
  readonly seq: number;
  /** Names the time in which the room's numbers are these; `null` before the first connection. */
  readonly epoch: string | null;
}

/** Why a message was refused, or will not be answered. */
export class TapaculoError extends Error {
  constructor(code: ErrorCode, message: string, retryAfterMs?: number);
  readonly name: "TapaculoError";
  readonly code: ErrorCode;
  /** When to try again, where the server says so. */
  readonly retryAfterMs?: number;
}

/**
 * The server's codes, and two of the client's own: `closed`, the connection has ended for good; and
 * `lost`, it was sent, but whoever answers now does not remember this session. Either may or may
 * not have been applied. `rate_limited` and `unavailable` were not: send again later.
 */
export type ErrorCode =
  | "closed"
  | "lost"
  | "bad_frame"
  | "bad_message"
  | "forged_sender"
  | "rejected"
  | "too_large"
  | "rate_limited"
  | "banned"
  | "spectator"
  | "unauthorized"
  | "room_full"
  | "conflict"
  | "stale_id"
  | "unavailable"
  | "internal"
  | (string & {});
