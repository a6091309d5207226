//! The chess page in a real browser: two tabs of headless Chromium, driven by WebDriver.

use fantoccini::{key::Key, wd::WindowHandle};
use std::time::{Duration, Instant};
use tapaculo_tests::{
    DEADLINE,
    browser::Browser,
    process::Process,
    proxy::{Cut, Proxy},
};

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
        Self::set_at("").await
    }

    /// The same, at the page with this query: a room, and perhaps a clock.
    async fn set_at(query: &str) -> Self {
        let server = Process::start("chess_server").await;
        let browser = Browser::start().await;
        let white = browser.tab().await;
        let url = format!("http://localhost:{}/", server.address.port());
        sit_down(&browser, &format!("{url}{query}"), "Ann").await;
        let invite = browser.find("#waiting:not([hidden]) #invite").await;
        let invite = invite.prop("value").await;
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
    browser.enter_as(name).await;
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
    // The queen has the focus, the knight is the last.
    browser
        .until("document.activeElement.dataset.piece === 'q'")
        .await;
    browser.press(&[Key::Up, Key::Enter]).await;
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
async fn who_resigns_has_lost_and_a_rematch_changes_colours() {
    let table = Table::set().await;
    let browser = &table.browser;
    table.turn_to(0).await;
    browser.until(&first_square("a8")).await;
    browser.click("#resign").await;
    browser.reads("#resign", "really").await;
    browser.click("#resign").await;
    browser.reads("#status", "You lost").await;
    table.turn_to(1).await;
    browser.reads("#status", "You won").await;
    browser.reads("#detail", "resignation").await;

    browser.click("#rematch").await;
    browser.reads("#rematch", "offered").await;
    table.turn_to(0).await;
    browser.reads("#detail", "Ben wants a rematch").await;
    browser.click("#rematch").await;
    browser.reads("#status", "Ben to move").await;
    browser.until(&first_square("h1")).await;
    table.turn_to(1).await;
    browser.reads("#status", "Your move").await;
    browser.until(&first_square("a8")).await;
    browser.click("[data-square=e2]").await;
    browser.click("[data-square=e4].target").await;
    table.turn_to(0).await;
    browser.reads("#status", "Your move").await;
    table.clear().await;
}

/// Whether this square is at the top left.
fn first_square(name: &str) -> String {
    format!("document.querySelector('[data-square]').dataset.square === '{name}'")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_closes_the_tab_has_lost_once_the_seat_is_held_no_longer() {
    let table = Table::set().await;
    let browser = &table.browser;
    table.play("e2e4 e7e5").await;
    table.turn_to(1).await;
    browser.reads("#status", "Ann to move").await;
    browser.close_tab().await;
    table.turn_to(0).await;
    browser.reads("#opponent-away", "Ben is offline").await;
    let closed = Instant::now();
    let over = "document.querySelector('#status').textContent === 'You won'";
    while browser.run(&format!("return {over}"), &[]).await != true {
        assert!(closed.elapsed() < DEADLINE + Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let held = closed.elapsed();
    assert!(
        held > Duration::from_secs(15),
        "{held:?}: it is held for 20 s"
    );
    browser.reads("#detail", "Ben left").await;
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_is_asked_and_has_lost_at_once() {
    let table = Table::set().await;
    let browser = &table.browser;
    table.play("e2e4 e7e5").await;
    let third = browser.new_tab().await;
    sit_down(browser, &table.invite, "Cleo").await;
    browser.reads("#detail", "watching").await;
    table.turn_to(1).await;
    browser.click("#leave").await;
    browser.click("#sure-leave").await;
    browser.find("#entry:not([hidden])").await;
    table.turn_to(0).await;
    browser.reads("#status", "You won").await;
    browser.reads("#detail", "Ben left").await;
    // The seat is free for who watches.
    browser.turn_to(&third).await;
    browser.click("#sit").await;
    browser.click("#rematch").await;
    table.turn_to(0).await;
    browser.click("#rematch").await;
    browser.reads("#detail", "You play").await;
    browser.turn_to(&third).await;
    browser.reads("#detail", "You play").await;
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_loaded_again_has_its_seat_board_and_clock() {
    let table = Table::set_at("?room=reload&clock=10+5").await;
    let browser = &table.browser;
    table.play("e2e4 e7e5 g1f3").await;
    let third = browser.new_tab().await;
    sit_down(browser, &table.invite, "Cleo").await;
    browser.reads("#detail", "watching").await;
    table.turn_to(0).await;
    let listen = "window.heard = []; const live = document.querySelector('#live');
        new MutationObserver(() => heard.push(live.textContent))
            .observe(live, {childList: true, characterData: true, subtree: true});";
    browser.run(listen, &[]).await;

    table.turn_to(1).await;
    browser.reads("#status", "Your move").await;
    browser.run("location.reload()", &[]).await;
    browser.find("#connection[data-status=connected]").await;
    browser.reads("#status", "Your move").await;
    browser.reads("#detail", "You play Black").await;
    browser.reads("#moves", "Nf3").await;
    browser.reads(".clock[data-side=white]", "10:0").await;
    browser.find(".clock[data-side=black].runs").await;
    browser.find("[data-square=f3][data-piece=N].last").await;
    browser.reads("#watchers", "1 watching").await;
    table.turn_to(0).await;
    browser.until(&heard("Ben is back.")).await;
    browser.until(&heard("Ben lost the connection.")).await;

    table.turn_to(1).await;
    browser.click("[data-square=b8]").await;
    browser.click("[data-square=c6].target").await;
    table.turn_to(0).await;
    browser.reads("#status", "Your move").await;
    browser
        .until(&heard("Ben: knight b8 to c6. Your move."))
        .await;
    browser.turn_to(&third).await;
    browser.reads("#moves", "Nc6").await;
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_outlives_its_token() {
    let table = Table::set().await;
    let browser = &table.browser;
    table.turn_to(0).await;
    let token = |expired: bool| {
        let script = format!(
            "return import('/guest.js').then(({{ Guest }}) => new Guest('chess').token({expired}))"
        );
        async move { browser.run(&script, &[]).await }
    };
    let first = token(false).await;
    let next = token(true).await;
    assert_ne!(first, next);
    assert_eq!(token(false).await, next);
    // And so on: each refresh token is used once.
    assert_ne!(token(true).await, next);
    browser.run("location.reload()", &[]).await;
    browser.find("#connection[data-status=connected]").await;
    browser.reads("#status", "Your move").await;
    table.play("e2e4 e7e5").await;
    // A login that is over is an end that the page can tell of.
    let spoil = "const key = Object.keys(sessionStorage).find(key => key.startsWith('chess.seat'));
        const mine = JSON.parse(sessionStorage[key]);
        sessionStorage[key] = JSON.stringify({ ...mine, refresh_token: 'spent' });";
    browser.run(spoil, &[]).await;
    assert_eq!(token(true).await, serde_json::Value::Null);
    table.clear().await;
}

/// Whether those who hear the page have been told so.
fn heard(words: &str) -> String {
    format!("heard.some(words => words.endsWith('{words}'))")
}

/// Tabs on until a square of the board has the focus.
async fn tab_to_board(browser: &Browser) {
    for _ in 0..20 {
        let there = "return document.activeElement.classList.contains('square')";
        if browser.run(there, &[]).await == true {
            return;
        }
        browser.press(&[Key::Tab]).await;
    }
    panic!("the board is not to be reached by Tab");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keyboard_alone_moves() {
    let table = Table::set().await;
    let browser = &table.browser;
    table.turn_to(0).await;
    browser.reads("#status", "Your move").await;
    tab_to_board(browser).await;
    // From a1 to e2; a first choice is taken back.
    browser.press(&[Key::Right; 4]).await;
    browser.press(&[Key::Up, Key::Enter]).await;
    browser.find("[data-square=e4].target").await;
    browser.reads("#live", "pawn e2: may go to e3, e4").await;
    browser.press(&[Key::Escape]).await;
    browser.until("!document.querySelector('.target')").await;
    browser.press(&[Key::Enter, Key::Up, Key::Up]).await;
    let label = "document.activeElement.getAttribute('aria-label') === 'e4, legal move'";
    browser.until(label).await;
    browser.press(&[Key::Enter]).await;
    browser.reads("#moves", "e4").await;

    // Black sits on the other side: from h8 to e7.
    table.turn_to(1).await;
    browser.reads("#status", "Your move").await;
    tab_to_board(browser).await;
    browser.press(&[Key::Right; 3]).await;
    browser
        .press(&[Key::Up, Key::Space, Key::Up, Key::Up, Key::Space])
        .await;
    browser.reads("#moves", "e5").await;
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_falls() {
    let table = Table::set_at("?room=flag&clock=0.25+0").await;
    let browser = &table.browser;
    table.play("e2e4 e7e5").await;
    let started = Instant::now();
    table.turn_to(0).await;
    browser.find(".clock[data-side=white].runs").await;
    let over = "return document.querySelector('#status').textContent === 'You lost'";
    while browser.run(over, &[]).await != true {
        assert!(started.elapsed() < DEADLINE + Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = started.elapsed().as_secs_f64();
    assert!(took > 14.0, "{took} s: it had fifteen");
    browser.reads("#detail", "time is up").await;
    browser.reads(".clock[data-side=white]", "0:00.0").await;
    table.turn_to(1).await;
    browser.reads("#status", "You won").await;
    browser.reads("#detail", "Ann ran out of time").await;
    table.clear().await;
}

/// Waits until an element has these words, for longer than anything but a seat takes.
async fn reads_at_last(browser: &Browser, css: &str, words: &str) {
    let start = Instant::now();
    let text = format!("return document.querySelector('{css}').textContent");
    loop {
        let text = browser.run(&text, &[]).await;
        if text.as_str().is_some_and(|text| text.contains(words)) {
            return;
        }
        assert!(
            start.elapsed() < DEADLINE + Duration::from_secs(20),
            "{css} is {text}, not {words:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_is_gone_for_5_s_costs_nothing_and_for_longer_than_the_seat_is_held_the_game()
 {
    let table = Table::set_at("?room=network&clock=10+5").await;
    let browser = &table.browser;
    let proxy = Proxy::start(table.server.address).await;
    table.play("e2e4 e7e5").await;
    let third = browser.new_tab().await;
    sit_down(browser, &table.invite, "Cleo").await;
    browser.reads("#detail", "watching").await;

    // Ben plays on from behind a network that is about to fail: another window of his.
    table.turn_to(1).await;
    let kept = browser
        .run("return JSON.stringify({...sessionStorage})", &[])
        .await;
    let port = proxy.address.port();
    let url = format!("http://localhost:{port}/?room=network&clock=10+5");
    browser
        .visit(&format!("http://localhost:{port}/healthz"))
        .await;
    let keep = "for (const [key, value] of Object.entries(JSON.parse(arguments[0])))
        sessionStorage.setItem(key, value)";
    browser.run(keep, &[kept]).await;
    browser.visit(&url).await;
    browser.find("#connection[data-status=connected]").await;
    browser.reads("#status", "Ann to move").await;
    browser.reads("#detail", "You play Black").await;

    // Five seconds.
    proxy.refuse(true);
    proxy.cut(Cut::Reset);
    let lost = Instant::now();
    browser.find("#connection[data-status=reconnecting]").await;
    browser.find("#board.paused").await;
    table.turn_to(0).await;
    browser.reads("#opponent-away", "Ben is offline").await;
    browser.click("[data-square=g1]").await;
    browser.click("[data-square=f3].target").await;
    browser.turn_to(&third).await;
    browser.reads("#moves", "Nf3").await;
    tokio::time::sleep_until((lost + Duration::from_secs(5)).into()).await;
    table.turn_to(1).await;
    browser.find("#connection[data-status=reconnecting]").await;
    proxy.refuse(false);
    browser.find("#connection[data-status=connected]").await;
    browser.reads("#status", "Your move").await;
    browser.reads("#moves", "Nf3").await;
    browser.click("[data-square=b8]").await;
    browser.click("[data-square=c6].target").await;
    table.turn_to(0).await;
    browser.reads("#status", "Your move").await;
    browser.find("#opponent-away[hidden]").await;

    // For longer than the seat is held.
    proxy.refuse(true);
    proxy.cut(Cut::Finish);
    browser.reads("#opponent-away", "Ben is offline").await;
    reads_at_last(browser, "#status", "You won").await;
    browser.turn_to(&third).await;
    browser.reads("#status", "Ann won").await;
    table.turn_to(1).await;
    browser.find("#connection[data-status=reconnecting]").await;
    proxy.refuse(false);
    browser.find("#connection[data-status=connected]").await;
    browser.reads("#status", "You lost").await;
    table.clear().await;
}
