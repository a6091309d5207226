//! The chess page in a real browser: two tabs of headless Chromium, driven by WebDriver.

use fantoccini::wd::WindowHandle;
use tapaculo_tests::{browser::Browser, process::Process};

/// Two tabs of one browser at one board.
struct Table {
    server: Process,
    browser: Browser,
    /// White and Black.
    tabs: [WindowHandle; 2],
    invite: String,
}

impl Table {
    async fn set() -> Self {
        let server = Process::chess().await;
        let browser = Browser::start().await;
        let white = browser.tab().await;
        let url = format!("http://localhost:{}/", server.address.port());
        sit_down(&browser, &url, "Ann").await;
        let invite = browser.find("#invite").await.prop("value").await;
        let invite = invite.expect("a text field").expect("a link");
        assert!(
            invite.starts_with(&url) && invite.contains("room="),
            "{invite}"
        );
        let black = browser.new_tab().await;
        sit_down(&browser, &invite, "Ben").await;
        browser.reads("#status", "Ann to move").await;
        Self {
            server,
            browser,
            tabs: [white, black],
            invite,
        }
    }

    async fn turn_to(&self, tab: usize) {
        self.browser.turn_to(&self.tabs[tab]).await;
    }

    /// Plays moves, White's first, each in the tab of whoever is to move.
    async fn play(&self, moves: &str) {
        for (number, squares) in moves.split_whitespace().enumerate() {
            self.turn_to(number % 2).await;
            self.browser.reads("#status", "Your move").await;
            let (from, to) = squares.split_at(2);
            self.browser.click(&format!("[data-square={from}]")).await;
            // The move is among the targets that are shown for its piece.
            self.browser
                .click(&format!("[data-square={to}].target"))
                .await;
        }
    }

    async fn clear(self) {
        self.browser.close().await;
        assert!(self.server.stop().await, "it ends well");
    }
}

async fn sit_down(browser: &Browser, url: &str, name: &str) {
    browser.visit(url).await;
    let field = browser.find("#name").await;
    field.clear().await.expect("a text field");
    field.send_keys(name).await.expect("a text field");
    browser.click("#join").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_play_a_game_to_mate() {
    let table = Table::set().await;
    let browser = &table.browser;
    table.play("f2f3 e7e5 g2g4").await;
    table.turn_to(1).await;
    browser.find("[data-square=g2].last").await;
    browser.find("[data-square=g4].last").await;
    table.turn_to(1).await;
    browser.reads("#status", "Your move").await;
    browser.click("[data-square=d8]").await;
    browser.click("[data-square=h4].target").await;
    for (tab, words) in ["You lost", "You won"].into_iter().enumerate() {
        table.turn_to(tab).await;
        browser.reads("#status", words).await;
        browser.reads("#detail", "checkmate").await;
        browser.reads("#moves", "Qh4#").await;
        browser.find("[data-square=e1].check").await;
    }
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pawn_promotes_a_third_watches_and_the_two_agree_to_a_draw() {
    let table = Table::set().await;
    let browser = &table.browser;
    table
        .play("e2e4 d7d5 e4d5 c7c6 d5c6 a7a6 c6b7 a6a5 b7a8")
        .await;
    browser.click("#promotion button[data-piece=n]").await;
    browser.reads("#status", "Ben to move").await;
    browser.find("[data-square=a8][data-piece=N]").await;

    let third = browser.new_tab().await;
    sit_down(browser, &table.invite, "Cleo").await;
    browser.reads("#detail", "watching").await;
    browser.reads("#moves", "bxa8=N").await;
    browser.find("[data-square=a8][data-piece=N]").await;

    table.turn_to(1).await;
    browser.reads("#watchers", "1").await;
    browser.click("#draw").await;
    table.turn_to(0).await;
    browser.click("#accept").await;
    for tab in [&table.tabs[0], &table.tabs[1], &third] {
        browser.turn_to(tab).await;
        browser.reads("#status", "Draw").await;
        browser.reads("#detail", "agreement").await;
    }
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_resigns_has_lost_and_who_closes_the_tab_has_too() {
    let table = Table::set().await;
    let browser = &table.browser;
    table.turn_to(0).await;
    browser.click("#resign").await;
    browser.reads("#resign", "really").await;
    browser.click("#resign").await;
    browser.reads("#status", "You lost").await;
    table.turn_to(1).await;
    browser.reads("#status", "You won").await;
    browser.reads("#detail", "resignation").await;
    table.clear().await;

    let table = Table::set().await;
    let browser = &table.browser;
    table.turn_to(1).await;
    // The page asks before it goes in the middle of a game; nobody answers here.
    browser.run("window.onbeforeunload = null", &[]).await;
    browser.close_tab().await;
    table.turn_to(0).await;
    browser.reads("#status", "You won").await;
    browser.reads("#detail", "left").await;
    table.clear().await;
}
