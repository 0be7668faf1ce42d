// @ts-check
// The wait for an answer on a phone: events as they come, or questions where no stream comes through.

const box = /** @type {HTMLElement} */ (document.querySelector("[data-follow]"));
if (box) follow(box);

/** @param {HTMLElement} box */
function follow(box) {
  const url = box.dataset.follow ?? "";
  const says = /** @type {HTMLElement} */ (box.querySelector("[data-says]"));
  let over = false;
  /** @type {EventSource | null} */
  let source = null;

  /** @param {{ state: string, text?: string, next?: string }} news */
  function take(news) {
    if (over || news.state === "waiting") {
      if (says.textContent === box.dataset.textLost) says.textContent = "";
      return;
    }
    over = true;
    source?.close();
    for (const part of box.querySelectorAll("[data-while]")) /** @type {HTMLElement} */ (part).hidden = true;
    if (news.state === "allowed") {
      says.textContent = news.text ?? "";
      location.replace(news.next ?? location.pathname);
      return;
    }
    const refused = /** @type {HTMLElement} */ (box.querySelector("[data-refused]"));
    refused.setAttribute("role", "alert");
    refused.hidden = false;
    /** @type {HTMLElement} */ (box.querySelector("[data-refused-says]")).textContent = news.text ?? "";
    /** @type {HTMLElement} */ (box.querySelector("[data-after]")).hidden = false;
  }

  function listen() {
    source = new EventSource(url);
    source.onmessage = (event) => take(JSON.parse(event.data));
    source.onerror = () => {
      // The browser comes again by itself, unless it was told not to.
      if (!over && source?.readyState === EventSource.CLOSED) ask();
    };
  }

  async function ask() {
    try {
      const response = await fetch(`${url}?once`, { headers: { accept: "application/json" } });
      const news = await response.json();
      if (response.ok) take(news);
      else if (response.status !== 429) take({ state: "refused", text: news.error });
    } catch {
      says.textContent = box.dataset.textLost ?? "";
    }
    if (!over) setTimeout(ask, 2000);
  }

  listen();
  countDown();

  function countDown() {
    const left = /** @type {HTMLElement} */ (box.querySelector("[data-left]"));
    const bar = /** @type {HTMLProgressElement} */ (box.querySelector("[data-left-bar]"));
    const end = Date.now() + Number(left.dataset.left) * 1000;
    const shape = left.dataset.textLeft ?? "{}";
    const tick = () => {
      if (over) return;
      const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
      left.textContent = shape.replace("{}", String(seconds));
      bar.value = seconds;
      if (seconds > 0) setTimeout(tick, 1000);
      else left.textContent = box.dataset.textOver ?? "";
    };
    tick();
  }
}
