/** The page: one table, from the invitation to another game. */
import { connect } from "/tapaculo.js";
import { Bidding } from "./bidding.js";
import { closedWords, nameAmong, remedy, showConnection } from "./connection.js";
import { $, copy, notice, say, setText } from "./dom.js";
import { openDoor } from "./door.js";
import * as Game from "./game.js";
import { bidWords, diceWords, isBot, isPlaying } from "./game.js";
import { Guest } from "./guest.js";
import { ServerTime } from "./server_time.js";
import { Sound } from "./sound.js";
import { Table, bidItems } from "./table.js";

/** For how many milliseconds the server holds the seat of someone who is cut off. */
const HELD = 60_000;

/** For how many milliseconds it shows the lifted cups, unless all are ready. */
const LOOK = 9000;

/** How many seats there are. */
const SEATS = 6;

const guest = new Guest("liars-dice");
const invited = new URL(location.href).searchParams;

let table = null;              // the connection to the room
let link = { status: "off" };  // how it is, and what more there is to say of it
let wasThere = false;          // whether there has been a connection at all
let lostAt = 0;                // when there last was, while there is none
let game = Game.blank();
let hurried = false;           // whether we have heard that our time is low
const names = new Map();       // user → name; those who have left included
const time = new ServerTime();
const felt = new Table({ onRemove: user => send({ type: "RemoveBot", user }) });
const bidding = new Bidding({ onBid: bid => send({ type: "Bid", ...bid }), onLiar: () => send({ type: "Liar" }) });

// The connection

function open() {
  const { user, name } = guest.seat;
  names.set(user, name);
  game = Game.blank();
  wasThere = false;
  table?.close();
  const opened = connect({
    url: "/ws/liars-dice",
    token: ({ expired }) => guest.token(expired),
    onState: view => ours(opened, () => showView(view)),
    onEvent: (event, { past }) => ours(opened, () => { if (!past) apply(event); }),
    onReset: () => ours(opened, () => { game = Game.blank(); }),
    onPresence: presence => ours(opened, () => noticePresence(presence)),
    onSynced: () => ours(opened, setTime),
    onStatus: (status, detail) => ours(opened, () => noticeStatus(status, detail)),
    onLatency: () => ours(opened, () => {}),
    onError: error => ours(opened, () => { if (link.status === "connected") notice(error.message); }),
  });
  table = opened;
  link = { status: "connecting" };
  render();
}

/** Hears only the connection that is the page's. */
function ours(opened, act) {
  if (opened !== table) return;
  act();
  render();
}

function noticeStatus(status, detail) {
  const before = link.status;
  link = { status, ...detail };
  if (status === "connected") {
    for (const { user, name } of table.members) if (name) names.set(user, name);
    if (before === "reconnecting" && wasThere) say("You are connected again.");
    wasThere = true;
  } else if (status === "reconnecting" && before === "connected") {
    lostAt = performance.now();
    say("The connection is lost. Trying again.");
  } else if (status === "closed") {
    say(headline().slice(0, 2).join(". "));
  }
}

function noticePresence({ event, user, name, role }) {
  if (name) names.set(user, name);
  if (role !== "player") return;
  if (event === "left") game = Game.without(game, user);
  if (event === "left" && !isPlaying(game)) say(`${nameOf(user)} has left.`);
  if (event === "joined") say(`${nameOf(user)} sits down.`);
}

function setTime() {
  time.set(() => table.send({ type: "Time" })).then(tick, () => {});
}

function showView(view) {
  for (const { user, name } of view.players) if (name) names.set(user, name);
  game = Game.fromView(view);
}

function apply(event) {
  const by = event.by, mine = by === table.me.user;
  game = Game.after(game, event);
  switch (event.type) {
    case "GameStart":
      for (const { user, name } of event.players) if (name) names.set(user, name);
      Sound.play("start");
      say("The game begins.");
      break;
    case "RoundStart":
      hurried = false;
      say(`Round ${event.round}, ${Game.diceCount(Game.allDice(game))}. ${myTurn() ? "You open." : `${nameOf(event.turn)} opens.`}`);
      break;
    case "YourDice":
      Sound.play("roll");
      say(`Your dice: ${diceWords(event.dice)}.`);
      break;
    case "BidMade":
      hurried = false;
      Sound.play(myTurn() ? "turn" : "bid");
      say(`${Who(by)} ${mine ? "bid" : "bids"} ${bidWords(event)}${event.late ? ", out of time" : ""}.${myTurn() ? " Your turn." : ""}`);
      break;
    case "Uncovered":
      Sound.play("liar");
      say(`${Who(by)} ${mine ? "say" : "says"}: liar! ${uncoveredWords()}`);
      break;
    case "Gone":
      notice(`${nameOf(by)} has left; the dice are rolled anew`);
      break;
    case "GameOver":
      Sound.play("end");
      say(headline().slice(0, 2).join(". "));
      break;
    case "Disconnected":
      if (!mine) say(`${nameOf(by)} lost the connection.`);
      break;
    case "Reconnected":
      if (!mine) say(`${nameOf(by)} is back.`);
      break;
  }
}

// What the player does

/** Says it to the server; a refusal is shown in the server's words. */
async function send(message) {
  try {
    await table.send(message);
    return true;
  } catch (refusal) {
    if (refusal.code !== "closed") notice(refusal.message);
    return false;
  }
}

/** A seat is for whoever comes anew; where none is free, a bot gives up its own. */
async function takeSeat() {
  if (await send({ type: "AskForSeat" })) open();
}

/** Leaves for good, and not just for a moment; asks first where others would notice. */
function leave() {
  if (link.status === "closed" || !(isPlaying(game) && myDice() > 0)) return goHome();
  $("sure").returnValue = "stay";
  $("sure").showModal();
}

const goHome = () => guest.goHome(table);

async function sitDown(name) {
  const options = guest.room ? readOptions(invited) : readOptions(new FormData($("entry")));
  if (!guest.room) guest.openRoom(options);
  await guest.enter(name, options);
}

/** What may be chosen: at least, and at most. */
const RANGES = { dice: [1, 5], seconds: [5, 120] };

/** `{ dice, seconds }`, as far as they are given, from an invitation or the form. */
function readOptions(given) {
  const within = ([name, [least, most]]) => [name, Math.min(Math.max(Number(given.get(name)), least), most)];
  const isGiven = ([name]) => /^\d+$/.test(given.get(name) ?? "");
  return Object.fromEntries(Object.entries(RANGES).filter(isGiven).map(within));
}

// What follows from the state

const online = () => link.status === "connected";
const me = () => table?.me?.user ?? null;
const seated = () => table?.me?.role === "player";
const members = () => (table?.members ?? []).filter(member => member.role === "player");
const myDice = () => Game.diceOf(game, me());
const myTurn = () => game.stage === "bidding" && game.turn === me();
const inGame = user => game.players.some(each => each.user === user);
/** Whether no person has dice any more: nobody has to wait until bots are done with each other. */
const onlyBotsPlay = () => isPlaying(game) && game.players.every(each => each.dice === 0 || isBot(each.user));
/** Whether a game may begin. */
const between = () => !isPlaying(game) || onlyBotsPlay();

const nameOf = user => nameAmong(table?.members ?? [], names, user);
const who = user => (user === me() ? "you" : nameOf(user));
const Who = user => (user === me() ? "You" : nameOf(user));

function headline() {
  const { status, code, reason } = link;
  if (status === "closed") return [...closedWords(code, reason, "table"), "alert"];
  if (status === "reconnecting") {
    const held = performance.now() - lostAt < HELD ? " Your seat is held for about a minute; turns go on." : " By now your seat may be gone.";
    return [wasThere ? "Connection lost" : "No connection", `Trying again.${wasThere && seated() ? held : ""}`, "alert"];
  }
  if (!table?.me || status === "connecting") return ["Connecting…", "", ""];
  switch (game.stage) {
    case "bidding": return biddingWords();
    case "uncovered": return [verdict(), uncoveredWords(), game.uncovered.loser === me() ? "alert" : ""];
    case "over": return [`${Who(game.winner)} won`, endWords(), game.winner === me() ? "won" : "over"];
    default: return waitingWords();
  }
}

function waitingWords() {
  const count = members().length;
  if (!seated()) return ["Before the game", "You are watching.", ""];
  if (count < 2) return ["You are the first", "Send the link to friends, or add a bot.", ""];
  const words = `${count} at the table. ${count < SEATS ? "Start now, or wait for more." : ""}`;
  return ["Ready to begin", words.trim(), "go"];
}

function biddingWords() {
  const last = Game.lastBid(game), before = last ? `${Who(last.by)} bid ${bidWords(last)}.` : "";
  if (myTurn()) return ["Your turn", last ? `${before} Bid more, or call it a lie.` : "You open the round: make a bid.", "go"];
  const role = !seated() ? "You are watching." : !inGame(me()) ? "You play the next game." : myDice() ? "" : "You are out.";
  const words = [role, before].filter(Boolean).join(" ") || "Nobody has bid yet.";
  return [`${nameOf(game.turn)} to ${last ? "answer" : "open"}`, words, ""];
}

/** What the lifted cups have shown. */
function verdict() {
  const { bid, by } = game.uncovered;
  if (Game.isTrue(game.uncovered)) return bid.by === me() ? "You told the truth" : `${nameOf(bid.by)} told the truth`;
  return bid.by === me() ? `${Who(by)} caught you` : `${Who(by)} caught ${nameOf(bid.by)}`;
}

function uncoveredWords() {
  const { bid, count, loser } = game.uncovered, out = Game.diceOf(game, loser) === 0;
  const loss = loser === me() ? "You lose" : `${nameOf(loser)} loses`;
  const end = out ? `${loss} the last die${loser === me() ? " and are" : " and is"} out.` : `${loss} a die.`;
  return `${Game.thereAre(count, bid.face)}. ${end}`;
}

function endWords() {
  const last = game.uncovered ? uncoveredWords() : "All others have left.";
  if (!seated()) return last;
  return `${last}${members().length < 2 ? " Send the link to friends, or add a bot." : ""}`;
}

// Drawing

function render() {
  const inside = table !== null;
  const [title, detail, tone] = inside ? headline() : ["", "", ""];
  setText($("status"), title);
  setText($("detail"), detail);
  $("state").dataset.tone = tone;
  document.title = online() && myTurn() ? "● Your turn · Liar's dice" : game.stage === "over" ? `${title} · Liar's dice` : "Liar's dice";
  document.body.dataset.inside = String(inside);
  document.body.dataset.stage = game.stage;

  showConnection(link, table?.latency);
  $("entry").hidden = inside;
  $("state").hidden = $("sheet").hidden = $("leave").hidden = !inside;
  const watching = (table?.members ?? []).filter(member => member.role === "spectator" && member.connected).length;
  setText($("watchers"), watching ? `${watching} watching` : "");
  setText($("round"), game.round ? `Round ${game.round} · ${Game.diceCount(Game.allDice(game))}` : "How it is played");
  const before = game.stage === "waiting"; // instead of bids, how to make them
  if (before && !$("brief").firstChild) $("brief").append($("rules").querySelector("ol").cloneNode(true));
  $("brief").hidden = !before;
  $("bids").hidden = before;
  $("bids").replaceChildren(...bidItems(game, Who));
  $("bids").scrollTop = $("bids").scrollHeight;

  renderButtons();
  renderTable();
  $("bidding").hidden = !(inside && seated() && isPlaying(game) && myDice() > 0);
  bidding.show({ last: Game.lastBid(game), dice: Game.allDice(game), may: online() && myTurn() });
  $("bidding").toggleAttribute("inert", game.stage !== "bidding");
  tick();
}

function renderButtons() {
  const fix = remedy(link, { open, goHome, joinAnew: () => guest.joinAnew() }), count = members().length;
  $("lost").hidden = !fix;
  if (fix) [$("reconnect").textContent, $("reconnect").onclick] = fix;
  const canSit = count < SEATS || (between() && members().some(member => isBot(member.user)));
  $("free").hidden = !(online() && table.me && !seated() && canSit && !isPlaying(game));
  setText($("sit"), count < SEATS ? "Take a seat" : "Take a bot's seat");

  $("between").hidden = !(online() && seated() && between());
  $("start").disabled = count < 2;
  setText($("start"), game.stage === "waiting" ? "Start the game" : "Another game");
  $("start").classList.toggle("primary", count >= 2);
  $("add-bot").hidden = isPlaying(game) || count >= SEATS;
  $("add-bot").classList.toggle("primary", count < 2);
  $("waiting").hidden = !(online() && seated() && !isPlaying(game) && count < SEATS);

  const ready = game.ready.includes(me());
  $("looking").hidden = !(online() && seated() && game.stage === "uncovered" && !onlyBotsPlay());
  $("ready").disabled = ready;
  setText($("ready"), ready ? "Waiting for others…" : "Next round");
}

/** The seats around the table: of the game, in the order of turns, with oneself below; then the others. */
function renderTable() {
  const { uncovered } = game, paused = table !== null && !online();
  $("felt").classList.toggle("paused", paused);
  if (table === null) return felt.show(SAMPLE);
  const here = members().map(member => member.user);
  const lifted = new Map((uncovered?.hands ?? []).map(({ user, dice }) => [user, dice]));
  const shown = game.players.map(each => each.user).filter(user => isPlaying(game) || here.includes(user) || lifted.has(user));
  const mine = shown.indexOf(me());
  const turned = mine < 0 ? shown : [...shown.slice(mine + 1), ...shown.slice(0, mine)];
  const others = [...turned, ...here.filter(user => !shown.includes(user) && user !== me())];
  const free = game.stage === "waiting" && table.me ? Math.max(0, SEATS - others.length - (seated() ? 1 : 0)) : 0;
  const places = Array.from({ length: free }, (_, at) => ({ user: `free ${at}`, state: "free" }));
  const own = seated() ? { ...seat(me(), lifted), mine: game.mine, round: game.round } : null;
  felt.show({ seats: [...others.map(user => seat(user, lifted)), ...places], own, middle: middle(), face: uncovered?.bid.face ?? null });
}

function seat(user, lifted) {
  const member = members().find(each => each.user === user), count = Game.diceOf(game, user);
  const tags = [], playing = isPlaying(game);
  if (user === me() && game.stage !== "waiting") tags.push(["you", ""]);
  if (isBot(user)) tags.push(["bot", ""]);
  if (game.winner === user) tags.push(["winner", "good"]);
  else if (game.uncovered?.loser === user) tags.push([count ? "−1 die" : "out", "bad"]);
  else if (playing && !inGame(user)) tags.push(["next game", ""]);
  else if (inGame(user) && count === 0 && game.stage !== "waiting") tags.push([member ? "out" : "left", "bad"]);
  if (online() && member && !member.connected) tags.push([awayWords(user), "away"]);
  else if (game.stage === "uncovered" && game.ready.includes(user)) tags.push(["ready", "good"]);
  const state = [
    !inGame(user) || game.stage === "waiting" ? "guest" : count === 0 && !lifted.has(user) ? "out" : "",
    game.stage === "bidding" && game.turn === user ? "turn" : "", lifted.has(user) ? "lifted" : "",
    game.uncovered?.loser === user ? "loser" : "", game.winner === user ? "winner" : "",
  ].filter(Boolean).join(" ");
  const bid = game.stage === "bidding" ? game.bids.findLast(each => each.by === user) : null;
  return {
    user, name: nameOf(user), tags, dice: count, state, lifted: lifted.get(user) ?? null,
    bid: bid ? { count: bid.count, face: bid.face } : null,
    removable: isBot(user) && seated() && online() && !playing,
  };
}

function awayWords(user) {
  const until = game.away.get(user);
  return until ? `offline ${Math.max(0, Math.ceil((until - time.now()) / 1000))} s` : "offline";
}

function middle() {
  const { uncovered, stage } = game, last = Game.lastBid(game);
  if (uncovered) {
    const loses = uncovered.loser === me() ? "You lose a die" : `${nameOf(uncovered.loser)} loses a die`;
    return { uncovered, words: `${Who(uncovered.by)} called ${who(uncovered.bid.by)} a liar. ${loses}.` };
  }
  if (stage === "bidding" && last) return { bid: { count: last.count, face: last.face }, words: `at least, bid ${who(last.by) === "you" ? "by you" : `by ${nameOf(last.by)}`}` };
  if (stage === "bidding") return { words: myTurn() ? "You open the round" : `${nameOf(game.turn)} opens the round` };
  if (stage === "over") return { words: `${Who(game.winner)} won` };
  const { dice, seconds } = game.options;
  return { words: table?.me ? `${Game.diceCount(dice)} for each · ${seconds} s for a bid` : "" };
}

/** What the table shows to those who have not come in yet. */
const SAMPLE = {
  seats: [["Ada", 4, { count: 2, face: 4 }], ["Basil", 5, { count: 3, face: 2 }], ["Clio", 3, null]].map(([name, dice, bid]) =>
    ({ user: name, name, tags: [], dice, state: bid ? "" : "turn", bid, lifted: null, removable: false })),
  own: { user: "", name: "", tags: [], state: "", mine: [2, 2, 4, 5, 6], lifted: null, round: 0 },
  middle: { bid: { count: 3, face: 2 }, words: "at least, bid by Basil" }, face: null,
};

/** What changes with time alone. */
function tick() {
  const running = online() && game.until !== null && isPlaying(game);
  const left = running ? Math.max(0, game.until - time.now()) : 0;
  const all = game.stage === "bidding" ? game.options.seconds * 1000 : LOOK;
  const seconds = Math.ceil(left / 1000), low = myTurn() && left <= Math.min(8000, all / 3);
  $("clock").hidden = !running;
  if (running) setText($("seconds"), `${seconds} s`);
  $("clock").classList.toggle("low", low);
  document.body.style.setProperty("--left", running ? Math.min(1, left / all).toFixed(3) : table ? 0 : 0.7);
  if (low && !hurried && running) {
    hurried = true;
    Sound.play("low");
    say("Your time is low.");
  }
  if (game.away.size) renderTable();
}

// Setting up

function showEntry() {
  const isInvited = guest.room !== null, { dice = 5, seconds = 30 } = readOptions(invited);
  $("options").hidden = isInvited;
  if (isInvited) {
    $("greeting").textContent = "Join the table";
    $("explanation").textContent = `Liar's dice with ${Game.diceCount(dice)} for each, ${seconds} s for a bid. Choose a name to sit down; if all seats are taken, you watch.`;
    $("join").textContent = "Sit down";
  }
  for (const [name, value] of Object.entries({ dice, seconds })) {
    for (const choice of document.getElementsByName(name)) choice.checked = Number(choice.value) === value;
  }
  showLength();
}

const LENGTHS = { 1: "Over in a minute.", 3: "A short game.", 5: "The whole game." };
const showLength = () => setText($("dice-hint"), LENGTHS[new FormData($("entry")).get("dice")] ?? "");

$("options").onchange = showLength;
$("copy").onclick = () => copy($("invite"), $("copy"));
$("invite").onfocus = () => $("invite").select();
$("start").onclick = () => send({ type: "Start" });
$("add-bot").onclick = () => send({ type: "AddBot" });
$("ready").onclick = () => send({ type: "Ready" });
$("sit").onclick = takeSeat;
$("how").onclick = () => $("rules").showModal();
$("leave").onclick = leave;
$("sure").onclose = () => { if ($("sure").returnValue === "leave") goHome(); };
$("home").onclick = event => { if (table) event.preventDefault(), leave(); };
Sound.attach($("sound"), guest, "bid");
setInterval(() => { if (table) tick(); }, 100);

showEntry();
openDoor(guest, sitDown, open);
if (guest.seat) open();
else {
  render();
  $("name").focus({ preventScroll: true });
}
$("invite").value = location.href;
