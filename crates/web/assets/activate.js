// @ts-check
// Goes on by itself when another device has used the page's code.

import { send } from "./passkeys.js";

const box = /** @type {HTMLElement | null} */ (document.querySelector("[data-await]"));
if (box) ask(box);

/** Between two questions, in milliseconds: somebody is reading, scanning and typing meanwhile. */
const PAUSE = 2000;

/** @param {HTMLElement} box */
async function ask(box) {
  if (document.visibilityState === "visible") {
    const { base = "", token = "", watch, back } = box.dataset;
    try {
      const { ok, answer } = await send(`${base}/follow`, token, { watch, ...(back ? { back } : {}) });
      if (!ok) return;
      if (answer.state === "done") {
        location.assign(answer.next);
        return;
      }
    } catch {
      // The next question may get through.
    }
  }
  setTimeout(() => ask(box), PAUSE);
}
