//! The chat page in a real browser: three tabs of headless Chromium, driven by WebDriver.

use fantoccini::{key::Key, wd::WindowHandle};
use serde_json::{Value, json};
use tapaculo_tests::{
    browser::Browser,
    process::Process,
    proxy::{Cut, Proxy, Way},
};

const ANN: usize = 0;
const BEN: usize = 1;
const CLEO: usize = 2;

/// Three tabs of one browser in one room.
struct Room {
    server: Process,
    browser: Browser,
    tabs: Vec<WindowHandle>,
    url: String,
}

impl Room {
    async fn open() -> Self {
        Self::with(&["Ann", "Ben", "Cleo"]).await
    }

    async fn with(names: &[&str]) -> Self {
        let server = Process::start("chat_server").await;
        let browser = Browser::start().await;
        let url = format!("http://localhost:{}/", server.address.port());
        let mut room = Self {
            tabs: vec![browser.tab().await],
            server,
            browser,
            url,
        };
        for (number, name) in names.iter().enumerate() {
            if number > 0 {
                room.tabs.push(room.browser.new_tab().await);
            }
            come_in(&room.browser, &room.url, name).await;
        }
        room
    }

    async fn turn_to(&self, tab: usize) -> &Browser {
        self.browser.turn_to(&self.tabs[tab]).await;
        &self.browser
    }

    /// Says something by the keyboard; turns to that tab.
    async fn say(&self, tab: usize, text: &str) {
        let browser = self.turn_to(tab).await;
        write(browser, text).await;
        browser.press(&[Key::Enter]).await;
        browser.until(&shows(text)).await;
    }

    /// Waits until these tabs show a message, once.
    async fn hear(&self, tabs: &[usize], text: &str) {
        self.hear_all(tabs, &[text]).await;
    }

    /// The same, of several messages.
    async fn hear_all(&self, tabs: &[usize], texts: &[&str]) {
        for tab in tabs {
            let browser = self.turn_to(*tab).await;
            for text in texts {
                browser.until(&shows(text)).await;
            }
        }
    }

    async fn clear(self) {
        self.browser.close().await;
        assert!(self.server.stop().await, "it ends well");
    }
}

async fn come_in(browser: &Browser, url: &str, name: &str) {
    browser.visit(url).await;
    browser.enter_as(name).await;
    browser.find("#connection[data-status=connected]").await;
    browser.find("#log[aria-busy=false]").await;
}

async fn write(browser: &Browser, text: &str) {
    let field = browser.find("#text").await;
    field.send_keys(text).await.expect("a text field");
}

/// Sends a text that no keyboard could write, through the page's own form.
async fn submit(browser: &Browser, text: &str) {
    let script = "const field = document.querySelector('#text');
        field.value = arguments[0];
        field.dispatchEvent(new Event('input'));
        document.querySelector('#composer').requestSubmit();";
    browser.run(script, &[text.into()]).await;
}

/// Whether a text was said, and is shown once: what was edited is so marked beside it.
fn shows(text: &str) -> String {
    format!("{} === 1", count_of("[data-state=said]", text))
}

/// How many messages of this kind have a text.
fn count_of(kind: &str, text: &str) -> String {
    let text = json!(text);
    format!(
        "[...document.querySelectorAll('.message{kind} .text')]
            .filter(node => node.firstChild?.textContent === {text}).length"
    )
}

/// How somebody stands in the list of who is here.
fn listed(name: &str, what: &str) -> String {
    let (name, what) = (json!(name), json!(what));
    format!(
        "[...document.querySelectorAll('#people li')].some(row =>
            row.querySelector('bdi').textContent === {name}
            && (row.querySelector('.what')?.textContent ?? '') === {what})"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_tabs_talk_and_whoever_comes_later_reads_it() {
    let room = Room::with(&["Ann", "Ben"]).await;
    let browser = room.turn_to(ANN).await;
    browser.reads("#room-name", "lobby").await;
    browser.reads("#count", "2 here").await;
    browser.find("#empty:not([hidden])").await;
    // What another tab can see of a tab that nobody looks at.
    let listen = "const title = document.querySelector('title');
        const show = () => localStorage.annsTitle = document.title;
        new MutationObserver(show).observe(title, {childList: true});";
    browser.run(listen, &[]).await;
    room.say(BEN, "Hello Ann").await;
    browser
        .until("localStorage.annsTitle === '(1) lobby · Chat'")
        .await;
    room.hear(&[ANN], "Hello Ann").await;
    browser.until("document.title === 'lobby · Chat'").await;
    browser.find("#empty[hidden]").await;
    // One after the other by one author: the second has no head of its own.
    room.say(ANN, "Hello Ben").await;
    room.say(ANN, "How are you?").await;
    let heads = "document.querySelectorAll('.message.head').length === 2";
    browser.until(heads).await;

    let mut room = room;
    room.tabs.push(room.browser.new_tab().await);
    let link = format!("{}?room=lobby", room.url);
    come_in(&room.browser, &link, "Cleo").await;
    let before = ["Hello Ann", "Hello Ben", "How are you?"];
    room.hear_all(&[CLEO], &before).await;
    let browser = room.turn_to(CLEO).await;
    for (name, what) in [("Cleo", "you"), ("Ann", ""), ("Ben", "")] {
        browser.until(&listed(name, what)).await;
    }
    room.say(CLEO, "Hello both").await;
    room.hear(&[ANN, BEN], "Hello both").await;

    // Another room is another conversation.
    let browser = &room.browser;
    let elsewhere = browser.new_tab().await;
    browser.turn_to(&elsewhere).await;
    browser.visit(&room.url).await;
    write_name(browser, "Dan").await;
    browser.click("#own").await;
    browser.find("#log[aria-busy=false]").await;
    browser.reads("#count", "1 here").await;
    browser
        .until("new URL(location).searchParams.get('room') !== 'lobby'")
        .await;
    browser.find("#empty:not([hidden])").await;

    // Who closes the tab is away, and who leaves is gone.
    room.turn_to(BEN).await.close_tab().await;
    let browser = room.turn_to(ANN).await;
    browser.until(&listed("Ben", "away")).await;
    browser.reads("#count", "2 here, 1 away").await;
    room.turn_to(CLEO).await.click("#leave").await;
    browser.find("#entry:not([hidden])").await;
    let browser = room.turn_to(ANN).await;
    browser.reads("#count", "1 here, 1 away").await;
    browser.reads("#live", "has left").await;
    room.clear().await;
}

async fn write_name(browser: &Browser, name: &str) {
    let field = browser.find("#name").await;
    field.send_keys(name).await.expect("a text field");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_is_seen_and_goes_when_it_ends() {
    let room = Room::open().await;
    let silent = "!document.querySelector('#typing.on')";
    write(room.turn_to(BEN).await, "Well").await;
    let browser = room.turn_to(ANN).await;
    browser.reads("#typing.on", "Ben is typing").await;
    browser.until(&listed("Ben", "typing…")).await;
    write(room.turn_to(CLEO).await, "So").await;
    let browser = room.turn_to(ANN).await;
    browser.reads("#typing", "Ben and Cleo are typing").await;
    // One says it, the other thinks again.
    room.turn_to(BEN).await.press(&[Key::Enter]).await;
    let browser = room.turn_to(ANN).await;
    browser.until(&shows("Well")).await;
    browser
        .until("!document.querySelector('#typing').textContent.includes('Ben')")
        .await;
    let browser = room.turn_to(CLEO).await;
    browser.press(&[Key::Backspace, Key::Backspace]).await;
    room.turn_to(ANN).await.until(silent).await;
    // Who stops in the middle is not believed to go on; nor is who is gone.
    write(room.turn_to(BEN).await, "Um").await;
    let browser = room.turn_to(ANN).await;
    browser.reads("#typing.on", "Ben is typing").await;
    browser.until(silent).await;
    write(room.turn_to(CLEO).await, "Er").await;
    room.turn_to(ANN)
        .await
        .reads("#typing.on", "Cleo is typing")
        .await;
    room.turn_to(CLEO).await.close_tab().await;
    let browser = room.turn_to(ANN).await;
    browser.until(&listed("Cleo", "away")).await;
    browser.until(silent).await;
    // Nor is anyone of whose end the word was lost.
    let lost = "return import('/chat.js').then(({ Chat }) => {
        const chat = new Chat(), now = performance.now();
        chat.hear({type: 'Typing', user: 'Ben-1', active: true}, {});
        const then = [chat.typing.length];
        performance.now = () => now + 10_000;
        then.push(chat.typing.length);
        delete performance.now;
        return then;
    })";
    assert_eq!(browser.run(lost, &[]).await, json!([1, 0]));
    room.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_and_deletions_are_seen_by_all_and_whoever_comes_later_never_sees_what_was() {
    let room = Room::open().await;
    room.say(ANN, "the frist").await;
    room.say(BEN, "the second").await;
    room.say(ANN, "a mistake").await;
    room.hear(&[BEN, CLEO], "a mistake").await;

    // By the keyboard: the last of one's own; a draft is put aside meanwhile.
    let browser = room.turn_to(BEN).await;
    browser.press(&[Key::Up]).await;
    browser.find("#editing:not([hidden])").await;
    browser.find(".message.edited-now").await;
    write(browser, ", indeed").await;
    browser.press(&[Key::Enter]).await;
    room.hear(&[ANN, BEN, CLEO], "the second, indeed").await;
    // By the button.
    let browser = room.turn_to(ANN).await;
    write(browser, "a draft").await;
    let buttons = "document.querySelectorAll('.message.mine .edit').length === 2";
    browser.until(buttons).await;
    browser
        .run("document.querySelector('.mine .edit').click()", &[])
        .await;
    let field = browser.find("#text").await;
    field.clear().await.expect("a text field");
    write(browser, "the first").await;
    browser.press(&[Key::Enter]).await;
    browser
        .until("document.querySelector('#text').value === 'a draft'")
        .await;
    room.hear(&[ANN, BEN, CLEO], "the first").await;
    let browser = room.turn_to(CLEO).await;
    let place = "document.querySelector('.message .text').textContent === 'the first edited'";
    browser.until(place).await;
    // Nobody else's is offered to be changed.
    let none = "return document.querySelectorAll('.edit, .delete').length";
    assert_eq!(browser.run(none, &[]).await, 0);

    let browser = room.turn_to(ANN).await;
    let last = "[...document.querySelectorAll('.mine .delete')].at(-1).click()";
    browser.run(last, &[]).await;
    browser.reads("#sure-words", "a mistake").await;
    browser.click("#sure-delete").await;
    for tab in [ANN, BEN, CLEO] {
        let browser = room.turn_to(tab).await;
        browser.reads(".gone", "deleted").await;
        let page = browser.run("return document.body.outerHTML", &[]).await;
        let page = page.as_str().expect("HTML");
        assert!(!page.contains("frist"), "{page}");
        assert!(!page.contains("a mistake") || tab == ANN, "{page}");
    }

    let browser = &room.browser;
    browser.new_tab().await;
    browser.run("window.name = 'later'", &[]).await;
    come_in(browser, &room.url, "Dan").await;
    browser.until(&shows("the second, indeed")).await;
    let texts =
        "return [...document.querySelectorAll('.message .text')].map(text => text.textContent)";
    let texts = browser.run(texts, &[]).await;
    assert_eq!(
        texts,
        json!(["the first edited", "the second, indeed edited"])
    );
    browser.until("!document.querySelector('.gone')").await;
    room.clear().await;
}

/// Opens the dialog, chooses, and saves.
async fn look(browser: &Browser, name: &str, color: &str, avatar: &str) {
    browser.click("#restyle").await;
    let field = browser.find("#look-name").await;
    field.clear().await.expect("a text field");
    field.send_keys(name).await.expect("a text field");
    for (group, value) in [("colors", color), ("avatars", avatar)] {
        let choose = format!("document.querySelector('[name={group}][value={value}]').click()");
        browser.run(&choose, &[]).await;
    }
    browser.click("#look-save").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_colours_and_pictures_are_ones_own_and_two_of_one_name_are_told_apart() {
    let room = Room::open().await;
    room.say(ANN, "Who am I?").await;
    room.say(BEN, "You are Ann").await;
    let browser = room.turn_to(ANN).await;
    look(browser, "Queen Ann", "gold", "moon").await;
    browser.until(&listed("Queen Ann", "you")).await;
    for tab in [BEN, CLEO] {
        let browser = room.turn_to(tab).await;
        browser.until(&listed("Queen Ann", "")).await;
        let message = "[...document.querySelectorAll('.message.head')].some(message =>
            message.querySelector('.avatar[data-color=gold] use[href=\"#moon\"]')
            && message.querySelector('.who bdi[data-color=gold]').textContent === 'Queen Ann')";
        browser.until(message).await;
    }
    // It is still so for a page that is loaded again.
    let browser = room.turn_to(ANN).await;
    browser.run("location.reload()", &[]).await;
    browser.find("#log[aria-busy=false]").await;
    browser.until(&listed("Queen Ann", "you")).await;
    browser
        .find("#people .avatar[data-color=gold] use[href='#moon']")
        .await;

    // The same name, or one that looks the same, has the end of the id beside it.
    let browser = room.turn_to(BEN).await;
    browser.until("!document.querySelector('.tag')").await;
    look(browser, "queen  Ánn", "red", "initials").await;
    let browser = room.turn_to(CLEO).await;
    browser.until(&listed("queen Ánn", "")).await;
    let tags = "[...document.querySelectorAll('#people .tag')].map(tag => tag.textContent)";
    browser.until(&format!("new Set({tags}).size === 2")).await;
    let browser = room.turn_to(BEN).await;
    look(browser, "Benjamin", "red", "initials").await;
    browser.until("!document.querySelector('.tag')").await;
    let cyrillic = "Qu\u{435}\u{435}n \u{410}nn";
    look(browser, cyrillic, "red", "initials").await;
    let browser = room.turn_to(CLEO).await;
    browser.until(&listed(cyrillic, "")).await;
    browser.until(&format!("new Set({tags}).size === 2")).await;
    browser
        .until("document.querySelectorAll('.message .tag').length === 2")
        .await;

    // What the server does not take is said where it was asked.
    let browser = room.turn_to(CLEO).await;
    look(browser, "Cleo", "blue", "star").await;
    browser.until("!document.querySelector('#look').open").await;
    browser.click("#restyle").await;
    let turned = "document.querySelector('#look-name').value = 'C\\u202eleo'";
    browser.run(turned, &[]).await;
    browser.click("#look-save").await;
    browser
        .reads("#look-problem", "no characters that can't be seen")
        .await;
    browser.click("#look-cancel").await;
    browser.until(&listed("Cleo", "you")).await;
    // At the door, too.
    browser.new_tab().await;
    browser.visit(&room.url).await;
    write_name(browser, "D\u{315}\u{310}\u{314}an").await;
    browser.click("#join").await;
    browser.reads("#entry-problem", "at most 2 accents").await;
    browser.find("#entry:not([hidden])").await;
    room.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_are_texts() {
    let zalgo = format!("Z{}algo", "\u{315}\u{310}\u{314}\u{321}".repeat(50));
    let long = "x".repeat(4_000);
    let texts = [
        "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>",
        "javascript:window.hacked=1 data:text/html,<script>window.hacked=1</script>",
        "\"><svg onload=window.hacked=1>",
        zalgo.as_str(),
        long.as_str(),
    ];
    let room = Room::with(&["<b>Ann</b>", "Ben", "Cleo"]).await;
    let browser = room.turn_to(ANN).await;
    for text in texts {
        submit(browser, text).await;
        browser.until(&shows(text)).await;
    }
    room.hear(&[BEN, CLEO], &long).await;
    for tab in [ANN, BEN, CLEO] {
        room.hear_all(&[tab], &texts).await;
        assert_eq!(
            browser.run("return window.hacked ?? null", &[]).await,
            Value::Null
        );
        let strange = "return document.querySelectorAll('#log :is(img, script, b, a, [onerror], [onload])').length";
        assert_eq!(browser.run(strange, &[]).await, 0);
        // Nothing is wider than the page, and what is long is folded until asked for.
        let fits = "const log = document.querySelector('#log');
            return log.scrollWidth <= log.clientWidth
                && document.documentElement.scrollWidth <= window.innerWidth
                && document.querySelector('.text.folded').clientHeight < window.innerHeight / 2";
        assert_eq!(browser.run(fits, &[]).await, true);
    }
    let browser = room.turn_to(CLEO).await;
    browser
        .run("document.querySelector('.unfold').click()", &[])
        .await;
    browser.until("!document.querySelector('.folded')").await;

    // Accents reach no further than their own message.
    let reach = "const text = [...document.querySelectorAll('.text')].find(text => text.textContent.startsWith('Z'));
        return getComputedStyle(text).overflowY";
    assert_eq!(browser.run(reach, &[]).await, "clip");

    // Links lead where they say, to the web and nowhere else, and take nothing along.
    let links = "see HTTPS://Example.org/a_(b)?c=d#e. (http://example.org) \
        https://\u{430}pple.com ftp://example.org https://good.example@evil.example/ \
        https://example.org/\u{202e}gpj.exe https://\u{430}pple.com/xn--pple-43d.com";
    let browser = room.turn_to(BEN).await;
    submit(browser, links).await;
    let browser = room.turn_to(CLEO).await;
    browser
        .until("document.querySelectorAll('.text a').length === 5")
        .await;
    let shown = "return [...document.querySelectorAll('.text a')].map(link => [link.href, link.textContent])";
    let expected = json!([
        [
            "https://example.org/a_(b)?c=d#e",
            "HTTPS://Example.org/a_(b)?c=d#e"
        ],
        ["http://example.org/", "http://example.org"],
        ["https://xn--pple-43d.com/", "https://xn--pple-43d.com/"],
        ["https://example.org/", "https://example.org/"],
        [
            "https://xn--pple-43d.com/xn--pple-43d.com",
            "https://xn--pple-43d.com/xn--pple-43d.com"
        ],
    ]);
    assert_eq!(browser.run(shown, &[]).await, expected);
    let closed = "return [...document.querySelectorAll('.text a')].every(link =>
        link.rel === 'noopener noreferrer nofollow' && link.target === '_blank')";
    assert_eq!(browser.run(closed, &[]).await, true);
    // What would turn the text is shown instead.
    browser.reads(".text .mark", "U+202E").await;
    let turned = "return document.querySelector('#log').textContent.includes('\\u202e')";
    assert_eq!(browser.run(turned, &[]).await, false);
    room.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spammer_is_shut_out_told_for_how_long_and_comes_back() {
    let room = Room::open().await;
    let browser = room.turn_to(BEN).await;
    let spam = "const field = document.querySelector('#text');
        for (let i = 1; i <= 40; i++) {
            field.value = `spam ${i}`;
            document.querySelector('#composer').requestSubmit();
        }";
    browser.run(spam, &[]).await;
    browser.reads("#banner", "Too many messages").await;
    let words = "/You may write again in \\d+\\u00a0s\\. Your draft is kept\\./.test(document.querySelector('#banner').textContent)";
    browser.until(words).await;
    browser.reads("#live", "too many messages").await;
    let seconds =
        "Number(document.querySelector('#banner').textContent.match(/(\\d+)\\u00a0s/)[1])";
    let first = browser.run(&format!("return {seconds}"), &[]).await;
    let first = first.as_u64().expect("a number");
    assert!((8..=10).contains(&first), "{first} s");
    browser.until(&format!("{seconds} < {first}")).await;
    browser.find(".message[data-state=failed]").await;
    // What is written now stays where it is.
    write(browser, "sorry").await;
    browser.press(&[Key::Enter]).await;
    browser.find("#send:disabled").await;
    browser
        .until("document.querySelector('#text').value === 'sorry'")
        .await;
    room.turn_to(ANN).await.until(&listed("Ben", "away")).await;

    // It comes back without being asked to, and says what it is told to say.
    let browser = room.turn_to(BEN).await;
    browser.find("#connection[data-status=connected]").await;
    browser.find("#banner[hidden]").await;
    browser
        .until("document.querySelector('#text').value === 'sorry'")
        .await;
    browser.click("#send").await;
    room.hear(&[ANN, CLEO], "sorry").await;
    let browser = room.turn_to(BEN).await;
    let failed = "return document.querySelector('.message[data-state=failed] .text').textContent";
    let failed = browser.run(failed, &[]).await;
    browser
        .run(
            "document.querySelector('.message[data-state=failed] .link').click()",
            &[],
        )
        .await;
    let again = failed.as_str().expect("a text");
    room.hear(&[BEN, ANN, CLEO], again).await;
    // What was sent in vain can be thrown away.
    let browser = room.turn_to(BEN).await;
    let discard = "[...document.querySelectorAll('.message[data-state=failed] .link:last-child')].map(link => link.click())";
    browser.run(discard, &[]).await;
    browser
        .until("!document.querySelector('.message[data-state=failed]')")
        .await;
    room.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_without_a_connection_is_said_once_there_is_one() {
    let mut room = Room::with(&["Ann", "Cleo"]).await;
    let proxy = Proxy::start(room.server.address).await;
    let url = format!("http://localhost:{}/", proxy.address.port());
    room.tabs.insert(BEN, room.browser.new_tab().await);
    come_in(&room.browser, &url, "Ben").await;
    room.say(BEN, "I am on a train").await;
    room.hear(&[ANN, CLEO], "I am on a train").await;

    // A message whose answer is lost is not said twice.
    proxy.swallow(Way::Down);
    let browser = room.turn_to(BEN).await;
    write(browser, "a tunnel comes").await;
    browser.press(&[Key::Enter]).await;
    browser
        .reads(".message[data-state=sent] .fate", "sending")
        .await;
    room.hear(&[ANN, CLEO], "a tunnel comes").await;
    proxy.refuse(true);
    proxy.cut(Cut::Reset);
    let browser = room.turn_to(BEN).await;
    browser.reads("#banner", "Connection lost").await;
    for text in ["in the tunnel", "still in it"] {
        write(browser, text).await;
        browser.press(&[Key::Enter]).await;
        browser
            .until(&format!("{} === 1", count_of("[data-state=waiting]", text)))
            .await;
    }
    write(browser, "a draft").await;
    room.turn_to(ANN).await.until(&listed("Ben", "away")).await;
    room.say(ANN, "where is Ben?").await;
    proxy.refuse(false);
    // As when the network is back: nobody waits for the next attempt.
    let browser = room.turn_to(BEN).await;
    browser.run("dispatchEvent(new Event('online'))", &[]).await;
    let all = [
        "I am on a train",
        "a tunnel comes",
        "where is Ben?",
        "in the tunnel",
        "still in it",
    ];
    room.hear_all(&[BEN, ANN, CLEO], &all).await;
    let browser = room.turn_to(BEN).await;
    browser.find("#banner[hidden]").await;
    browser.until("!document.querySelector('.fate')").await;
    let texts =
        "return [...document.querySelectorAll('.message .text')].map(text => text.textContent)";
    assert_eq!(browser.run(texts, &[]).await, json!(all));

    // Neither the draft nor what still waits is lost with the page.
    browser
        .until("document.querySelector('#text').value === 'a draft'")
        .await;
    let offline = "sessionStorage['chat.outbox.lobby'] = JSON.stringify([
        {key: 'new 9', text: 'before the reload', at: Date.now(), after: 1, state: 'waiting', why: ''},
        {key: 'new 10', text: 'in the tunnel', at: Date.now(), after: 1, state: 'sent', why: ''},
        {key: 'new 11', text: 'perhaps', at: Date.now(), after: 1, state: 'sent', why: ''}])";
    browser
        .run(&format!("{offline}; location.reload()"), &[])
        .await;
    browser.find("#log[aria-busy=false]").await;
    browser
        .until("document.querySelector('#text').value === 'a draft'")
        .await;
    room.hear(&[BEN, ANN, CLEO], "before the reload").await;
    // What may have arrived has, or whoever wrote it is asked.
    let browser = room.turn_to(BEN).await;
    browser.until(&shows("in the tunnel")).await;
    let asked = "return [...document.querySelectorAll('[data-state=failed] .text')].map(text => text.textContent)";
    assert_eq!(browser.run(asked, &[]).await, json!(["perhaps"]));
    browser.reads(".fate", "perhaps this with it").await;
    room.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_conversation_stays_at_its_end_or_where_it_is_read_and_the_keyboard_moves_in_it() {
    let room = Room::with(&["Ann", "Ben"]).await;
    let at_end = "(log => log.scrollHeight - log.scrollTop - log.clientHeight < 2)(document.querySelector('#log'))";
    let browser = room.turn_to(ANN).await;
    browser.find("#log[role=log]").await;
    // Shift and Enter break the line.
    let lines = format!(
        "one{shift}{enter}{shift}two",
        shift = char::from(Key::Shift),
        enter = char::from(Key::Enter)
    );
    write(browser, &lines).await;
    browser.press(&[Key::Enter]).await;
    browser.until(&shows("one\ntwo")).await;
    for number in 0..5 {
        submit(browser, &format!("{number}{}", "\nline".repeat(12))).await;
    }
    browser
        .until("document.querySelectorAll('[data-state=said]').length === 6")
        .await;
    browser.until(at_end).await;
    let along = ["I read along"; 40].join(", ");
    submit(room.turn_to(BEN).await, &along).await;
    room.hear(&[ANN], &along).await;
    let browser = room.turn_to(ANN).await;
    browser.until(at_end).await;

    // Also where there is less room for it, whatever the page hears of that first.
    let squeeze = "document.querySelector('#room').style.width = '320px';
        document.querySelector('#log').dispatchEvent(new Event('scroll'));";
    browser.run(squeeze, &[]).await;
    let narrow = "document.querySelector('#log').clientWidth < 330";
    browser.until(&format!("{narrow} && {at_end}")).await;

    // Who reads further up stays there, and is told.
    browser
        .run("document.querySelector('#log').scrollTop = 0", &[])
        .await;
    browser.until(&format!("!{at_end}")).await;
    room.say(BEN, "something new").await;
    let browser = room.turn_to(ANN).await;
    browser.reads("#newer:not([hidden])", "1 new message").await;
    assert_eq!(
        browser
            .run("return document.querySelector('#log').scrollTop", &[])
            .await,
        0
    );
    browser.click("#newer").await;
    browser.until(at_end).await;
    browser.find("#newer[hidden]").await;

    // Tab leads to one message, the arrows to the others, and Tab to what can be done with it.
    browser
        .run("document.querySelector('#copy').focus()", &[])
        .await;
    browser.press(&[Key::Tab]).await;
    browser
        .until("document.activeElement.matches('.message')")
        .await;
    browser.press(&[Key::Home]).await;
    let first = "document.activeElement === document.querySelector('.message')";
    browser.until(first).await;
    browser.press(&[Key::Tab]).await;
    browser
        .until("document.activeElement.matches('.edit')")
        .await;
    browser.press(&[Key::Enter]).await;
    browser
        .until(
            "document.activeElement.id === 'text' && document.activeElement.value === 'one\\ntwo'",
        )
        .await;
    browser.press(&[Key::Escape]).await;
    browser.find("#editing[hidden]").await;

    // How much more there is room for, and what is too much.
    let fill = "const field = document.querySelector('#text');
        field.value = 'x'.repeat(arguments[0]);
        field.dispatchEvent(new Event('input'));";
    browser.run(fill, &[3_000.into()]).await;
    browser.find("#counter[hidden]").await;
    browser.run(fill, &[3_990.into()]).await;
    browser.reads("#counter", "10 left").await;
    browser.run(fill, &[4_001.into()]).await;
    browser.reads("#counter", "1 too many").await;
    browser.find("#send:disabled").await;
    room.clear().await;
}
