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
