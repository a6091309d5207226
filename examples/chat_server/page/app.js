/** The page: one room, from the name at the door to the last word. */
import { connect } from "/tapaculo.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { closedWords, showConnection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { $, copy, element, notice, say, sentence, setText } from "./dom.js";
import { Guest } from "./guest.js";
import { Outbox } from "./outbox.js";
import { LookDialog, showPeople } from "./people.js";
import { ShutOut } from "./shutout.js";
import { isolated } from "./text.js";
import { dayOf } from "./time.js";

/** Where everybody is who has no link to somewhere else. */
const LOBBY = "lobby";

const guest = new Guest("chat");
const shutOut = new ShutOut(countDown);
const outbox = new Outbox({
  send: text => ask({ type: "Say", text }),
  settled: ({ id }, key) => conversation.keep(id, key),
  changed: () => { guest.keep("outbox", JSON.stringify(outbox.entries)); render(); },
});
const composer = new Composer({
  send: text => { since = null; outbox.add(text, room.seq); },
  edit, remove,
  typing: active => room?.post({ type: "Typing", active }),
  draft: text => guest.keep("draft", text),
  last: () => chat.messages.findLast(message => message.user === me() && !message.deleted) ?? null,
  changed: render,
});
const conversation = new Conversation($("log"), $("newer"), act);
const dialog = new LookDialog(restyle);

let room = null;               // the connection
let link = { status: "off" };  // how it is, and what more there is to say of it
let chat = new Chat();
let wasThere = false;          // whether there has been a connection at all
let filling = true;            // whether the past is still being told
let saving = new Map();        // id → the text of an edit that the server has not agreed to yet
let unread = 0;                // what was said while nobody looked
let since = null;              // the first of that
let today = "";                // the day of which the page knows that it is today
let deleting = null;           // the message that is about to be deleted

const me = () => room?.me?.user ?? guest.seat?.user;
const online = () => link.status === "connected";
const isSeen = () => document.visibilityState === "visible" && document.hasFocus();

// The connection

function open() {
  forget();
  shutOut.end();
  room?.close();
  const opened = connect({
    url: "/ws/chat",
    token: ({ expired }) => guest.token(expired),
    onState: view => ours(opened, () => { chat.see(view); composer.longest = chat.longest; }),
    onEvent: (event, meta) => ours(opened, () => hear(event, meta)),
    onReset: () => ours(opened, forget),
    onRedacted: seq => ours(opened, () => redact(seq)),
    onPresence: presence => ours(opened, () => noticePresence(presence)),
    onSynced: () => ours(opened, comeIn),
    onStatus: (status, detail) => ours(opened, () => noticeStatus(status, detail)),
    onLatency: () => ours(opened, () => {}),
    onError: error => ours(opened, () => noticeRefusal(error)),
  });
  room = opened;
  link = { status: "connecting" };
  render();
}

/** All that is known will be told anew. */
function forget() {
  chat = new Chat();
  saving = new Map();
  conversation.clear();
  filling = true;
  $("log").setAttribute("aria-busy", "true");
}

/** Hears only the connection that is the page's. */
function ours(opened, act) {
  if (opened !== room) return;
  act();
  if (!filling) render();
}

/** Sends what wants an answer; whoever sends too much is told by it for how long to wait. */
async function ask(message) {
  try {
    return await room.send(message);
  } catch (refusal) {
    noticeRefusal(refusal);
    // What comes behind the message that was too much is not even read.
    if (refusal.code === "closed" && link.code === 4008) throw Object.assign(new Error(refusal.message), { code: "banned" });
    throw refusal;
  }
}

function noticeRefusal({ code, retryAfterMs }) {
  if (["banned", "rate_limited"].includes(code)) shutOut.begin(retryAfterMs ?? 1000);
}

function noticeStatus(status, detail) {
  const before = link.status;
  link = { status, ...detail };
  outbox.online = status === "connected";
  if (status === "connected") {
    if (before === "reconnecting" && wasThere) say("You are connected again.");
    shutOut.end();
    wasThere = true;
  } else if (status === "reconnecting") {
    if (before === "connected") say("The connection is lost. Trying again.");
    // The server may want us to wait, and an earlier attempt would be in vain.
    if (detail.delay > 1500) shutOut.begin(detail.delay);
    else shutOut.end();
  } else if (status === "closed" && detail.code === 4008) {
    // If we were not told for how long, the next attempt is.
    if (shutOut.seconds === null) open();
    else say(banner().slice(0, 2).join(". "));
  } else if (status === "closed" && detail.code === 4003 && !wasThere) {
    return backToDoor(detail.reason);
  } else if (status === "closed") {
    say(banner().slice(0, 2).join(". "));
  }
  if (status !== "connecting") render();
}

/** The time is up for which we were shut out: we come back by ourselves. */
function countDown() {
  if (shutOut.seconds === null && link.status === "closed" && link.code === 4008) open();
  else render();
}

/** All that there was to be told has been. */
function comeIn() {
  filling = false;
  for (const message of chat.messages) if (message.user === me()) outbox.settle(message);
  const look = wantedLook(), shown = chat.people.get(me());
  if (shown && ["name", "color", "avatar"].some(key => shown[key] !== look[key])) ask({ type: "Look", ...look }).catch(() => {});
}

/** How we have chosen to look, here or the last time. */
function wantedLook() {
  const parse = kept => { try { return JSON.parse(kept) ?? {}; } catch { return {}; } };
  const shown = chat.people.get(me());
  return { ...shown, ...parse(guest.remembered("look")), name: guest.seat?.name ?? shown.name, ...parse(guest.kept("look")) };
}

function noticePresence({ event, user }) {
  const name = isolated(chat.lookOf(user).name);
  if (event === "left") chat.leave(user);
  if (event === "disconnected") chat.quiet(user);
  if (event === "left") say(`${name} has left.`);
}

// What is said

function hear(event, meta) {
  const isNew = event.type === "Looks" && !chat.people.has(event.user);
  const message = chat.hear(event, meta);
  if (filling) return;
  if (isNew && event.user !== me()) say(`${isolated(event.name)} is here.`);
  if (!message) return;
  composer.follow(message);
  if (event.type !== "Said") return;
  if (message.user === me()) outbox.settle(message);
  else if (!isSeen()) {
    unread += 1;
    since ??= message.id;
  }
}

function redact(seq) {
  const message = chat.redact(seq);
  if (!message) return;
  composer.follow(message);
  if (message.user !== me()) say(`${isolated(chat.lookOf(message.user).name)} deleted a message.`);
}

// What we do

function act(what, row) {
  if (what === "retry") return outbox.retry(row.key);
  if (what === "drop") {
    outbox.drop(row.key);
    return composer.focus();
  }
  const message = chat.messages.find(({ id }) => id === row.id);
  if (what === "edit") composer.edit(message);
  else remove(message);
}

function edit({ id, seq }, text) {
  return change(id, text, { type: "Edit", message: seq, text }, "changed");
}

function remove(message) {
  deleting = message;
  $("sure-words").textContent = message.text;
  $("sure").returnValue = "keep";
  $("sure").showModal();
}

async function removeSurely() {
  const { id, seq, text } = chat.messages.find(({ id }) => id === deleting.id) ?? deleting;
  composer.stopEditing();
  composer.focus();
  await change(id, text, { type: "Delete", message: seq }, "deleted");
}

/** Shows what a message is to be until the server has agreed, or has not. */
async function change(id, text, message, done) {
  saving.set(id, text);
  render();
  try {
    await ask(message);
  } catch (refusal) {
    notice(`It was not ${done}: ${refusal.message}`);
  }
  saving.delete(id);
  render();
}

async function restyle(look) {
  await ask({ type: "Look", ...look });
  const { color, avatar } = look;
  guest.keep("look", JSON.stringify(look));
  guest.remember("look", JSON.stringify({ color, avatar }));
  guest.remember("name", look.name);
}

async function enter(event) {
  event.preventDefault();
  const name = $("name").value.trim();
  for (const button of [$("join"), $("own")]) button.disabled = true;
  $("entry-problem").textContent = "";
  try {
    if (event.submitter === $("own")) guest.openRoom();
    else if (!guest.room) guest.openRoom({}, LOBBY);
    await guest.enter(name);
    guest.keep("look", null);
    guest.remember("name", name);
    start();
    composer.focus();
  } catch (problem) {
    const { message, retryAfterMs: wait } = problem;
    $("entry-problem").textContent = sentence(wait ? `${message}: try again in ${Math.ceil(wait / 1000)}\u00a0s` : message);
  }
  for (const button of [$("join"), $("own")]) button.disabled = false;
}

/** We were not let in, and are told why where we can do something about it. */
function backToDoor(reason) {
  room = null;
  link = { status: "off" };
  guest.forget();
  $("entry-problem").textContent = sentence(reason || "you can't come in");
  render();
  $("name").focus();
}

function start() {
  outbox.load(guest.kept("outbox"));
  open();
  composer.draft = guest.kept("draft") ?? "";
}

function leave() {
  for (const key of ["draft", "outbox", "look"]) guest.keep(key, null);
  guest.goHome(room);
}

const enterAnew = () => guest.joinAnew();

function toggleHere(open = $("who").getAttribute("aria-expanded") !== "true") {
  $("who").setAttribute("aria-expanded", String(open));
  document.body.dataset.here = String(open);
  if (open) $("restyle").focus({ preventScroll: true });
}

// What follows from the state

/** What there is to say about the connection: `[title, words, tone, button, what it does]`, or null. */
function banner() {
  const { status, code, reason, attempt } = link, { seconds } = shutOut;
  const wait = seconds === null ? "" : ` in ${seconds}\u00a0s`;
  if (status === "closed" && code === 4008) {
    return ["Too many messages at once.", `You may write again${wait || " in a moment"}. Your draft is kept.`, "alert"];
  }
  if (status === "closed") {
    const again = code === 4009 ? ["Talk here", open] : ["Come in anew", enterAnew];
    return [...closedWords(code, reason, "room").map(sentence), "alert", ...again];
  }
  if (status === "reconnecting") {
    const why = seconds !== null && reason ? ` ${sentence(reason)}` : "";
    const kept = wasThere ? " What you write is kept, and sent as soon as you are back." : "";
    const again = attempt >= 6 && !wait ? ["Come in anew", enterAnew] : [];
    return [wasThere ? "Connection lost." : "No connection.", `${why || ""} Trying again${wait}.${kept}`.trim(), "warn", ...again];
  }
  if (seconds !== null) return ["Slower, please.", `You may write again${wait}.`, "warn"];
  return null;
}

// Drawing

function render() {
  const inside = room !== null;
  document.body.dataset.inside = String(inside);
  showConnection(link, room?.latency);
  $("entry").hidden = inside;
  $("room").hidden = $("here").hidden = $("leave").hidden = $("who").hidden = !inside;
  if (!inside) return;
  setText($("room-name"), guest.room);
  document.title = `${unread ? `(${unread}) ` : ""}${guest.room} · Chat`;
  renderBanner();
  $("restyle").disabled = !online();
  composer.blocked = shutOut.seconds !== null && link.status !== "reconnecting" || link.status === "closed";
  renderTyping();
  if (filling) return;
  today = dayOf(Date.now());
  const { members } = room, here = members.filter(({ connected }) => connected).length;
  const away = members.length - here;
  setText($("count"), `${here} here${away ? `, ${away} away` : ""}`);
  setText($("who-count"), String(here));
  showPeople(chat, members, me());
  conversation.show({ chat, me: me(), outbox: outbox.entries, editing: composer.editing?.id, saving, since });
  $("log").setAttribute("aria-busy", "false");
  $("empty").hidden = chat.messages.length + outbox.entries.length > 0;
  setText($("empty-words"), members.length > 1 ? "Say the first word." : "You are alone. Send somebody the link, or say the first word.");
}

function renderBanner() {
  const shown = banner();
  $("banner").hidden = !shown;
  if (!shown) return;
  const [title, words, tone, button, does] = shown;
  $("banner").dataset.tone = tone;
  setText($("banner-title"), title);
  setText($("banner-words"), words);
  $("fix").hidden = !button;
  if (button) [$("fix").textContent, $("fix").onclick] = [button, does];
}

function renderTyping() {
  const names = online() ? chat.typing.filter(user => user !== me()).map(user => chat.lookOf(user).name) : [];
  $("typing").classList.toggle("on", names.length > 0);
  const shown = JSON.stringify(names), line = $("typing").lastElementChild;
  if (!names.length || line.dataset.shown === shown) return;
  line.dataset.shown = shown;
  const all = names.map(name => element("bdi", "", name));
  const between = i => (i === 0 ? "" : i === all.length - 1 ? " and " : ", ");
  const words = all.length > 3 ? ["Several people"] : all.flatMap((name, i) => [between(i), name]);
  line.replaceChildren(...words, all.length > 1 ? " are typing" : " is typing");
}

/** What changes with time alone: typing ends, and so does a day. */
function tick() {
  renderTyping();
  if (filling) return;
  showPeople(chat, room.members, me());
  if (dayOf(Date.now()) !== today) render();
}

/** Somebody looks at the page: what is there has been read. */
function look() {
  if (!isSeen() || !unread) return;
  unread = 0;
  render();
}

// Setting up

$("entry").onsubmit = enter;
$("leave").onclick = leave;
$("home").onclick = event => { if (room) event.preventDefault(), leave(); };
$("copy").onclick = () => { $("invite").value = location.href; copy($("invite"), $("copy")); };
$("restyle").onclick = () => { toggleHere(false); dialog.open(chat.lookOf(me())); };
$("who").onclick = () => toggleHere();
$("sure").onclose = () => {
  $("sure-words").textContent = ""; // what is deleted is nowhere on the page
  if ($("sure").returnValue === "delete") removeSurely();
};
addEventListener("keydown", event => { if (event.key === "Escape") toggleHere(false); });
addEventListener("pointerdown", ({ target }) => { if (!$("here").contains(target) && !$("who").contains(target)) toggleHere(false); });
addEventListener("focus", look);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && !unread) since = null;
  look();
});
addEventListener("pagehide", () => composer.quiet());
setInterval(() => { if (room) tick(); }, 1000);

if (guest.room) {
  $("greeting").replaceChildren("Join ", Object.assign(document.createElement("bdi"), { textContent: guest.room }));
  $("explanation").textContent = "Choose a name, and you are in.";
  $("join").textContent = "Come in";
  $("own").hidden = $("own-hint").hidden = true;
}
$("name").value = guest.remembered("name") ?? "";
if (guest.seat) start();
else {
  render();
  $("name").focus({ preventScroll: true });
}
