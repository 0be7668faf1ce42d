// @ts-check
// Finds an application while its name is typed, and moves among them by the arrows.

const field = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-apps-search]"));
const list = document.querySelector("[data-apps]");
const none = /** @type {HTMLElement | null} */ (document.querySelector("[data-apps-none]"));

/** @returns {HTMLAnchorElement[]} */
function shown() {
  return [...(list?.querySelectorAll("li:not([hidden]) > a") ?? [])].map((a) => /** @type {HTMLAnchorElement} */ (a));
}

if (field && list && none) {
  field.addEventListener("input", () => {
    const sought = field.value.trim().toLocaleLowerCase();
    for (const element of list.querySelectorAll("li")) {
      element.hidden = !(element.dataset.words ?? "").includes(sought);
    }
    none.hidden = shown().length > 0;
  });
  field.form?.addEventListener("submit", (event) => {
    event.preventDefault();
    shown()[0]?.click();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
      return;
    }
    const forth = event.key === "ArrowDown" || (event.key === "ArrowRight" && document.activeElement !== field);
    const back = event.key === "ArrowUp" || (event.key === "ArrowLeft" && document.activeElement !== field);
    if (!forth && !back) return;
    const turned = document.dir === "rtl" && event.key.endsWith("t");
    const all = shown();
    const at = all.findIndex((one) => one === document.activeElement);
    const next = at + (forth !== turned ? 1 : -1);
    const target = next < 0 ? field : all[Math.min(next, all.length - 1)];
    if (target) {
      event.preventDefault();
      target.focus();
    }
  });
}
