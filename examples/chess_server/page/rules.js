/**
 * Legal moves from a FEN, to show where a piece may go. The server decides; this only helps.
 * Squares are numbered from a1 = 0 to h8 = 63, pieces are the letters of FEN.
 */
const STRAIGHT = [[1, 0], [0, 1], [-1, 0], [0, -1]];
const DIAGONAL = [[1, 1], [-1, 1], [-1, -1], [1, -1]];
const AROUND = [...STRAIGHT, ...DIAGONAL];
const JUMPS = [[1, 2], [2, 1], [2, -1], [1, -2], [-1, -2], [-2, -1], [-2, 1], [-1, 2]];
const REACH = { n: [JUMPS, 1], b: [DIAGONAL, 7], r: [STRAIGHT, 7], q: [AROUND, 7], k: [AROUND, 1] };

const name = square => "abcdefgh"[square & 7] + ((square >> 3) + 1);
const number = square => square.charCodeAt(0) - 97 + 8 * (square[1] - 1);
const isWhite = piece => piece < "a";
const rank = square => square >> 3;
const step = (square, [files, ranks]) => {
  const file = (square & 7) + files, to = square + files + 8 * ranks;
  return file >= 0 && file < 8 && to >= 0 && to < 64 ? to : -1;
};

function read(fen) {
  const [rows, turn, castling, behind] = fen.split(" ");
  const board = Array(64).fill("");
  rows.split("/").forEach((row, i) => {
    let square = 8 * (7 - i);
    for (const c of row) if (c >= "1" && c <= "8") square += +c; else board[square++] = c;
  });
  return { board, white: turn === "w", castling, enPassant: behind === "-" ? -1 : number(behind) };
}

/** The squares that a piece (not a pawn) reaches, up to and including the first one taken. */
function* reached(board, from, [directions, far]) {
  for (const direction of directions) {
    for (let to = step(from, direction), n = 0; to >= 0 && n < far; to = step(to, direction), n++) {
      yield to;
      if (board[to]) break;
    }
  }
}

function attacked(board, square, byWhite) {
  const holds = (at, kind) => at >= 0 && board[at] === (byWhite ? kind.toUpperCase() : kind);
  const back = byWhite ? -1 : 1;
  if (holds(step(square, [-1, back]), "p") || holds(step(square, [1, back]), "p")) return true;
  return Object.entries(REACH).some(([kind, reach]) => {
    for (const at of reached(board, square, reach)) if (holds(at, kind)) return true;
    return false;
  });
}

const king = (board, white) => board.indexOf(white ? "K" : "k");
const inCheck = ({ board, white }) => attacked(board, king(board, white), !white);

function* pawnMoves({ board, white, enPassant }, from) {
  const ahead = white ? 1 : -1;
  const one = step(from, [0, ahead]);
  if (one >= 0 && !board[one]) {
    yield one;
    const two = step(one, [0, ahead]);
    if (rank(from) === (white ? 1 : 6) && !board[two]) yield two;
  }
  for (const side of [-1, 1]) {
    const to = step(from, [side, ahead]);
    if (to >= 0 && (to === enPassant || (board[to] && isWhite(board[to]) !== white))) yield to;
  }
}

function* castlings({ board, white, castling }) {
  const home = white ? 4 : 60;
  const free = (...squares) => squares.every(square => !board[square]);
  const safe = (...squares) => squares.every(square => !attacked(board, square, !white));
  if (castling.includes(white ? "K" : "k") && free(home + 1, home + 2) && safe(home, home + 1, home + 2)) yield home + 2;
  if (castling.includes(white ? "Q" : "q") && free(home - 1, home - 2, home - 3) && safe(home, home - 1, home - 2)) yield home - 2;
}

/** The position after a move. */
function play({ board, white, castling, enPassant }, { from, to, promotion }) {
  const after = board.slice(), piece = board[from], kind = piece.toLowerCase();
  after[from] = "";
  after[to] = promotion ? (white ? promotion.toUpperCase() : promotion) : piece;
  if (kind === "p" && to === enPassant) after[to + (white ? -8 : 8)] = "";
  if (kind === "k" && Math.abs(to - from) === 2) {
    const [corner, beside] = to > from ? [to + 1, to - 1] : [to - 2, to + 1];
    after[beside] = after[corner];
    after[corner] = "";
  }
  const lost = { 0: "Q", 4: "KQ", 7: "K", 56: "q", 60: "kq", 63: "k" };
  const gone = (lost[from] ?? "") + (lost[to] ?? "");
  return {
    board: after,
    white: !white,
    castling: [...castling].filter(right => !gone.includes(right)).join(""),
    enPassant: kind === "p" && Math.abs(to - from) === 16 ? (from + to) / 2 : -1,
  };
}

function moves(position) {
  const { board, white } = position, legal = [];
  for (let from = 0; from < 64; from++) {
    const piece = board[from];
    if (!piece || isWhite(piece) !== white) continue;
    const kind = piece.toLowerCase();
    const targets = kind === "p" ? [...pawnMoves(position, from)] : [...reached(board, from, REACH[kind])];
    if (kind === "k") targets.push(...castlings(position));
    for (const to of targets) {
      if (board[to] && isWhite(board[to]) === white) continue;
      const promotes = kind === "p" && (rank(to) === 0 || rank(to) === 7);
      for (const promotion of promotes ? ["q", "r", "b", "n"] : [null]) {
        const move = { from, to, promotion };
        const { board: after } = play(position, move);
        if (!attacked(after, king(after, white), !white)) legal.push(move);
      }
    }
  }
  return legal;
}

export { read, moves, play, inCheck, king, isWhite, name, number };
