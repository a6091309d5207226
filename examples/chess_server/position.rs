//! A chess position between two moves: `cozy-chess`, in the terms of the wire.

use crate::outcome::{Outcome, Reason};
use cozy_chess::{
    BitBoard, Board, Color, FenParseError, File, Move, Piece, Rank, util::display_san_move,
};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Not};

/// White or Black, written `"white"` and `"black"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    White,
    Black,
}

impl Not for Side {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::White => Self::Black,
            Self::Black => Self::White,
        }
    }
}

impl From<Color> for Side {
    fn from(color: Color) -> Self {
        match color {
            Color::White => Self::White,
            Color::Black => Self::Black,
        }
    }
}

impl From<Side> for Color {
    fn from(side: Side) -> Self {
        match side {
            Side::White => Self::White,
            Side::Black => Self::Black,
        }
    }
}

/// A square, written `"e4"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Square(cozy_chess::Square);

impl fmt::Display for Square {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Square> for String {
    fn from(square: Square) -> Self {
        square.to_string()
    }
}

impl TryFrom<String> for Square {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let square = name.parse().map(Self);
        square.map_err(|_| format!("`{name}` is not a square: they are `a1` to `h8`"))
    }
}

/// What a pawn becomes on the last rank.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Promotion {
    #[serde(rename = "q")]
    Queen,
    #[serde(rename = "r")]
    Rook,
    #[serde(rename = "b")]
    Bishop,
    #[serde(rename = "n")]
    Knight,
}

impl From<Promotion> for Piece {
    fn from(promotion: Promotion) -> Self {
        match promotion {
            Promotion::Queen => Self::Queen,
            Promotion::Rook => Self::Rook,
            Promotion::Bishop => Self::Bishop,
            Promotion::Knight => Self::Knight,
        }
    }
}

/// Why a move can't be made.
#[derive(Debug)]
pub(crate) enum IllegalMove {
    NotYourPiece(Square),
    Illegal(Square, Square),
    ChoosePromotion,
    NothingToPromote,
}

impl fmt::Display for IllegalMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYourPiece(from) => write!(f, "you have no piece on {from}"),
            Self::Illegal(from, to) => write!(f, "{from} to {to} is not a legal move"),
            Self::ChoosePromotion => {
                f.write_str("the pawn promotes: choose `q`, `r`, `b` or `n` as its `promotion`")
            }
            Self::NothingToPromote => f.write_str("this move promotes nothing"),
        }
    }
}

/// The board, and what has stood on it before. It is kept as the FEN of each board, the oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub(crate) struct Position {
    board: Board,
    /// Every position since the last capture or pawn move, this one included: the ones that can
    /// still come again.
    reached: Vec<Board>,
}

impl Default for Position {
    fn default() -> Self {
        Board::startpos().into()
    }
}

impl From<Board> for Position {
    fn from(board: Board) -> Self {
        let reached = vec![board.clone()];
        Self { board, reached }
    }
}

impl From<Position> for Vec<String> {
    fn from(position: Position) -> Self {
        position.reached.iter().map(Board::to_string).collect()
    }
}

impl TryFrom<Vec<String>> for Position {
    type Error = String;

    fn try_from(reached: Vec<String>) -> Result<Self, String> {
        let boards = reached.iter().map(|fen| fen.parse());
        let reached: Vec<Board> = boards
            .collect::<Result<_, FenParseError>>()
            .map_err(|error| error.to_string())?;
        let board = reached.last().ok_or("no board")?.clone();
        Ok(Self { board, reached })
    }
}

impl Position {
    /// Whose move it is.
    pub(crate) fn turn(&self) -> Side {
        self.board.side_to_move().into()
    }

    /// The position as FEN. It names an en passant square only if a pawn can capture there, where
    /// `cozy-chess` names one after every double step.
    pub(crate) fn fen(&self) -> String {
        let fen = self.board.to_string();
        let mut fields: Vec<_> = fen.split(' ').collect();
        if !self.can_capture_en_passant() {
            fields[3] = "-";
        }
        fields.join(" ")
    }

    /// Makes a move and returns it in algebraic notation; an illegal one changes nothing.
    pub(crate) fn play(
        &mut self,
        from: Square,
        to: Square,
        promotion: Option<Promotion>,
    ) -> Result<String, IllegalMove> {
        let legal = self.legal(from, to, promotion)?;
        let san = display_san_move(&self.board, legal).to_string();
        self.board.play(legal);
        if self.board.halfmove_clock() == 0 {
            self.reached.clear();
        }
        self.reached.push(self.board.clone());
        Ok(san)
    }

    /// How the game has ended by itself, if it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let can_move = self.board.generate_moves(|_| true);
        let again = |earlier: &&Board| earlier.same_position(&self.board);
        if !can_move && !self.board.checkers().is_empty() {
            Some(Outcome::won(!self.turn(), Reason::Checkmate))
        } else if !can_move {
            Some(Outcome::draw(Reason::Stalemate))
        } else if !self.can_mate(Side::White) && !self.can_mate(Side::Black) {
            Some(Outcome::draw(Reason::InsufficientMaterial))
        } else if self.board.halfmove_clock() >= 100 {
            Some(Outcome::draw(Reason::FiftyMoves))
        } else if self.reached.iter().filter(again).count() >= 3 {
            Some(Outcome::draw(Reason::ThreefoldRepetition))
        } else {
            None
        }
    }

    fn legal(
        &self,
        from: Square,
        to: Square,
        promotion: Option<Promotion>,
    ) -> Result<Move, IllegalMove> {
        let us = self.board.side_to_move();
        if !self.board.colors(us).has(from.0) {
            return Err(IllegalMove::NotYourPiece(from));
        }
        let promotes = self.board.pieces(Piece::Pawn).has(from.0)
            && to.0.rank() == Rank::Eighth.relative_to(us);
        let mut candidate = Move {
            from: from.0,
            to: self.castling(from.0, to.0).unwrap_or(to.0),
            promotion: promotes.then_some(Piece::Queen),
        };
        if self.board.colors(us).has(to.0) || !self.board.is_legal(candidate) {
            return Err(IllegalMove::Illegal(from, to));
        }
        match (promotes, promotion) {
            (true, None) => return Err(IllegalMove::ChoosePromotion),
            (false, Some(_)) => return Err(IllegalMove::NothingToPromote),
            (_, promotion) => candidate.promotion = promotion.map(Piece::from),
        }
        Ok(candidate)
    }

    /// The rook with which the king castles by going from one square to the other: `cozy-chess`
    /// writes castling as the king taking that rook.
    fn castling(
        &self,
        from: cozy_chess::Square,
        to: cozy_chess::Square,
    ) -> Option<cozy_chess::Square> {
        let us = self.board.side_to_move();
        let rights = self.board.castle_rights(us);
        let rook = match to.file() {
            File::G => rights.short?,
            File::C => rights.long?,
            _ => return None,
        };
        let is_castling = from == self.board.king(us) && to.rank() == from.rank();
        is_castling.then(|| cozy_chess::Square::new(rook, from.rank()))
    }

    fn can_capture_en_passant(&self) -> bool {
        let us = self.board.side_to_move();
        let pawns = self.board.colored_pieces(us, Piece::Pawn);
        self.board.en_passant().is_some_and(|file| {
            let behind = cozy_chess::Square::new(file, Rank::Sixth.relative_to(us));
            self.board
                .generate_moves_for(pawns, |moves| moves.to.has(behind))
        })
    }

    /// Whether any moves at all lead to this side's mating, by the pieces that are left. A bare king
    /// never mates. A knight alone, or bishops that all stand on one colour, only mate a king that
    /// some of its own pieces can get in the way of.
    pub(crate) fn can_mate(&self, side: Side) -> bool {
        let (board, side) = (&self.board, Color::from(side));
        let ours = board.colors(side) ^ board.colored_pieces(side, Piece::King);
        let of_theirs = |pieces: &[Piece]| {
            let own = |piece: &Piece| board.colored_pieces(!side, *piece);
            pieces
                .iter()
                .map(own)
                .fold(BitBoard::EMPTY, |all, one| all | one)
        };
        let (knights, bishops) = (board.pieces(Piece::Knight), board.pieces(Piece::Bishop));
        if ours.is_empty() {
            false
        } else if ours.len() == 1 && ours.is_subset(knights) {
            use Piece::{Bishop, Knight, Pawn, Rook};
            !of_theirs(&[Pawn, Knight, Bishop, Rook]).is_empty()
        } else if ours.is_subset(bishops) {
            let dark = |pieces: BitBoard| pieces.is_subset(BitBoard::DARK_SQUARES);
            let light = |pieces: BitBoard| pieces.is_subset(BitBoard::LIGHT_SQUARES);
            let one_colour = dark(bishops) || light(bishops);
            !one_colour || !of_theirs(&[Piece::Pawn, Piece::Knight]).is_empty()
        } else {
            true
        }
    }
}
