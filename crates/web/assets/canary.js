// @ts-check
// The server takes a code only from a page whose beacon it has seen, where it was told to. A beacon that didn't come is asked for once
// more before a form is sent; whether it comes then is the server's to judge.

const PATIENCE = 2000;

const link = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[data-beacon]"));
let asked = !link;
// Until it is there it is for paper only: nothing of the page waits for such a sheet, however long its host takes.
const there = () => link && (link.media = "all");
if (link?.sheet) there();
else link?.addEventListener("load", there);

document.addEventListener(
  "submit",
  async (event) => {
    // A stylesheet that was loaded has a sheet, whatever is in it.
    if (asked || !link || link.sheet) return;
    asked = true;
    event.preventDefault();
    event.stopImmediatePropagation();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const button = /** @type {HTMLElement | null} */ (event.submitter);
    button?.setAttribute("aria-busy", "true");
    await again(link);
    form.requestSubmit(button);
  },
  true,
);

/** @param {HTMLLinkElement} link */
function again(link) {
  return new Promise((resolve) => {
    const other = /** @type {HTMLLinkElement} */ (link.cloneNode());
    other.onload = other.onerror = resolve;
    setTimeout(resolve, PATIENCE);
    link.replaceWith(other);
  });
}
