//! The guide's first chapter: its text is the game and the page that are played here.

use std::fmt::Write;
use tapaculo_tests::{browser::Browser, server::TestServer};

const CHAPTER: &str = include_str!("../../tapaculo/docs/guide/first_game.md");
const GAME: &str = include_str!("../../tapaculo/docs/guide/first_game/main.rs");
const PAGE: &str = include_str!("../../tapaculo/docs/guide/first_game/page.html");

/// The game as its reader has it, its own test included.
#[expect(
    dead_code,
    reason = "its `main` listens on a port that is taken perhaps"
)]
mod game {
    include!("../../tapaculo/docs/guide/first_game/main.rs");

    pub(super) fn serve(server: Server) -> Server {
        let page = Router::new().route("/", get(Html(super::PAGE)));
        server
            .with_guest_tokens()
            .with_game::<Duel>()
            .with_routes(page)
    }

    #[test]
    fn who_is_left_alone_is_told_so_after_30_seconds() {
        let mut room = tapaculo::testing::TestRoom::<Duel>::new();
        room.join("ann").expect("a seat");
        room.join("ben").expect("a seat");
        room.disconnect("ann");
        room.advance(std::time::Duration::from_secs(29));
        assert_eq!(room.closed("ben"), None);
        room.advance(std::time::Duration::from_secs(1));
        assert_eq!(room.closed("ben"), Some(4010));
    }
}

/// What a reader of the chapter copies from its blocks of a language.
fn copied(language: &str) -> String {
    let fence = format!("\n```{language}");
    let mut text = String::new();
    for block in CHAPTER.split(&fence).skip(1) {
        let (_, block) = block.split_once('\n').expect("a block has lines");
        let (block, _) = block.split_once("\n```").expect("a block has an end");
        for line in block.lines().filter(|line| !line.starts_with("# ")) {
            writeln!(text, "{line}").expect("a text takes lines");
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_chapter_has_the_whole_game_and_the_whole_page() {
    assert_eq!(copied("rust").trim_end(), GAME.trim_end());
    assert_eq!(copied("html").trim_end(), PAGE.trim_end());
    assert!(GAME.lines().count() < 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_play_and_neither_knows_the_others_hand_too_early() {
    let server = TestServer::start(game::serve).await;
    let url = format!("http://localhost:{}/", server.address.port());
    let browser = Browser::start().await;
    let ann = browser.tab().await;
    browser.visit(&url).await;
    browser
        .reads("#status", "Open this page in another tab.")
        .await;
    let ben = browser.new_tab().await;
    browser.visit(&url).await;
    browser.reads("#status", "Choose.").await;

    browser.turn_to(&ann).await;
    browser.reads("#status", "Choose.").await;
    browser.click("button:nth-of-type(1)").await;
    browser.reads("#status", "You have chosen Rock.").await;
    // The server knows it, and tells who has chosen it.
    browser.visit(&url).await;
    browser.reads("#status", "You have chosen Rock.").await;

    browser.turn_to(&ben).await;
    browser.visit(&url).await;
    browser.reads("#status", "Choose.").await;
    browser.click("button:nth-of-type(3)").await;
    browser
        .reads("#rounds", "Rock against Scissors: you lose")
        .await;
    browser.reads("#status", "Choose.").await;
    browser.turn_to(&ann).await;
    browser
        .reads("#rounds", "Rock against Scissors: you win")
        .await;
    browser.reads("#status", "Choose.").await;

    browser.new_tab().await;
    browser.visit(&url).await;
    browser
        .reads("#status", "It is over: no seat is free.")
        .await;
    browser.close().await;
}
