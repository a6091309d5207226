/** What is known of the room: who is here, what was said, who is typing. */

/** The most messages that a page remembers. */
const MOST = 1000;

/** After how many milliseconds nobody is believed to be typing still: the word of its end was lost. */
const TYPING = 6000;

/** How close in time messages of one author are shown together, in milliseconds. */
const TOGETHER = 5 * 60_000;

export class Chat {
  /** user → how those who are here look. */
  people = new Map();
  longest = 4000;
  /** The same of those who have gone, as far as they are remembered. */
  #looks = new Map();
  /** id → a message. Its id is the number of its first event, and its place. */
  #messages = new Map();
  /** The number of the event that says a message now → its id. */
  #ids = new Map();
  /** user → when its typing ends. */
  #typing = new Map();

  /** The server's view: it replaces what was known. */
  see({ people, longest_text: longest }) {
    this.people = new Map(people.map(({ user, ...look }) => [user, look]));
    this.longest = longest;
  }

  /** Takes in an event; answers with the message that it says, if any. */
  hear(event, { seq, from }) {
    switch (event.type) {
      case "Said":
        return this.#say({ id: seq, seq, user: from, edited: false, ...event });
      case "Edited":
        return this.#say({ ...event, seq, user: from, edited: true });
      case "Looks": {
        const { type, user, ...look } = event;
        this.people.set(user, look);
        return null;
      }
      case "Typing":
        if (event.active) this.#typing.set(event.user, performance.now() + TYPING);
        else this.#typing.delete(event.user);
        return null;
      default:
        return null;
    }
  }

  #say({ id, seq, user, by, at, text, edited }) {
    const before = this.#messages.get(id);
    if (before) this.#ids.delete(before.seq);
    const message = { id, seq, user, at, text, edited, deleted: false };
    this.#looks.set(user, by);
    this.#messages.set(id, message);
    this.#ids.set(seq, id);
    if (!edited) this.#typing.delete(user);
    while (this.#messages.size > MOST) this.#drop(Math.min(...this.#messages.keys()));
    return message;
  }

  #drop(id) {
    this.#ids.delete(this.#messages.get(id).seq);
    this.#messages.delete(id);
  }

  /** What an event said is to be forgotten; an edit has taken the place of its event before. */
  redact(seq) {
    const message = this.#messages.get(this.#ids.get(seq));
    if (!message) return null;
    const deleted = { ...message, text: "", deleted: true };
    this.#messages.set(message.id, deleted);
    return deleted;
  }

  /** Somebody has gone; what it said is still shown, and so how it looked. */
  leave(user) {
    this.quiet(user);
    if (this.people.has(user)) this.#looks.set(user, this.people.get(user));
    this.people.delete(user);
  }

  /** Somebody can't be typing. */
  quiet(user) { this.#typing.delete(user); }

  lookOf(user) {
    const unknown = { name: user.replace(/-[^-]*$/, ""), color: "teal", avatar: "initials" };
    return this.people.get(user) ?? this.#looks.get(user) ?? unknown;
  }

  /** In the order in which they were first said. */
  get messages() { return [...this.#messages.values()].sort((one, other) => one.id - other.id); }

  /** Who is typing. */
  get typing() {
    const now = performance.now();
    for (const [user, end] of this.#typing) if (end <= now) this.#typing.delete(user);
    return [...this.#typing.keys()];
  }

  /** Those whose name could be taken for another's, of all who are shown. */
  get alike() {
    const users = new Set([...this.people.keys(), ...[...this.#messages.values()].map(({ user }) => user)]);
    const named = [core, latin].flatMap(read => [...Map.groupBy(users, user => read(this.lookOf(user).name)).values()]);
    return new Set(named.filter(({ length }) => length > 1).flat());
  }
}

/** What is taken for these letters: digits, and letters of other scripts. Not all there are, but the plain ones. */
const TWINS = new Map(Object.entries({
  a: "ΑАаαɑ", b: "ΒВЬь", c: "СсϹϲ", d: "ԁ", e: "ΕЕе", g: "ɡԌ", h: "ΗНһ", j: "ЈјϳͿ", k: "ΚКκк", l: "I1|ıΙιІіӀӏ",
  m: "ΜМм", n: "Νո", o: "0ΟοОоօσ", p: "ΡρРр", q: "ԛ", s: "Ѕѕ", t: "ΤТτт", u: "սυ", v: "νѵ", w: "ԝѡ", x: "ΧХχх", y: "ΥУуγү", z: "Ζ",
}).flatMap(([letter, twins]) => [...twins].map(twin => [twin, letter])));

/** What is left of a name for an eye that does not look closely. */
const core = name => name.normalize("NFKD").replace(/[\p{M}\p{Cf}\s]/gu, "").toLowerCase();

/** The same for one that knows only Latin letters. */
const latin = name => core([...name.normalize("NFKD")].map(letter => TWINS.get(letter) ?? letter).join("")).replaceAll("i", "l");

/** The end of the id, which the server has drawn: what tells two of one name apart. */
export const tagOf = user => user.slice(-4);

/** Whether a message is shown under the head of the one before. */
export const isTogether = (before, message) =>
  before.user === message.user && message.at - before.at < TOGETHER;
