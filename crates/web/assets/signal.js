// @ts-check
// Tells the browser which passkeys there are, so that it doesn't offer one that was removed.

import { signalAccepted, supported } from "./passkeys.js";

const box = /** @type {HTMLElement | null} */ (document.querySelector("[data-signal]"));
if (box && supported()) {
  const { rpId = "", userId = "", credentials = "" } = box.dataset;
  signalAccepted(rpId, userId, credentials.split(" ").filter((id) => id));
}
