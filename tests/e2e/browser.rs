//! The chess page in a real browser: two tabs of headless Chromium, driven by WebDriver.

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
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
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("chromedriver is missing: install Debian's chromium and chromium-driver, as ./tests/run does");
        let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
        let port = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, port)) = line.rsplit_once("successfully on port ") {
                    return port.trim_end_matches('.').to_owned();
                }
            }
            panic!("chromedriver never said where it listens");
        };
        let port = timeout(DEADLINE, port).await.expect("it comes up");
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

    async fn play(&self, from: &str, to: &str) {
        self.click(&format!("[data-square={from}]")).await;
        self.click(&format!("[data-square={to}]")).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_play_a_game_to_mate() {
    let server = Process::chess().await;
    let browser = Browser::start().await;
    let tab = &browser.client;
    let white = tab.window().await.expect("a first tab");
    let url = format!("http://localhost:{}/", server.address.port());

    browser.sit_down(&url, "Ann").await;
    let invite = browser.find("#invite").await.prop("value").await;
    let invite = invite.expect("a text field").expect("a link");
    assert!(
        invite.starts_with(&url) && invite.contains("room="),
        "{invite}"
    );

    let black = tab.new_window(true).await.expect("a second tab").handle;
    tab.switch_to_window(black.clone())
        .await
        .expect("it is there");
    browser.sit_down(&invite, "Ben").await;
    browser.reads("#status", "Ann").await;

    for (number, (from, to)) in [("f2", "f3"), ("e7", "e5"), ("g2", "g4"), ("d8", "h4")]
        .into_iter()
        .enumerate()
    {
        let mover = if number % 2 == 0 { &white } else { &black };
        tab.switch_to_window(mover.clone())
            .await
            .expect("it is there");
        browser.reads("#status", "your").await;
        browser.play(from, to).await;
    }
    for window in [&white, &black] {
        tab.switch_to_window(window.clone())
            .await
            .expect("it is there");
        browser.reads("body", "checkmate").await;
        browser.reads("#moves", "Qh4#").await;
    }
    browser.close().await;
    assert!(server.stop().await, "it ends well");
}
