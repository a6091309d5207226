/** The nodes, as they are now: which tables each keeps, whose connections it carries; and buttons. */
import { $, element, notice, setText } from "./dom.js";

/** How often is asked, and for how long, in milliseconds. */
const EVERY = 400, PATIENCE = 3000;

/** How many lines are kept of what has happened. */
const LINES = 100;

/** After how many milliseconds nobody is coming back to a table any more. */
const LEFT = 60_000;

const STATES = {
  starting: "starting", running: "running", shutting_down: "shutting down", stopped: "stopped", crashed: "crashed",
};

const names = new Map();   // user → name, as the tables say it
const orphans = new Map(); // table → the node that kept it, until another does: { node, people, since }
let before = null;         // what was known the last time

async function ask() {
  const cluster = await fetch("/nodes.json", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })
    .then(answer => answer.json())
    .catch(() => null); // the one that was asked has just been taken away
  setTimeout(ask, EVERY);
  connected(cluster !== null);
  if (cluster) show(cluster);
}

function connected(yes) {
  $("connection").dataset.status = yes ? "connected" : "reconnecting";
  setText($("connection"), yes ? "Up to date" : "Asking…");
}

async function order(node, act) {
  const body = JSON.stringify({ node, act });
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch("/nodes.json", { method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) notice(await answer.text());
  } catch { /* it was asked of the node that is gone by it: what is then the case is shown */ }
}

// What follows from what is known

const homes = cluster => new Map(Object.entries(cluster.nodes).flatMap(
  ([node, { rooms }]) => rooms.map(({ room, people }) => [room, { node, people }])));
const carrier = (cluster, user) => Object.keys(cluster.nodes).find(node => cluster.nodes[node].users.includes(user)) ?? null;
const nameOf = user => names.get(user) ?? user.replace(/-[^-]*$/, "");
const isGone = node => node.state === "crashed" || node.state === "stopped";

/** Says what is other than before, and keeps in mind the tables that nobody keeps for now. */
function compare(cluster) {
  const now = homes(cluster), then = homes(before);
  for (const [name, node] of Object.entries(cluster.nodes)) {
    const was = before.nodes[name];
    if (node.state === was.state && node.process === was.process) continue;
    if (node.state === "crashed") tell(`Node ${name} has crashed.`, "bad");
    if (node.state === "stopped") tell(`Node ${name} has shut down.`);
    if (node.state === "running") tell(`Node ${name} runs.`);
  }
  for (const [room, { node, people }] of then) {
    if (now.has(room)) continue;
    const left = cluster.nodes[node];
    if (isGone(left) || left.state === "shutting_down") orphans.set(room, { node, people, since: performance.now() });
    else tell(`The table ${room} is closed.`);
  }
  for (const [room, { since }] of orphans) {
    if (performance.now() - since > LEFT) orphans.delete(room);
  }
  for (const [room, { node }] of now) {
    const orphan = orphans.get(room), was = orphan?.node ?? then.get(room)?.node;
    orphans.delete(room);
    if (was === node && !orphan) continue;
    if (!was) tell(`Node ${node} opens the table ${room}.`);
    else if (!orphan) tell(`The table ${room} goes from node ${was} to node ${node}.`, "saved");
    else tell(`Node ${node} goes on with the table ${room}, ${seconds(orphan.since)} s after node ${was} was gone.`, "saved");
  }
}

const seconds = since => ((performance.now() - since) / 1000).toFixed(1);

function tell(words, tone = "") {
  const line = element("li"), time = element("time", "", new Date().toLocaleTimeString());
  line.append(time, element("span", tone, words));
  $("log").querySelector(".none")?.remove();
  $("log").prepend(line);
  while ($("log").children.length > LINES) $("log").lastChild.remove();
}

// What is to be seen

function show(cluster) {
  for (const { people } of homes(cluster).values()) {
    for (const { user, name } of people) if (name) names.set(user, name);
  }
  if (before) compare(cluster);
  before = cluster;
  setText($("redis"), `Redis at ${cluster.redis} · a crash is noticed within ${cluster.lease_ms / 1000} s`);
  for (const name of Object.keys(cluster.nodes)) showNode(cluster, name);
}

function showNode(cluster, name) {
  const node = cluster.nodes[name], card = cardOf(name), part = css => card.querySelector(css);
  card.dataset.state = node.state;
  setText(part(".life"), STATES[node.state]);
  setText(part(".place"), node.address ? `${node.address} · process ${node.process}` : "\u00a0");
  for (const button of card.querySelectorAll("button")) {
    button.disabled = button.dataset.act === "shut_down" && node.state !== "running";
  }
  const tables = node.rooms.map(({ room, people }) => table(cluster, room, people));
  for (const [room, { node, people }] of orphans) if (node === name) tables.push(table(cluster, room, people, true));
  replace(part(".tables"), tables, "li", isGone(node) ? "" : "None");
  replace(part(".people"), node.users.map(user => element("span", "", nameOf(user))), "span", isGone(node) ? "" : "None");
}

function cardOf(name) {
  const there = document.querySelector(`.node[data-node=${name}]`);
  if (there) return there;
  const card = $("card").content.firstElementChild.cloneNode(true);
  card.dataset.node = name;
  card.querySelector(".badge").textContent = name;
  card.querySelector(".title").textContent = `Node ${name}`;
  card.onclick = ({ target }) => {
    const { act } = target.closest("button")?.dataset ?? {};
    if (act) order(name, act);
  };
  $("nodes").append(card);
  return card;
}

function table(cluster, room, people, orphan = false) {
  const item = element("li", orphan ? "table orphan" : "table"), seats = element("div", "seats");
  item.dataset.room = room;
  for (const { user, role } of people) {
    const seat = element("span", "", role === "player" ? nameOf(user) : `${nameOf(user)} (watching)`);
    const by = carrier(cluster, user);
    if (by) seat.append(badge(by, `connected to node ${by}`));
    seats.append(seat);
  }
  if (orphan) seats.replaceChildren(element("span", "", "waits for another node"));
  item.append(element("strong", "", room), seats);
  return item;
}

function badge(name, words) {
  const made = element("b", "badge", name);
  made.dataset.node = name;
  made.title = words;
  return made;
}

/** Puts these into a list, unless they are what is there. */
function replace(list, all, tag, otherwise) {
  const shown = all.length ? all : [element(tag, "none", otherwise)];
  const written = shown.map(each => each.outerHTML).join("");
  if (list.dataset.shown === written) return;
  list.dataset.shown = written;
  list.replaceChildren(...shown);
}

ask();
