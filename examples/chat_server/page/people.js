/** People as they are shown: pictures, names, the list of who is here, and how to look different. */
import { tagOf } from "./chat.js";
import { $, capital, element, sentence } from "./dom.js";

export const COLORS = ["teal", "violet", "orange", "blue", "pink", "green", "gold", "red"];
export const AVATARS = ["initials", "star", "heart", "moon", "sun", "bolt", "leaf", "drop", "cloud", "mountain", "flower", "note"];

/** The picture: drawn, or the first letters of the name. */
export function avatar({ name, color, avatar: drawing }) {
  const made = element("span", "avatar");
  made.dataset.color = color;
  made.setAttribute("aria-hidden", "true");
  made.append(AVATARS.includes(drawing) && drawing !== "initials" ? symbol(drawing) : initials(name));
  return made;
}

function symbol(id) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${id}`);
  svg.append(use);
  return svg;
}

/** Whole characters, whatever they are made of. */
const LETTERS = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  const first = word => LETTERS.segment(word)[Symbol.iterator]().next().value.segment;
  return [words[0], ...(words.length > 1 ? [words.at(-1)] : [])].map(word => first(word).toUpperCase()).join("");
}

/** A name in its colour; whoever could be taken for another has the end of the id beside it. */
export function nameOf(user, look, isAlike) {
  const made = element("span", "who");
  const name = element("bdi", "", look.name);
  name.dataset.color = look.color;
  made.append(name);
  if (isAlike) {
    const tag = element("span", "tag", tagOf(user));
    tag.title = "There is more than one of this name";
    made.append(tag);
  }
  return made;
}

/** Draws the list of who is here: oneself, then those who are connected, then those who are away. */
export function showPeople(chat, members, me) {
  const { alike, typing } = chat;
  const rank = ({ user, connected }) => (user === me ? 0 : connected ? 1 : 2);
  const people = members.map(member => ({ ...member, look: chat.lookOf(member.user) }));
  people.sort((one, other) => rank(one) - rank(other) || one.look.name.localeCompare(other.look.name));
  const shown = JSON.stringify([people, [...alike], typing]);
  if ($("people").dataset.shown === shown) return;
  $("people").dataset.shown = shown;
  const rows = people.map(({ user, look, connected }) => {
    const row = element("li", connected ? "" : "away");
    const what = user === me ? "you" : !connected ? "away" : typing.includes(user) ? "typing…" : "";
    row.dataset.user = user;
    row.append(avatar(look), nameOf(user, look, alike.has(user)));
    if (what) row.append(element("span", "what", what));
    return row;
  });
  $("people").replaceChildren(...rows);
}

/** The dialog in which one chooses how to look; `save` promises that the server has agreed. */
export class LookDialog {
  #save;

  constructor(save) {
    this.#save = save;
    for (const [id, all] of [["colors", COLORS], ["avatars", AVATARS]]) $(id).append(...all.map(one => choice(id, one)));
    $("look-form").oninput = () => this.#preview();
    $("look-form").onsubmit = event => { event.preventDefault(); this.#submit(); };
    $("look-cancel").onclick = () => $("look").close();
  }

  open({ name, color, avatar: drawing }) {
    $("look-name").value = name;
    document.querySelector(`[name=colors][value=${color}]`).checked = true;
    document.querySelector(`[name=avatars][value=${drawing}]`).checked = true;
    $("look-problem").textContent = "";
    this.#preview();
    $("look").showModal();
  }

  get #chosen() {
    const data = new FormData($("look-form"));
    return { name: $("look-name").value.trim(), color: data.get("colors"), avatar: data.get("avatars") };
  }

  #preview() {
    const chosen = this.#chosen;
    $("look-avatar").replaceChildren(avatar({ ...chosen, name: chosen.name || "?" }));
    $("avatars").dataset.color = chosen.color;
  }

  async #submit() {
    $("look-save").disabled = true;
    try {
      await this.#save(this.#chosen);
      $("look").close();
    } catch (refusal) {
      $("look-problem").textContent = sentence(refusal.message);
    }
    $("look-save").disabled = false;
  }
}

function choice(group, value) {
  const label = element("label"), input = element("input"), shown = element("span");
  Object.assign(input, { type: "radio", name: group, value });
  input.setAttribute("aria-label", capital(value));
  label.title = capital(value);
  if (group === "colors") shown.dataset.color = value;
  else shown.append(value === "initials" ? "Ab" : symbol(value));
  label.append(input, shown);
  return label;
}
