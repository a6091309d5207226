//! Liar's dice in a real browser: people in tabs, bots beside them, and dice that stay hidden.

use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tapaculo_tests::{DEADLINE, browser::Browser, process::Process};

/// Keeps every frame that the page is sent, from before it connects.
const RECORD: &str = "window.told = [];
    window.WebSocket = class extends WebSocket {
        constructor(...where) {
            super(...where);
            this.addEventListener('message', event => told.push(JSON.parse(event.data)));
        }
    };";

/// What is under one's own cup, as the page shows it.
const OWN: &str = "[...document.querySelectorAll('#own .mine use')]
    .map(use => Number(use.getAttribute('href').slice(2)))";

/// Every list of numbers in what the page was sent, which is what dice look like.
const LISTS: &str = "return told.flatMap(function lists(value) {
    if (Array.isArray(value) && value.length && value.every(Number.isInteger)) return [value];
    return value && typeof value === 'object' ? Object.values(value).flatMap(lists) : [];
})";

/// Says whatever there is to say, if it is this tab's turn: a lie, where something was bid.
const ANSWER: &str =
    "if (document.querySelector('#status').textContent !== 'Your turn') return false;
    const [liar, say] = ['#liar', '#say'].map(id => document.querySelector(id));
    (liar.disabled || arguments[0] ? say : liar).click();
    return true";

/// A table, and a browser with a tab for each person at it.
struct Table {
    server: Process,
    browser: Browser,
    url: String,
    tabs: Vec<WindowHandle>,
}

impl Table {
    /// At the page with this query, Ann in the first tab.
    async fn set(query: &str) -> Self {
        let server = Process::start("liars_dice").await;
        let browser = Browser::start().await;
        let url = format!("http://localhost:{}/{query}", server.address.port());
        let ann = browser.tab().await;
        sit_down(&browser, &url, "Ann").await;
        let tabs = vec![ann];
        Self {
            server,
            browser,
            url,
            tabs,
        }
    }

    /// Somebody opens the link in another tab.
    async fn join(&mut self, name: &str) {
        self.tabs.push(self.browser.new_tab().await);
        sit_down(&self.browser, &self.url, name).await;
    }

    async fn turn_to(&self, tab: usize) {
        self.browser.turn_to(&self.tabs[tab]).await;
    }

    /// Asks for a bot, as Ann, and waits until so many seats around her are taken.
    async fn add_bot(&self, taken: usize) {
        self.turn_to(0).await;
        self.browser.click("#add-bot").await;
        self.others_are(taken).await;
    }

    async fn others_are(&self, taken: usize) {
        let seats = format!("document.querySelectorAll('.seat:not(.free)').length === {taken}");
        self.browser.until(&seats).await;
    }

    /// Plays in all of these tabs until this is true in one of them, which is then in front.
    /// With `honest` they bid on, else they doubt whatever they can.
    async fn play_until(&self, tabs: &[usize], bids_on: bool, expression: &str) {
        let start = Instant::now();
        loop {
            for tab in tabs {
                self.turn_to(*tab).await;
                if self.browser.run(&format!("return {expression}"), &[]).await == true {
                    return;
                }
                self.browser.run(ANSWER, &[bids_on.into()]).await;
                let on = "const ready = document.querySelector('#ready');
                    if (ready.offsetParent && !ready.disabled) ready.click()";
                self.browser.run(on, &[]).await;
            }
            assert!(start.elapsed() < DEADLINE, "{expression} in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What this tab has under its cup.
    async fn own_dice(&self, tab: usize) -> Value {
        self.turn_to(tab).await;
        self.browser.find("#own .mine .die").await;
        self.browser.run(&format!("return {OWN}"), &[]).await
    }

    async fn clear(self) {
        self.browser.close().await;
        assert!(self.server.stop().await, "it ends well");
    }
}

async fn sit_down(browser: &Browser, url: &str, name: &str) {
    browser.visit(url).await;
    browser.run(RECORD, &[]).await;
    browser.enter_as(name).await;
    browser.find("#connection[data-status=connected]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dice_are_in_nobody_elses_page_or_socket_until_the_cups_are_lifted() {
    let mut table = Table::set("?room=secrets&seconds=60").await;
    table.join("Ben").await;
    table.add_bot(2).await;
    table.browser.click("#start").await;
    // Zoe comes too late for this game.
    table.join("Zoe").await;
    let browser = &table.browser;
    browser.reads("#detail", "next game").await;

    let dice = [table.own_dice(0).await, table.own_dice(1).await];
    assert_eq!(dice[0].as_array().map(Vec::len), Some(5));
    // The bot has no reason yet to doubt anything, and then the turn stays with Ann or Ben.
    let bids = "document.querySelectorAll('#bids .bid').length >= 2";
    table.play_until(&[0, 1], true, bids).await;
    for (tab, own) in [Some(&dice[0]), Some(&dice[1]), None]
        .into_iter()
        .enumerate()
    {
        table.turn_to(tab).await;
        let lists = browser.run(LISTS, &[]).await;
        let lists = lists.as_array().expect("a list of lists");
        assert!(
            lists.iter().all(|list| Some(list) == own),
            "tab {tab}: {lists:?}"
        );
        assert_eq!(lists.is_empty(), own.is_none(), "tab {tab}");
        // Around the table there is nothing but cups, hidden dice, and what was bid.
        let shown = "return [...document.querySelectorAll('#seats .dice use, #seats .cup > svg > use')]
            .map(use => use.getAttribute('href')).filter(href => href !== '#cup' && href !== '#d0')";
        assert_eq!(browser.run(shown, &[]).await, json!([]), "tab {tab}");
    }

    // A page that is loaded again has its dice.
    table.turn_to(0).await;
    browser.run("location.reload()", &[]).await;
    browser.find("#connection[data-status=connected]").await;
    assert_eq!(table.own_dice(0).await, dice[0]);

    // Then everybody sees everything: Ann's and Ben's are as they were told.
    let lifted = "document.querySelector('.verdict') !== null";
    table.play_until(&[0, 1], false, lifted).await;
    table.turn_to(2).await;
    browser.find(".verdict").await;
    for (name, own) in ["Ann", "Ben"].iter().zip(&dice) {
        let script = "const seat = [...document.querySelectorAll('.seat.lifted')]
                .find(seat => seat.querySelector('.who').textContent === arguments[0]);
            return [...seat.querySelectorAll('.dice use')].map(use => Number(use.getAttribute('href').slice(2)))";
        let seen = browser.run(script, &[json!(name)]).await;
        assert_eq!(seen, *own, "{name}");
    }
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_tabs_and_a_bot_play_a_game_to_its_end_and_begin_another() {
    let mut table = Table::set("?room=end&dice=1&seconds=30").await;
    table.join("Ben").await;
    table.join("Cleo").await;
    table.add_bot(3).await;
    let browser = &table.browser;
    browser.click("#start").await;
    for tab in 0..3 {
        table.turn_to(tab).await;
        browser.find("#own .mine .die").await;
    }
    let over = "document.body.dataset.stage === 'over'";
    table.play_until(&[0, 1, 2], false, over).await;
    let mut titles = Vec::new();
    for tab in 0..3 {
        table.turn_to(tab).await;
        browser.until(over).await;
        let title = browser.run("return document.querySelector('#status').textContent", &[]);
        titles.push(title.await.as_str().expect("text").to_owned());
    }
    let winners = titles.iter().filter(|title| *title == "You won").count();
    let bot_won = titles.iter().all(|title| title == "Ada won");
    assert!(winners == 1 || bot_won, "{titles:?}");
    browser.click("#start").await;
    for tab in 0..3 {
        table.turn_to(tab).await;
        browser
            .until("document.body.dataset.stage === 'bidding'")
            .await;
        browser.reads("#round", "Round 1 · 4 dice").await;
    }
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_for_a_bid_counts_down_and_then_the_smallest_raise_is_made() {
    let mut table = Table::set("?room=time&seconds=5").await;
    table.join("Ben").await;
    let browser = &table.browser;
    let watch = "window.seen = []; const seconds = document.querySelector('#seconds');
        new MutationObserver(() => seen.push(parseInt(seconds.textContent)))
            .observe(seconds, {childList: true, characterData: true, subtree: true});";
    browser.run(watch, &[]).await;
    browser.click("#start").await;
    let started = Instant::now();
    browser.reads("#bids", "out of time").await;
    let took = started.elapsed().as_secs_f64();
    assert!(took > 4.5, "{took} s: there were five");
    // From five seconds to nearly none; then it is the other's turn.
    let seen = browser.run("return seen", &[]).await;
    let seen: Vec<u64> = serde_json::from_value(seen).expect("numbers");
    let last = seen.iter().position(|left| *left <= 1);
    let last = last.expect("a last second");
    assert!(
        last >= 2 && seen[..=last].is_sorted_by(|one, next| one > next),
        "{seen:?}"
    );
    for tab in 0..2 {
        table.turn_to(tab).await;
        browser
            .until("document.querySelector('#bids .bid .unseen').textContent === '1 one'")
            .await;
        browser.find("#clock:not([hidden])").await;
    }
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keyboard_alone_bids_and_doubts() {
    let mut table = Table::set("?room=keys&seconds=60").await;
    table.join("Ben").await;
    let browser = &table.browser;
    browser.click("#start").await;
    browser.run("document.activeElement.blur()", &[]).await;
    let mine = "document.querySelector('#status').textContent === 'Your turn'";
    browser.find("#bidding:not([hidden])").await;
    let first = usize::from(browser.run(&format!("return {mine}"), &[]).await == true);
    table.turn_to(first).await;
    browser.until(mine).await;
    browser.run("document.activeElement.blur()", &[]).await;
    browser.keys("4++").await;
    browser.reads("#say", "Bid 3 fours").await;
    browser.keys("-").await;
    browser.reads("#say", "Bid 2 fours").await;
    browser.keys("l").await; // there is nothing to doubt yet
    browser.keys("\u{e007}").await;
    browser.reads("#bids", "2").await;
    browser.until(&format!("!({mine})")).await;

    table.turn_to(1 - first).await;
    browser.until(mine).await;
    browser.run("document.activeElement.blur()", &[]).await;
    // What is chosen is a raise, whatever the keys.
    browser.keys("3-").await;
    browser.reads("#say", "Bid 3 threes").await;
    browser.keys("5").await;
    browser.reads("#say", "Bid 2 fives").await;
    browser.keys("l").await;
    browser.find(".verdict").await;
    browser.reads("#live", "You say: liar!").await;
    table.turn_to(first).await;
    browser.find(".verdict").await;
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_come_and_go_as_people_want_and_do_not_stay_alone() {
    let mut table = Table::set("?room=bots&seconds=30").await;
    let browser = &table.browser;
    browser.reads("#status", "You are the first").await;
    table.add_bot(1).await;
    table.add_bot(2).await;
    browser.click(".seat[data-user='bot:0'] .remove").await;
    table.others_are(1).await;
    // Two seats for people, and three for bots: the last one who wants in takes a bot's.
    table.add_bot(2).await;
    table.add_bot(3).await;
    table.add_bot(4).await;
    table.join("Ben").await;
    let browser = &table.browser;
    // Six are all, so that it has begun; Zoe watches until it is over.
    browser
        .until("document.body.dataset.stage === 'bidding'")
        .await;
    table.join("Zoe").await;
    let browser = &table.browser;
    browser.reads("#detail", "You are watching").await;
    table.turn_to(1).await;
    browser.click("#leave").await;
    browser.click("#sure-leave").await;
    browser.find("#entry:not([hidden])").await;
    table.turn_to(0).await;
    browser.reads("#notice", "Ben has left").await;
    browser.click("#leave").await;
    browser.click("#sure-leave").await;
    browser.find("#entry:not([hidden])").await;
    // No people have a seat any more: the bots have gone, and there are seats.
    table.turn_to(2).await;
    browser.reads("#status", "won").await;
    browser
        .until("![...document.querySelectorAll('.tags')].some(tags => tags.textContent === 'bot')")
        .await;
    browser.click("#sit").await;
    browser.reads("#detail", "Send the link").await;
    browser.find("#add-bot:not([hidden])").await;
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_would_turn_the_words_around_it_is_refused_at_the_door() {
    let table = Table::set("?room=turned").await;
    table.browser.new_tab().await;
    table.browser.visit(&table.url).await;
    let written = "document.querySelector('#name').value = '\\u202eneB'";
    table.browser.run(written, &[]).await;
    table.browser.click("#join").await;
    table.browser.reads("#entry-problem", "turn text").await;
    table.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_one_name_are_told_apart() {
    let mut table = Table::set("?room=twins").await;
    table.join("Ann").await;
    for tab in [0, 1] {
        table.turn_to(tab).await;
        table.browser.reads(".seat:not(.free) .who", "Ann (").await;
    }
    table.clear().await;
}
