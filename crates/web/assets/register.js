// @ts-check
// Makes a passkey where a page offers to.

import { PasskeyError, make, send, signalAccepted } from "./passkeys.js";

for (const element of document.querySelectorAll("[data-register]")) begin(/** @type {HTMLElement} */ (element));

/** @param {HTMLElement} box */
function begin(box) {
  const button = /** @type {HTMLButtonElement} */ (box.querySelector("[data-register-do]"));
  const says = /** @type {HTMLElement} */ (box.querySelector("[data-register-says]"));
  const base = box.dataset.base ?? "";
  const token = box.dataset.token ?? "";

  /** @param {string} text @param {boolean} [bad] */
  function say(text, bad = false) {
    says.textContent = text;
    says.classList.toggle("bad", bad);
  }

  /** @param {boolean} busy */
  function setBusy(busy) {
    button.disabled = busy;
    button.setAttribute("aria-busy", String(busy));
  }

  /** Whether the page goes elsewhere now. @returns {Promise<boolean>} */
  async function register() {
    const asked = await send(`${base}/options`, token, {});
    if (!asked.ok) {
      say(asked.answer.error, true);
      return false;
    }
    say(box.dataset.textWaiting ?? "");
    const credential = await make(asked.answer.options);
    say(box.dataset.textChecking ?? "");
    const back = box.dataset.back;
    const address = base.startsWith("/activate/") ? `${base}/passkey` : base;
    const taken = await send(address, token, { id: asked.answer.id, credential, ...(back ? { back } : {}) });
    if (!taken.ok) {
      say(taken.answer.error, true);
      return false;
    }
    const { rpId, userId, credentials, next } = taken.answer;
    await signalAccepted(rpId, userId, credentials);
    location.assign(next);
    return true;
  }

  button.addEventListener("click", async () => {
    setBusy(true);
    say("");
    let gone = false;
    try {
      gone = await register();
    } catch (error) {
      const code = error instanceof PasskeyError ? error.code : "failed";
      const name = `text${code[0].toUpperCase()}${code.slice(1)}`;
      say(box.dataset[name] ?? box.dataset.textFailed ?? "", true);
    }
    if (!gone) setBusy(false);
  });
}
