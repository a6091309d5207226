/** What a page says of its connection. */
import { $, sentence, setText } from "./dom.js";

/** The line in the page's head: how the connection is, and how quick. */
export function showConnection({ status, attempt }, latency = null) {
  const words = {
    off: "Not connected", connecting: "Connecting…", connected: latency === null ? "Connected" : `Connected · ${latency} ms`,
    reconnecting: `Reconnecting · attempt ${attempt}`, closed: "Disconnected",
  };
  $("connection").dataset.status = status;
  setText($("connection"), words[status]);
}

/** What there is to do at a table about a connection that is closed or does not come back: a button's words, and its act. */
export function remedy({ status, code, attempt }, { open, joinAnew, goHome }) {
  if (status === "reconnecting" && attempt >= 4) return ["Join anew", joinAnew];
  if (status !== "closed") return null;
  if (code === 4009) return ["Play here", open];
  if (code === 4008) return ["Try again", open];
  if ([4001, 4002, 1006].includes(code)) return ["Join anew", joinAnew];
  return ["New table", goHome];
}

/**
 * The name, with the end of the id where another member has the same one; of a guest whose name we
 * were not told, the id without its random end.
 */
export function nameAmong(members, names, user) {
  const name = names.get(user) ?? user.replace(/-[^-]*$/, "");
  const isTwin = member => member.user !== user && member.name === name;
  return members.some(isTwin) ? `${name} (${user.slice(-4)})` : name;
}

/** Why it is closed for good, as a title and what there is to say of it; `room` is the game's word for it. */
export function closedWords(code, reason, room) {
  const words = {
    1000: ["You left", `This ${room} goes on without you.`],
    1006: ["Connection closed", sentence(reason || "the connection can't be made")],
    4001: ["Your seat was taken back", "The server does not accept it any more. You may join anew."],
    4002: ["Your time is over", "The server does not know you any more. You may join anew, as somebody else."],
    4003: ["You can't join", sentence(reason || `the ${room} is full`)],
    4008: ["Too many messages", "The server has shut you out for a moment."],
    4009: ["Open in another window", "It goes on there. It can only be in one."],
    4010: [`This ${room} was closed`, sentence(reason || "it is over")],
    4011: ["You were sent away", sentence(reason || "by the server")],
  };
  return words[code] ?? ["Connection closed", sentence(reason || `code ${code}`)];
}
