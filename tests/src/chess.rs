//! Games of chess by clients that keep their own boards and check what they are told.

use crate::{client::Client, codec::Codec, server::TestServer};
use cozy_chess::{Board, Move, Piece, Square};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{collections::BTreeMap, ops::Range, sync::Arc};
use tokio::task::JoinSet;

/// How many moves a game has, of both sides together.
const PLIES: usize = 40;

/// How many games go on at a time.
const AT_A_TIME: usize = 32;

async fn join(server: &TestServer, codec: Codec, room: &str, user: &str) -> (Client, Story) {
    let mut client = server.connect_in(codec, user, room).await;
    let mut story = Story::default();
    loop {
        let frame = client.frame().await;
        if frame.get("synced").is_some() {
            return (client, story);
        }
        story.note(frame);
    }
}

/// The events that one player has been told, by number.
#[derive(Debug, Default, PartialEq)]
struct Story(BTreeMap<u64, Value>);

impl Story {
    fn note(&mut self, frame: Value) {
        if let Some(seq) = frame["seq"]
            .as_u64()
            .filter(|_| frame.get("data").is_some())
        {
            let last = self.0.last_key_value().map_or(0, |(last, _)| *last);
            assert_eq!(seq, last + 1, "from the first on, and without a gap");
            self.0.insert(seq, frame);
        }
    }

    fn moves(&self) -> usize {
        let moves = self
            .0
            .values()
            .filter(|event| event["data"]["type"] == "MoveMade");
        moves.count()
    }

    fn is_over(&self) -> bool {
        let last = self.0.values().next_back();
        last.is_some_and(|event| event["data"]["type"] == "GameOver")
    }
}

/// A random legal move, and how it stands in a message.
fn pick(board: &Board, rng: &mut StdRng) -> (Move, Value) {
    let mut moves = Vec::new();
    board.generate_moves(|of_piece| {
        moves.extend(of_piece);
        false
    });
    let chosen = moves[rng.random_range(0..moves.len())];
    let promotion = chosen.promotion.map(|piece| match piece {
        Piece::Knight => "n",
        Piece::Bishop => "b",
        Piece::Rook => "r",
        _ => "q",
    });
    let (from, to) = (chosen.from.to_string(), as_sent(board, chosen).to_string());
    let message = match promotion {
        Some(promotion) => json!({"type": "Move", "from": from, "to": to, "promotion": promotion}),
        None => json!({"type": "Move", "from": from, "to": to}),
    };
    (chosen, message)
}

/// Where a move goes on the wire: castling, here the king taking its rook, is its move of two.
fn as_sent(board: &Board, chosen: Move) -> Square {
    let castles = board.color_on(chosen.to) == Some(board.side_to_move());
    if !castles {
        return chosen.to;
    }
    let file = if chosen.to.file() > chosen.from.file() {
        cozy_chess::File::G
    } else {
        cozy_chess::File::C
    };
    Square::new(file, chosen.from.rank())
}

/// Plays one game and checks that both players are told the same story, whole and in order.
async fn play(server: &TestServer, room: &str, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    // Whoever speaks what, it is one game.
    let [whites_codec, blacks_codec] = match seed % 4 {
        0 => [Codec::Json; 2],
        1 => [Codec::Json, Codec::MessagePack],
        2 => [Codec::MessagePack, Codec::Json],
        _ => [Codec::MessagePack; 2],
    };
    let (mut white, mut whites) = join(server, whites_codec, room, "white").await;
    let (mut black, mut blacks) = join(server, blacks_codec, room, "black").await;
    while whites.0.is_empty() {
        whites.note(white.frame().await);
    }
    let mut board = Board::default();
    for ply in 0..PLIES {
        if whites.is_over() || blacks.is_over() {
            break;
        }
        let (chosen, message) = pick(&board, &mut rng);
        let (mover, story) = match ply % 2 {
            0 => (&mut white, &mut whites),
            _ => (&mut black, &mut blacks),
        };
        let (before, answer) = mover.ask(message.clone()).await;
        assert!(answer.get("ack").is_some(), "{room}, {message}: {answer}");
        board.play(chosen);
        for frame in before {
            story.note(frame);
        }
        assert_eq!(story.moves(), ply + 1, "the event comes before the ack");
        let made = story
            .0
            .values()
            .rev()
            .find(|event| event["data"]["type"] == "MoveMade");
        let placed = made
            .and_then(|event| event["data"]["fen"].as_str())
            .expect("a FEN");
        let expected = board.to_string();
        assert_eq!(placed.split(' ').next(), expected.split(' ').next());
        let (other, story) = match ply % 2 {
            0 => (&mut black, &mut blacks),
            _ => (&mut white, &mut whites),
        };
        while story.moves() <= ply {
            story.note(other.frame().await);
        }
    }
    // A game that ended by itself has told both so by now, or with the next frame.
    for (client, story) in [(&mut white, &mut whites), (&mut black, &mut blacks)] {
        client.send(json!({"ping": 1})).await;
        let (before, _) = client.until("pong").await;
        before.into_iter().for_each(|frame| story.note(frame));
    }
    assert_eq!(whites, blacks, "{room}");
    white.close().await;
    black.close().await;
}

/// Plays games, each in a room and with a seed of its own, 40 random legal moves each, 32 at a
/// time; a quarter of them in JSON, a quarter in MessagePack, and half between the two.
///
/// # Panics
/// If a move is refused, or an event is lost, repeated, out of order or not what the clients'
/// own boards say.
pub async fn play_all(server: &Arc<TestServer>, games: Range<u64>) {
    let mut playing = JoinSet::new();
    for game in games {
        if playing.len() == AT_A_TIME {
            playing
                .join_next()
                .await
                .expect("some")
                .expect("it goes well");
        }
        let server = Arc::clone(server);
        playing.spawn(async move { play(&server, &format!("game {game}"), game).await });
    }
    while let Some(played) = playing.join_next().await {
        played.expect("it goes well");
    }
}
