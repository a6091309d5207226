//! Headless Chromium, driven by WebDriver.

use crate::DEADLINE;
use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    elements::Element,
    key::Key,
    wd::WindowHandle,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// A browser. It and its driver are a process group, which is gone when this is dropped, also by a
/// test that fails.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Child,
    // Kept open: a closed pipe would make the driver's next line an error.
    _stdout: Lines<BufReader<ChildStdout>>,
    // Chromium's profile; removed at the end.
    profile: std::path::PathBuf,
}

impl Browser {
    /// Starts one, on an empty page.
    ///
    /// # Panics
    /// If chromedriver or Chromium is missing.
    pub async fn start() -> Self {
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

    /// Ends it.
    ///
    /// # Panics
    /// If the session is gone.
    pub async fn close(self) {
        let closed = self.client.clone().close().await;
        closed.expect("the session ends");
    }

    /// Opens a page in the tab that is in front.
    ///
    /// # Panics
    /// If it does not load.
    pub async fn visit(&self, url: &str) {
        self.client.goto(url).await.expect("the page loads");
    }

    /// Runs the body of a function in the page and answers with what it returns.
    ///
    /// # Panics
    /// If it throws.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Value {
        let result = self.client.execute(script, arguments.to_vec()).await;
        result.unwrap_or_else(|error| panic!("`{script}` fails: {error}"))
    }

    /// Runs an expression in the page until it is true, and answers with its value.
    ///
    /// # Panics
    /// If it is not true in time.
    pub async fn until(&self, expression: &str) -> Value {
        let start = Instant::now();
        let script = format!("return {expression}");
        loop {
            let value = self.run(&script, &[]).await;
            if !matches!(value, Value::Null | Value::Bool(false)) {
                return value;
            }
            if start.elapsed() > DEADLINE {
                let log = self.run("return window.log", &[]).await;
                panic!("`{expression}` is {value}; the page has logged {log:#}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The first element of this selector, once there is one.
    ///
    /// # Panics
    /// If there is none in time.
    pub async fn find(&self, css: &str) -> Element {
        let finding = self.client.wait().at_most(DEADLINE);
        let found = finding.for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("no `{css}` on the page: {error}"))
    }

    /// Clicks an element.
    ///
    /// # Panics
    /// If it is missing or covered.
    pub async fn click(&self, css: &str) {
        let clicked = self.find(css).await.click().await;
        clicked.unwrap_or_else(|error| panic!("`{css}` can't be clicked: {error}"));
    }

    /// Enters one of the examples by a name.
    ///
    /// # Panics
    /// If its page does not ask for one.
    pub async fn enter_as(&self, name: &str) {
        let field = self.find("#name").await;
        field.clear().await.expect("a text field");
        field.send_keys(name).await.expect("a text field");
        self.click("#join").await;
    }

    /// Presses keys, one after the other, in what has the focus.
    ///
    /// # Panics
    /// If nothing has.
    pub async fn press(&self, keys: &[Key]) {
        for key in keys {
            let focused = self.client.active_element().await;
            let focused = focused.expect("something has the focus");
            let pressed = focused.send_keys(&char::from(*key).to_string()).await;
            pressed.expect("it takes keys");
        }
    }

    /// Types characters, one after the other, into what has the focus, or else the page.
    ///
    /// # Panics
    /// If the page is gone.
    pub async fn keys(&self, characters: &str) {
        let mut typing = KeyActions::new("keys".to_owned());
        for value in characters.chars() {
            typing = typing
                .then(KeyAction::Down { value })
                .then(KeyAction::Up { value });
        }
        let typed = self.client.perform_actions(typing).await;
        typed.expect("the page takes keys");
    }

    /// Waits until an element's text has these words, whatever their case.
    ///
    /// # Panics
    /// If it has others when the time is over.
    pub async fn reads(&self, css: &str, words: &str) {
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

    /// The tab that is in front.
    ///
    /// # Panics
    /// If there is none.
    pub async fn tab(&self) -> WindowHandle {
        self.client.window().await.expect("a tab")
    }

    /// Opens another tab and turns to it.
    ///
    /// # Panics
    /// If that fails.
    pub async fn new_tab(&self) -> WindowHandle {
        let tab = self.client.new_window(true).await;
        let tab = tab.expect("another tab").handle;
        self.turn_to(&tab).await;
        tab
    }

    /// Closes the tab that is in front.
    ///
    /// # Panics
    /// If that fails.
    pub async fn close_tab(&self) {
        self.client.close_window().await.expect("the tab closes");
    }

    /// Brings a tab to the front.
    ///
    /// # Panics
    /// If it is gone.
    pub async fn turn_to(&self, tab: &WindowHandle) {
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
