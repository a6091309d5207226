//! The chess page in a real browser: two tabs of headless Chromium, driven by WebDriver.

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, wd::WindowHandle};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use std::{
    process::Stdio,
    time::{Duration, Instant},
};
use tapaculo_tests::{DEADLINE, process::Process};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// A browser. It and its driver are a process group, which is gone when this is dropped, also by a
/// test that fails.
struct Browser {
    client: Client,
    driver: Child,
    // Kept open: a closed pipe would make the driver's next line an error.
    _stdout: Lines<BufReader<ChildStdout>>,
    // Chromium's profile; removed at the end.
    profile: std::path::PathBuf,
}

impl Browser {
    async fn start() -> Self {
        let (driver, lines, port) = Self::driver().await;
        let profile =
            std::env::temp_dir().join(format!("tapaculo-browser-{}", driver.id().unwrap_or(0)));
        let options = json!({"args": [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            format!("--user-data-dir={}", profile.display()),
        ]});
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connecting = builder.capabilities(capabilities);
        let client = connecting
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        Self {
            client: client
                .expect("Chromium starts: install Debian's chromium, as ./tests/run does"),
            driver,
            _stdout: lines,
            profile,
        }
    }

    /// Starts chromedriver and answers with the port that it listens on.
    ///
    /// It takes one random port for both address families, and ends if anybody, be it another
    /// test's client, has that port in one of them: then it is started again, on another.
    async fn driver() -> (Child, Lines<BufReader<ChildStdout>>, String) {
        for _ in 0..20 {
            let mut driver = Command::new("chromedriver")
                .arg("--port=0")
                .stdout(Stdio::piped())
                .process_group(0)
                .kill_on_drop(true)
                .spawn()
                .expect("chromedriver is missing: install Debian's chromium and chromium-driver, as ./tests/run does");
            let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
            let port = async {
                while let Ok(Some(line)) = lines.next_line().await {
                    if let Some((_, port)) = line.rsplit_once("successfully on port ") {
                        return Some(port.trim_end_matches('.').to_owned());
                    }
                }
                None // it has ended
            };
            if let Some(port) = timeout(DEADLINE, port).await.expect("it says something") {
                return (driver, lines, port);
            }
        }
        panic!("chromedriver finds no port to listen on");
    }

    async fn close(self) {
        let closed = self.client.clone().close().await;
        closed.expect("the session ends");
    }

    async fn find(&self, css: &str) -> Element {
        let finding = self.client.wait().at_most(DEADLINE);
        let found = finding.for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("no `{css}` on the page: {error}"))
    }

    async fn click(&self, css: &str) {
        let clicked = self.find(css).await.click().await;
        clicked.unwrap_or_else(|error| panic!("`{css}` can't be clicked: {error}"));
    }

    /// Waits until an element's text has these words, whatever their case.
    async fn reads(&self, css: &str, words: &str) {
        let start = Instant::now();
        loop {
            let text = self.find(css).await.text().await.unwrap_or_default();
            if text.to_lowercase().contains(&words.to_lowercase()) {
                return;
            }
            assert!(
                start.elapsed() < DEADLINE,
                "`{css}` reads {text:?}, not {words:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn sit_down(&self, url: &str, name: &str) {
        self.client.goto(url).await.expect("the page loads");
        let field = self.find("#name").await;
        field.clear().await.expect("a text field");
        field.send_keys(name).await.expect("a text field");
        self.click("#join").await;
    }

    async fn new_tab(&self) -> WindowHandle {
        let tab = self.client.new_window(true).await;
        let tab = tab.expect("another tab").handle;
        self.turn_to(&tab).await;
        tab
    }

    async fn turn_to(&self, tab: &WindowHandle) {
        let turned = self.client.switch_to_window(tab.clone()).await;
        turned.expect("the tab is there");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(group) = self.driver.id() {
            let kill = format!("kill -KILL -{group}");
            // Nothing more can be done about what does not end.
            let _ = std::process::Command::new("sh")
                .arg("-c")
                .arg(kill)
                .status();
        }
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

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
        let white = browser.client.window().await.expect("a first tab");
        let url = format!("http://localhost:{}/", server.address.port());
        browser.sit_down(&url, "Ann").await;
        let invite = browser.find("#invite").await.prop("value").await;
        let invite = invite.expect("a text field").expect("a link");
        assert!(
            invite.starts_with(&url) && invite.contains("room="),
            "{invite}"
        );
        let black = browser.new_tab().await;
        browser.sit_down(&invite, "Ben").await;
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
    browser.sit_down(&table.invite, "Cleo").await;
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
    let leave = "window.onbeforeunload = null";
    let left = browser.client.execute(leave, Vec::new()).await;
    left.expect("the script runs");
    browser.client.close_window().await.expect("the tab closes");
    table.turn_to(0).await;
    browser.reads("#status", "You won").await;
    browser.reads("#detail", "left").await;
    table.clear().await;
}
