/** Small things that every page does with its elements and its words. */
export const $ = id => document.getElementById(id);

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Text that stays the same is left alone: a reader of the screen would say it again. */
export function setText(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

export const capital = words => words.charAt(0).toUpperCase() + words.slice(1);
export const sentence = words => capital(words) + (/[.!?…]$/.test(words) ? "" : ".");

let saidAt = 0, noticeTimer = null;

/** For those who hear the page; what is said at one moment is heard together. */
export function say(words) {
  const now = performance.now();
  $("live").textContent = `${now - saidAt < 100 ? `${$("live").textContent} ` : ""}${sentence(words)}`;
  saidAt = now;
}

/** Shown above the page for a few seconds. */
export function notice(words) {
  clearTimeout(noticeTimer);
  $("notice").textContent = sentence(words);
  $("notice").hidden = false;
  noticeTimer = setTimeout(() => { $("notice").hidden = true; }, 6000);
}

/** Copies the text of a field; its button says so for a moment. */
export async function copy(field, button) {
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.select();
    document.execCommand("copy");
  }
  const before = button.textContent;
  button.textContent = "Copied";
  button.disabled = true;
  say("The link is copied.");
  setTimeout(() => { button.textContent = before; button.disabled = false; }, 2000);
}
