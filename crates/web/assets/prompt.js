// @ts-check
// The passkey of the sign-in prompt: by its button, and in the field of the name where there is one.

import { PasskeyError, abort, ask, forget, offersInField, send, supported } from "./passkeys.js";

const box = /** @type {HTMLElement} */ (document.querySelector("[data-passkey]"));
if (box) begin(box);

/** @param {HTMLElement} box */
function begin(box) {
  const button = /** @type {HTMLButtonElement} */ (box.querySelector("[data-passkey-use]"));
  const says = /** @type {HTMLElement} */ (box.querySelector("[data-passkey-says]"));
  const base = box.dataset.base ?? "";
  const token = box.dataset.token ?? "";

  /** @param {string} text @param {boolean} [bad] */
  function say(text, bad = false) {
    says.textContent = text;
    says.classList.toggle("bad", bad);
  }

  /** @param {string} code */
  function sayWhy(code) {
    const name = `text${code[0].toUpperCase()}${code.slice(1)}`;
    say(box.dataset[name] ?? box.dataset.textFailed ?? "", true);
  }

  /** @param {boolean} busy */
  function setBusy(busy) {
    button.disabled = busy;
    button.setAttribute("aria-busy", String(busy));
  }

  /** @param {boolean} inField */
  async function signIn(inField) {
    const asked = await send(`${base}/passkey/options`, token, {});
    if (!asked.ok) {
      if (!inField) say(asked.answer.error, true);
      return;
    }
    const options = asked.answer;
    if (!inField) say(box.dataset.textWaiting ?? "");
    const answer = await ask(options, inField);
    say(box.dataset.textChecking ?? "");
    setBusy(true);
    const taken = await send(`${base}/passkey`, token, answer);
    if (taken.ok) {
      location.assign(taken.answer.next);
      return;
    }
    say(taken.answer.error, true);
    if (taken.answer.kind === "unknown_passkey") await forget(options.rpId, answer.id);
    setBusy(false);
    offer();
  }

  async function offer() {
    if (!document.querySelector("input[autocomplete~='webauthn']") || !(await offersInField())) return;
    try {
      await signIn(true);
    } catch (error) {
      // Somebody pressed the button, or the browser gave up by itself: nothing that the person asked for has failed.
      if (error instanceof PasskeyError && error.code === "network") return;
    }
  }

  button.addEventListener("click", async () => {
    abort();
    setBusy(true);
    say("");
    try {
      await signIn(false);
    } catch (error) {
      const code = error instanceof PasskeyError ? error.code : "failed";
      if (code !== "aborted") sayWhy(code);
      setBusy(false);
      if (code !== "aborted" && code !== "network") offer();
    }
    if (!says.textContent || says.classList.contains("bad")) setBusy(false);
  });

  // Coming back by the browser's own button finds the page as it was left.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  if (supported()) offer();
}
