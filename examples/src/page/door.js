/** The form at the door: a name, and whatever else a page asks for. */
import { $, sentence } from "./dom.js";

/** Has the form enter by these, and say what is wrong: `enter(name)` gets a token, `open()` connects. */
export function openDoor(guest, enter, open) {
  $("name").value = guest.remembered("name") ?? "";
  $("entry").onsubmit = async event => {
    event.preventDefault();
    const name = $("name").value.trim();
    $("join").disabled = true;
    $("entry-problem").textContent = "";
    try {
      await enter(name);
      $("invite").value = location.href;
      guest.remember("name", name);
      open();
      $("status").focus({ preventScroll: true });
    } catch (problem) {
      $("entry-problem").textContent = sentence(problem.message);
    }
    $("join").disabled = false;
  };
}
