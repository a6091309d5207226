/** A line in the head of the chess page: by which node one is connected, and which one keeps the table. */
import { element, setText } from "./dom.js";
import { Guest } from "./guest.js";

/** How often is asked, and for how long, in milliseconds. */
const EVERY = 500, PATIENCE = 3000;

const link = element("a");
link.id = "where";
link.href = "/nodes";
link.target = "nodes"; // the same tab each time
document.querySelector(".brand").after(link);
show(null);
ask();

async function ask() {
  const cluster = await fetch("/nodes.json", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })
    .then(answer => answer.json())
    .catch(() => null); // the node that was asked has just been taken away; another one is asked next
  setTimeout(ask, EVERY);
  if (cluster) show(cluster);
}

function show(cluster) {
  const { room, seat } = new Guest("chess"), nodes = Object.entries(cluster?.nodes ?? {});
  const find = is => nodes.find(([, node]) => is(node))?.[0] ?? "";
  if (!seat) {
    link.dataset.at = "";
    if (link.textContent !== "Nodes") link.replaceChildren("Nodes");
    return;
  }
  const connection = find(node => node.users.includes(seat.user));
  const table = find(node => node.rooms.some(each => each.room === room));
  if (link.dataset.at === `${connection}>${table}`) return;
  link.dataset.at = `${connection}>${table}`;
  link.replaceChildren(element("span", "", "You"), badge(connection), "→", element("span", "", "Table"), badge(table));
  const words = [
    connection ? `Node ${connection} carries your connection` : "No node carries your connection",
    table ? `node ${table} keeps the table` : "no node keeps the table",
  ].join(", ");
  link.title = words;
  link.setAttribute("aria-label", `${words}. See the nodes`);
}

function badge(node) {
  const made = element("b", "", node || "·");
  made.dataset.node = node;
  return made;
}
