/**
 * Which table this page is at, and as whom: the room is in the URL, the seat's token in the tab's
 * own storage, so that a page that is loaded again is the same player.
 */
const read = (storage, key) => {
  try { return storage.getItem(key); } catch { return null; } // storage may be blocked
};
const write = (storage, key, value) => {
  try { if (value === null) storage.removeItem(key); else storage.setItem(key, value); } catch { /* as above */ }
};

export const remember = (key, value) => write(localStorage, `chess.${key}`, value);
export const remembered = key => read(localStorage, `chess.${key}`);

const parameters = new URL(location.href).searchParams;
export let room = parameters.get("room") || null;
export const invitedClock = parameters.get("clock");

const key = () => `chess.seat.${room}`;

/** `{ user, name, token, refresh }`, if this tab has a seat here. */
export function seat() {
  try { return room && JSON.parse(read(sessionStorage, key())); } catch { return null; }
}

export function forgetSeat() {
  write(sessionStorage, key(), null);
}

/** A new table: its name and its clock go into the URL, which is the invitation. */
export function openTable(clock) {
  const pick = letters => letters[crypto.getRandomValues(new Uint32Array(1))[0] % letters.length];
  const bird = pick(["crane", "finch", "heron", "ibis", "lark", "owl", "plover", "raven", "robin", "stork", "swift", "wren"]);
  room = `${bird}-${Array.from({ length: 5 }, () => pick("abcdefghjkmnpqrstuvwxyz23456789")).join("")}`;
  history.replaceState(null, "", `?room=${room}${clock ? `&clock=${clock.minutes}+${clock.increment}` : ""}`);
}

/** Asks for a token as a guest; throws with the server's words. */
export async function takeSeat(name, clock) {
  const { user, token, refresh_token: refresh } = await ask("/token", { name, room, ...(clock && { options: { clock } }) });
  keep({ user, name, token, refresh });
}

/** The seat's token, or the next one; null if there is none to be had. */
export async function seatToken(expired) {
  const mine = seat();
  if (!expired || !mine) return mine?.token ?? null;
  // The refresh token works once: if the answer is lost, the same attempt may be made again.
  const attempt = mine.attempt ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), word => word.toString(36)).join("-");
  keep({ ...mine, attempt });
  try {
    const { user, token, refresh_token: refresh } = await ask("/token/refresh", { refresh_token: mine.refresh, attempt });
    keep({ user, name: mine.name, token, refresh });
    return token;
  } catch (problem) {
    if (![400, 401, 403].includes(problem.status)) throw problem; // it may go better next time
    return null;
  }
}

function keep(mine) {
  write(sessionStorage, key(), JSON.stringify(mine));
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
