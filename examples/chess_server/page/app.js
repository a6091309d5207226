/** The page: one table, from the invitation to the rematch. */
import { connect } from "/tapaculo.js";
import { Board, pieceImage, KINDS } from "./board.js";
import { Clocks, readControl, writeControl } from "./clock.js";
import { closedWords, nameAmong, remedy, showConnection } from "./connection.js";
import { $, capital, copy, element, notice, say, setText } from "./dom.js";
import { openDoor } from "./door.js";
import * as Game from "./game.js";
import { colorOf } from "./game.js";
import { Guest } from "./guest.js";
import * as Rules from "./rules.js";
import { Sound } from "./sound.js";

/** For how many milliseconds the server holds the seat of someone who is cut off. */
const HELD = 20_000;

const guest = new Guest("chess");
const invitedClock = new URL(location.href).searchParams.get("clock");

let table = null;              // the connection to the room
let link = { status: "off" };  // how it is, and what more there is to say of it
let wasThere = false;          // whether there has been a connection at all
let lostAt = 0;                // when there last was, while there is none
let game = Game.blank();
let pending = null;            // our move, shown before the server has said yes
let flipped = false;
let resigning = null;          // the time in which a second press resigns
let hurried = false;           // whether we have heard that our time is low
const names = new Map();       // user → name; those who have left included
const clocks = new Clocks();
const board = new Board($("board"), $("promotion"), { onMove: move, announce: say });

// The connection

function open() {
  const { user, name } = guest.seat;
  names.set(user, name);
  game = Game.blank();
  pending = null;
  wasThere = false;
  table?.close();
  const opened = connect({
    url: "/ws/chess",
    token: ({ expired }) => guest.token(expired),
    onState: view => ours(opened, () => showView(view)),
    onEvent: (event, { past }) => ours(opened, () => { if (!past) apply(event); }),
    onReset: () => ours(opened, () => { game = Game.blank(); pending = null; }),
    onPresence: presence => ours(opened, () => noticePresence(presence)),
    onSynced: () => ours(opened, setClock),
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
  if (event === "joined" && game.outcome) say(`${nameOf(user)} sits down.`);
}

function setClock() {
  clocks.set(() => table.send({ type: "Time" })).then(tick, () => {});
}

function showView(view) {
  pending = null;
  for (const player of [view.white, view.black]) if (player?.name) names.set(player.user, player.name);
  game = Game.fromView(view);
  clocks.control = view.clock;
  clocks.told = view.clocks;
}

function apply(event) {
  const before = game, who = event.by === table.me.user ? "You" : nameOf(event.by ?? "");
  game = Game.after(game, event);
  if ("clocks" in event || event.type === "GameStart") clocks.told = event.clocks;
  switch (event.type) {
    case "GameStart":
      pending = null;
      hurried = flipped = false;
      Sound.play("start");
      say(`The game begins. ${myColor() ? `You play ${capital(myColor())}.` : `${nameOf(game.white)} plays White.`}`);
      break;
    case "MoveMade": {
      const shown = pending !== null && event.by === table.me.user;
      pending = null;
      say(`${who}: ${Game.spoken(before.fen, event)}.${myTurn() ? " Your move." : ""}`);
      if (!shown) {
        sound(event.san);
        render();
        board.glide(Rules.number(event.from), Rules.number(event.to));
      } else if (/[+#]$/.test(event.san)) {
        Sound.play("check");
      }
      break;
    }
    case "DrawOffered":
      say(who === "You" ? "You offer a draw." : `${who} offers a draw.`);
      break;
    case "DrawDeclined":
      if (who !== "You") notice(`${who} declined the draw`);
      break;
    case "GameOver":
      pending = null;
      Sound.play("end");
      say(headline().slice(0, 2).join(". "));
      break;
    case "RematchOffered":
      if (who !== "You") say(`${who} wants ${isRematch() ? "a rematch" : "to play"}.`);
      break;
    case "Disconnected":
      if (who !== "You") say(`${who} lost the connection.`);
      break;
    case "Reconnected":
      if (who !== "You") say(`${who} is back.`);
      break;
  }
}

const sound = san => Sound.play(/[+#]$/.test(san) ? "check" : san.includes("x") ? "capture" : "move");

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

async function move({ from, to, promotion }, dragged) {
  const capture = Rules.read(game.fen).board[to] !== "";
  const mine = { from, to, promotion };
  pending = mine;
  Sound.play(capture ? "capture" : "move");
  render();
  if (!dragged) board.glide(from, to);
  const message = { type: "Move", from: Rules.name(from), to: Rules.name(to), ...(promotion && { promotion }) };
  if (!(await send(message)) && pending === mine) {
    pending = null;
    render();
  }
}

function resign() {
  clearTimeout(resigning);
  if (resigning) send({ type: "Resign" });
  resigning = resigning ? null : setTimeout(() => { resigning = null; render(); }, 4000);
  render();
}

/** Leaves for good, and not just for a moment; asks first where that loses the game. */
function leave() {
  if (link.status === "closed" || !(myColor() && game.playing)) return goHome();
  $("sure-words").textContent = begun()
    ? "You would lose the game. Just to load the page again keeps your seat."
    : "The game has not really begun: it would be called off, and nobody loses.";
  $("sure").returnValue = "stay";
  $("sure").showModal();
}

const goHome = () => guest.goHome(table);

async function sitDown(name) {
  const clock = guest.room ? readControl(invitedClock) : chosenClock();
  if (!guest.room) guest.openRoom(clock && { clock: `${clock.minutes}+${clock.increment}` });
  await guest.enter(name, clock && { clock });
}

function chosenClock() {
  const { value } = document.querySelector("[name=clock]:checked");
  if (value !== "custom") return readControl(value);
  return { minutes: $("minutes").valueAsNumber, increment: $("increment").valueAsNumber };
}

// What follows from the state

const online = () => link.status === "connected";
const myColor = () => (table?.me ? colorOf(game, table.me.user) : null);
const seated = () => table?.me?.role === "player";
const begun = () => game.moves.length >= 2;
const turn = () => (Rules.read(game.fen).white ? "white" : "black");
const myTurn = () => game.playing && myColor() === turn();
const players = () => (table?.members ?? []).filter(member => member.role === "player");
const opponent = () => players().find(member => member.user !== table.me?.user) ?? null;
/** Whether those who sit here are those who have played. */
const isRematch = () => Boolean(myColor() && colorOf(game, opponent()?.user));
const whiteBelow = () => (myColor() !== "black") !== flipped;

const nameOf = user => nameAmong(table?.members ?? [], names, user);

function headline() {
  const { status, code, reason } = link;
  if (status === "closed") return [...closedWords(code, reason, "table"), "alert"];
  if (status === "reconnecting") {
    const held = performance.now() - lostAt < HELD
      ? ` Your seat is held for about 20\u00a0s${clocks.running ? ", and the clock runs on" : ""}.`
      : " By now your seat may be gone.";
    const more = wasThere && myColor() && game.playing ? held : "";
    return [wasThere ? "Connection lost" : "No connection", `Trying again.${more}`, "alert"];
  }
  if (!table?.me || status === "connecting") return ["Connecting…", "", ""];
  if (game.outcome) {
    const [title, detail, tone] = Game.ending(game, table.me.user, nameOf);
    return [title, detail + wish(), tone];
  }
  const role = myColor() ? `You play ${capital(myColor())}.` : "You are watching.";
  if (!game.playing) return ["Waiting for an opponent", role, ""];
  const check = Rules.inCheck(Rules.read(game.fen)) ? "Check! " : "";
  const offer = game.drawOffer && (game.drawOffer === table.me.user ? "You offered a draw." : `${nameOf(game.drawOffer)} offers a draw.`);
  const title = myTurn() ? "Your move" : `${nameOf(game[turn()])} to move`;
  return [title, check + (offer || role), myTurn() ? "go" : ""];
}

function wish() {
  if (!seated()) return "";
  if (game.rematch && game.rematch !== table.me.user) return `. ${nameOf(game.rematch)} wants ${isRematch() ? "a rematch" : "to play"}.`;
  if (game.rematch) return `. Waiting for ${nameOf(opponent()?.user ?? "")} to agree.`;
  return opponent() ? "" : ". Whoever opens the link plays you next.";
}

// Drawing

function render() {
  const inside = table !== null, over = Boolean(game.outcome);
  const [title, detail, tone] = inside ? headline() : ["", "", ""];
  setText($("status"), title);
  setText($("detail"), detail);
  $("state").dataset.tone = tone;
  document.title = online() && myTurn() ? "● Your move · Chess" : over ? `${title} · Chess` : "Chess";
  document.body.dataset.inside = String(inside);

  showConnection(link, table?.latency);
  $("entry").hidden = inside;
  $("state").hidden = $("sheet").hidden = $("leave").hidden = !inside;
  const alone = online() && seated() && !opponent() && !game.playing;
  $("waiting").hidden = !alone;
  $("free").hidden = !(online() && !seated() && players().length < 2 && !game.playing);
  const fix = remedy(link, { open, goHome, joinAnew: () => guest.joinAnew() });
  $("lost").hidden = !fix;
  if (fix) [$("reconnect").textContent, $("reconnect").onclick] = fix;
  const offered = game.drawOffer && game.drawOffer !== table?.me?.user;
  $("offer").hidden = !(online() && myColor() && offered);
  $("actions").hidden = !(myColor() && game.playing);
  $("draw").disabled = !online() || Boolean(game.drawOffer);
  setText($("draw"), game.drawOffer && !offered ? "Draw offered" : "Offer draw");
  $("resign").disabled = !online();
  setText($("resign"), resigning ? "Really resign?" : "Resign");
  $("resign").classList.toggle("danger", Boolean(resigning));
  renderAfter(over);
  const watching = (table?.members ?? []).filter(member => member.role === "spectator" && member.connected).length;
  setText($("watchers"), watching ? `${watching} watching` : "");

  renderPlayer($("top"), whiteBelow() ? "black" : "white");
  renderPlayer($("bottom"), whiteBelow() ? "white" : "black");
  renderBoard();
  renderMoves();
  tick();
}

function renderAfter(over) {
  $("after").hidden = !(over && seated() && link.status !== "closed");
  const other = opponent(), wanted = game.rematch && game.rematch !== table?.me?.user;
  $("rematch").disabled = !online() || !other || game.rematch === table?.me?.user;
  const words = other && !isRematch() ? (game.rematch && !wanted ? "Waiting…" : `Play ${nameOf(other.user)}`)
    : wanted ? "Accept rematch" : game.rematch ? "Rematch offered" : "Rematch";
  setText($("rematch"), words);
}

function renderPlayer(bar, color) {
  const user = game[color], member = table?.members.find(each => each.user === user);
  const chip = element("span", "chip"), who = element("span", "who", user ? nameOf(user) : capital(color));
  const parts = [chip, who];
  if (user && user === table?.me?.user) parts.push(element("span", "tag", "you"));
  else if (user && online() && !member) parts.push(element("span", "tag", "left"));
  else if (user && online() && !member.connected) parts.push(element("span", "tag away", "offline"));
  parts.push(taken(color));
  if (clocks.shown && table) {
    const clock = element("span", "clock");
    clock.dataset.side = color;
    clock.setAttribute("role", "timer");
    clock.setAttribute("aria-label", `${capital(color)}'s time`);
    parts.push(clock);
  }
  bar.dataset.color = color;
  bar.classList.toggle("turn", game.playing && turn() === color);
  bar.replaceChildren(...parts);
}

function taken(color) {
  const { pieces, ahead } = Game.taken(Rules.read(game.fen), color === "white"), row = element("span", "taken");
  const counts = new Map();
  for (const piece of pieces) {
    const image = pieceImage(piece), kind = KINDS[piece.toLowerCase()];
    if (!counts.has(kind)) image.classList.add("first");
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    row.append(image);
  }
  if (ahead > 0) row.append(element("span", "", `+${ahead}`));
  if (counts.size) {
    const words = [...counts].map(([kind, count]) => `${count} ${kind}${count > 1 ? "s" : ""}`);
    row.setAttribute("role", "img");
    row.setAttribute("aria-label", `has taken ${words.join(", ")}`);
  }
  return row;
}

function renderBoard() {
  const position = pending ? Rules.play(Rules.read(game.fen), pending) : Rules.read(game.fen);
  const last = pending ? [Rules.name(pending.from), Rules.name(pending.to)] : game.last;
  const paused = table !== null && !online();
  $("board").classList.toggle("paused", paused);
  $("board").setAttribute("aria-disabled", String(paused));
  board.show({ position, last, white: whiteBelow(), movable: online() && myTurn() && !pending });
}

function renderMoves() {
  const list = $("moves"), all = game.moves.join(" ");
  if (list.dataset.shown === all && list.firstChild) return;
  list.dataset.shown = all;
  const rows = [];
  game.moves.forEach((san, i) => {
    if (i % 2 === 0) {
      rows.push(element("li"));
      rows.at(-1).append(element("span", "number", `${i / 2 + 1}.`));
    }
    const half = element("span", i === game.moves.length - 1 ? "now" : "", san);
    if (half.className) half.setAttribute("aria-current", "true");
    rows.at(-1).append(half);
  });
  if (!rows.length) rows.push(element("li", "none", "No moves yet"));
  list.replaceChildren(...rows);
  list.scrollTop = list.scrollHeight;
}

/** What changes with time alone. */
function tick() {
  for (const clock of document.querySelectorAll(".clock")) {
    const { side } = clock.dataset, low = game.playing && clocks.isLow(side);
    clock.classList.toggle("stale", !online());
    if (link.status === "closed" && clock.textContent) continue; // nobody tells us any more
    setText(clock, clocks.text(side));
    clock.classList.toggle("low", low);
    clock.classList.toggle("runs", clocks.running === side);
    if (low && side === myColor() && clocks.running === side && !hurried) {
      hurried = true;
      Sound.play("low");
      say("Your time is low.");
    }
  }
  const gone = online() && game.playing ? [game.white, game.black].find(user => game.away.has(user) && user !== table.me.user) : null;
  $("opponent-away").hidden = !gone;
  $("detail").hidden = Boolean(gone);
  if (!gone) return;
  const seconds = Math.max(0, Math.ceil((game.away.get(gone) - clocks.now()) / 1000));
  const end = !begun() ? ", or the game is called off" : myColor() ? ", or you win" : "";
  setText($("opponent-away"), `${nameOf(gone)} is offline: ${seconds}\u00a0s to come back${end}.`);
}

// Setting up

function showEntry() {
  const invited = guest.room !== null, clock = readControl(invitedClock);
  $("clocks").hidden = invited;
  if (invited) {
    $("greeting").textContent = "Join the game";
    const time = clock ? `Each side has ${writeControl(clock)}: ${clockWords(clock)}. ` : "";
    $("explanation").textContent = `${time}Choose a name to sit down. If both seats are taken, you watch.`;
    $("join").textContent = "Sit down";
  }
  showChoice();
}

function clockWords({ minutes, increment }) {
  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  return `${plural(minutes, "minute")}${increment ? `, plus ${plural(increment, "second")} a move` : ""}`;
}

function showChoice() {
  const { value } = document.querySelector("[name=clock]:checked");
  $("custom").hidden = value !== "custom";
  for (const field of $("custom").querySelectorAll("input")) field.disabled = value !== "custom";
  const control = readControl(value);
  setText($("clock-hint"), value === "custom" ? "" : control ? `${capital(clockWords(control))}.` : "All the time in the world.");
  $("clock-hint").hidden = value === "custom";
}

$("clocks").onchange = showChoice;
$("copy").onclick = () => copy($("invite"), $("copy"));
$("invite").onfocus = () => $("invite").select();
$("draw").onclick = () => send({ type: "OfferDraw" });
$("accept").onclick = () => send({ type: "AcceptDraw" });
$("decline").onclick = () => send({ type: "DeclineDraw" });
$("resign").onclick = resign;
$("rematch").onclick = () => send({ type: "Rematch" });
$("new-game").onclick = goHome;
$("sit").onclick = open; // a free seat is for whoever comes anew
$("leave").onclick = leave;
$("sure").onclose = () => { if ($("sure").returnValue === "leave") goHome(); };
$("home").onclick = event => { if (table) event.preventDefault(), leave(); };
$("flip").onclick = () => { flipped = !flipped; render(); };
Sound.attach($("sound"), guest, "move");
setInterval(() => { if (table) tick(); }, 100);

showEntry();
openDoor(guest, sitDown, open);
if (guest.seat) open();
else {
  render();
  $("name").focus({ preventScroll: true });
}
$("invite").value = location.href;
