//! The page of the README, in two tabs.

use axum::{Router, response::Html, routing::get};
use serde::Serialize;
use tapaculo::prelude::*;
use tapaculo_tests::{browser::Browser, server::TestServer};

/// As the README's game to its page; the number is 50.
#[tapaculo::game(event = Guessed)]
#[derive(Default)]
struct Guess {
    tries: u32,
}

#[derive(Serialize)]
struct Guessed {
    by: UserId,
    number: u8,
    answer: &'static str,
}

#[tapaculo::game]
impl Guess {
    #[message]
    fn guess(
        &mut self,
        room: &mut Room<Self>,
        player: &Player,
        number: u8,
    ) -> Result<(), &'static str> {
        if number > 100 {
            return Err("guess a number from 1 to 100");
        }
        self.tries += 1;
        let answer = if number == 50 { "right" } else { "too low" };
        let by = player.user().clone();
        room.broadcast(Guessed { by, number, answer });
        Ok(())
    }

    #[view]
    fn view(&self) -> u32 {
        self.tries
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_page_plays() {
    let page = get(async || Html(include_str!("../../examples/guess/page.html")));
    let server = TestServer::start(|server| {
        let server = server.with_guest_tokens().with_game::<Guess>();
        server.with_routes(Router::new().route("/", page))
    })
    .await;
    let browser = Browser::start().await;
    let ann = browser.tab().await;
    let url = format!("http://{}/?name=", server.address);
    browser.visit(&format!("{url}Ann")).await;
    browser.reads("output", "a player").await;
    browser.reads("ul", "0 tries so far").await;
    browser.new_tab().await;
    browser.visit(&format!("{url}Ben")).await;
    browser.reads("output", "a player").await;
    for (number, field, words) in [
        ("200", "output", "from 1 to 100"),
        ("7", "li", "7 is too low"),
        ("50", "li", "50 is right"),
    ] {
        let input = browser.find("input").await;
        input.clear().await.expect("a field");
        input.send_keys(number).await.expect("a field");
        browser.click("button").await;
        browser.reads(field, words).await;
    }
    browser.turn_to(&ann).await;
    browser.reads("li", "Ben").await;
    browser.reads("li", "50 is right").await;
    browser.close().await;
}
