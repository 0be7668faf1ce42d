// @ts-check
// Small comforts for forms: nothing is sent twice, and a button that has to wait says how long.

// The ticket that opened this page was used up by that.
const ticket = /[?&]proof=[^&]*$/;
if (ticket.test(location.search)) {
  history.replaceState(history.state, "", location.pathname + location.search.replace(ticket, "") + location.hash);
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
    // Whoever stopped the browser may send again.
    setTimeout(() => renew(form), 8000);
  });
}

// Coming back by the browser's own button finds the forms as they were.
addEventListener("pageshow", () => document.querySelectorAll("form").forEach(renew));

/** @param {HTMLFormElement} form */
function renew(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-busy");
}

for (const element of document.querySelectorAll("button[data-wait]")) {
  const button = /** @type {HTMLButtonElement} */ (element);
  const end = Date.now() + Number(button.dataset.wait) * 1000;
  const label = button.lastChild;
  const plain = label?.textContent ?? "";
  const shape = button.dataset.textWait ?? "{}";
  const tick = () => {
    const seconds = Math.ceil((end - Date.now()) / 1000);
    button.disabled = seconds > 0;
    if (label) label.textContent = seconds > 0 ? `${plain} (${shape.replace("{}", String(seconds))})` : plain;
    if (seconds > 0) setTimeout(tick, 500);
  };
  tick();
}
