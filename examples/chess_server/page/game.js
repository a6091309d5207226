/** What is known of the game: the server's view of it, and what its events change. */
import { capital, sentence } from "./dom.js";
import * as Rules from "./rules.js";
import { KINDS } from "./board.js";

const START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";

const REASONS = {
  checkmate: "checkmate", stalemate: "stalemate", insufficient_material: "neither side can mate",
  fifty_moves: "fifty moves without a capture or a pawn move", threefold_repetition: "the same position for the third time",
  resignation: "resignation", agreement: "by agreement", timeout: "out of time", abandoned: "the opponent left",
  aborted: "a player left before both had moved",
};

export const blank = () => ({
  fen: START, white: null, black: null, moves: [], last: null, playing: false, drawOffer: null, outcome: null,
  rematch: null, away: new Map(), // user → when the player will have left
});

export function fromView(view) {
  const away = [view.white, view.black].filter(player => player?.away).map(player => [player.user, player.away]);
  return {
    fen: view.fen, white: view.white?.user ?? null, black: view.black?.user ?? null, moves: [...view.moves],
    last: view.last_move && [view.last_move.from, view.last_move.to], playing: view.turn !== null,
    drawOffer: view.draw_offer, outcome: view.outcome, rematch: view.rematch, away: new Map(away),
  };
}

/** The game after an event. */
export function after(game, event) {
  const { away } = game;
  switch (event.type) {
    case "GameStart":
      return { ...blank(), away, white: event.white, black: event.black, fen: event.fen, playing: true };
    case "MoveMade": {
      const drawOffer = game.drawOffer === event.by ? game.drawOffer : null;
      return { ...game, drawOffer, fen: event.fen, moves: [...game.moves, event.san], last: [event.from, event.to] };
    }
    case "DrawOffered":
      return { ...game, drawOffer: event.by };
    case "DrawDeclined":
      return { ...game, drawOffer: null };
    case "GameOver": {
      const { result, reason } = event;
      return { ...game, outcome: { result, reason }, playing: false, drawOffer: null };
    }
    case "RematchOffered":
      return { ...game, rematch: event.by };
    case "Disconnected":
      return { ...game, away: new Map(away).set(event.by, event.until) };
    case "Reconnected":
      return { ...game, away: new Map([...away].filter(([user]) => user !== event.by)) };
    default:
      return game;
  }
}

/** The game once somebody has given up the seat. */
export function without(game, user) {
  const left = { ...game, rematch: null, away: new Map([...game.away].filter(([other]) => other !== user)) };
  if (game.playing || game.outcome) return left;
  return { ...left, white: game.white === user ? null : game.white, black: game.black === user ? null : game.black };
}

export const colorOf = (game, user) => (!user ? null : game.white === user ? "white" : game.black === user ? "black" : null);

/** How it ended, to be said to `user`: `[headline, detail, tone]`. */
export function ending(game, user, nameOf) {
  const { result, reason } = game.outcome;
  const loser = result === "1-0" ? "black" : "white", winner = result === "1-0" ? "white" : "black";
  let why = REASONS[reason] ?? reason;
  if (result === "*") return ["Called off", sentence(why), "over"];
  if (result === "1/2-1/2") {
    if (reason === "timeout") why = "out of time, but the opponent can't mate";
    return ["Draw", `${capital(why)} · ½–½`, "over"];
  }
  const mine = colorOf(game, user);
  if (reason === "abandoned") why = mine === loser ? "you left" : `${nameOf(game[loser])} left`;
  if (reason === "timeout") why = mine === loser ? "your time is up" : `${nameOf(game[loser])} ran out of time`;
  const detail = `${capital(why)} · ${result.replace("-", "–")}`;
  if (mine === winner) return ["You won", detail, "won"];
  if (mine === loser) return ["You lost", detail, "over"];
  return [`${nameOf(game[winner])} won`, detail, "over"];
}

/** A move in words, for those who hear it. */
export function spoken(fen, { from, to, promotion, san }) {
  const { board, enPassant } = Rules.read(fen);
  const ends = san.endsWith("#") ? ", checkmate" : san.endsWith("+") ? ", check" : "";
  if (san.startsWith("O-O-O")) return `castles on the queen's side${ends}`;
  if (san.startsWith("O-O")) return `castles on the king's side${ends}`;
  const kind = board[Rules.number(from)].toLowerCase(), taken = board[Rules.number(to)].toLowerCase();
  const passing = kind === "p" && Rules.number(to) === enPassant;
  const takes = taken || passing ? `takes ${KINDS[taken || "p"]} on` : "to";
  const becomes = promotion ? `, becomes a ${KINDS[promotion]}` : "";
  return `${KINDS[kind]} ${from} ${takes} ${to}${passing ? " en passant" : ""}${becomes}${ends}`;
}

const WORTH = { q: 9, r: 5, b: 3, n: 3, p: 1 };
const FULL = { q: 1, r: 2, b: 2, n: 2, p: 8 };

/** What a side has taken, by letters of the taken pieces, and by how much it is ahead. */
export function taken(position, white) {
  const count = (kind, ofWhite) => position.board.filter(piece => piece === (ofWhite ? kind.toUpperCase() : kind)).length;
  let ahead = 0;
  const pieces = [];
  for (const kind of "qrbnp") {
    ahead += WORTH[kind] * (count(kind, white) - count(kind, !white));
    const missing = Math.max(0, FULL[kind] - count(kind, !white));
    pieces.push(...Array(missing).fill(white ? kind : kind.toUpperCase()));
  }
  return { pieces, ahead };
}
