/**
 * What people write, as nodes of the page: text, links to http and https, and nothing else. No text
 * ever passes for HTML, and none turns the direction of what is around it.
 */
import { element } from "./dom.js";

/** A link's beginning, and what would have the text run the other way. */
const SPECIAL = /(https?:\/\/[^\s<>"`\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]+)|([\u202a-\u202e\u2066-\u2069])/giu;

export function nodesOf(text) {
  const nodes = [];
  let done = 0;
  const plain = end => { if (end > done) nodes.push(document.createTextNode(text.slice(done, end))); };
  for (const { 0: found, 1: address, index } of text.matchAll(SPECIAL)) {
    const link = address === undefined ? mark(found) : linkTo(address);
    if (!link) continue;
    plain(index);
    nodes.push(link.node);
    done = index + link.length;
  }
  plain(text.length);
  return nodes;
}

/** What turns the text is shown, and so does not turn it. */
function mark(control) {
  const code = `U+${control.codePointAt(0).toString(16).toUpperCase()}`;
  const node = element("span", "mark", code);
  node.title = "A character that changes the direction of writing. It is shown instead.";
  return { node, length: control.length };
}

/** A link, if the text is one that shows where it leads. */
function linkTo(text) {
  const written = withoutEnd(text);
  let url;
  try { url = new URL(written); } catch { return null; }
  // With a name before the host it looks like an address that it is not.
  if (!["http:", "https:"].includes(url.protocol) || url.username || url.password) return null;
  const node = element("a");
  node.href = url.href;
  node.target = "_blank";
  node.rel = "noopener noreferrer nofollow";
  // A host of letters that look like others is written as the browser asks for it; that its right name
  // is somewhere behind it, too, makes it no better.
  const isPlain = written.toLowerCase().startsWith(url.origin) && /^([/?#:]|$)/.test(written.slice(url.origin.length));
  node.append(element("bdi", "", isPlain ? written : url.href));
  return { node, length: written.length };
}

/** Without what ends the sentence around a link; a bracket that it has opened is its own. */
function withoutEnd(text) {
  let end = text.length;
  const count = letter => text.slice(0, end).split(letter).length;
  while (end > 0) {
    const last = text[end - 1];
    const isClosing = (last === ")" && count(")") > count("(")) || (last === "]" && count("]") > count("["));
    if (!isClosing && !/[.,;:!?'…»”’*_}]/.test(last)) break;
    end -= 1;
  }
  return text.slice(0, end);
}

/** A name within a sentence that is read as text: whichever way it is written, it ends where it ends. */
export const isolated = name => `\u2068${name}\u2069`;

/** How many characters the server counts. */
export const lengthOf = text => [...text].length;
