// @ts-check
// The page of the message log: asks for rows, opens them here, shows them. The private key stays in this page.

import { LogError, LogReader, bytesOfBase64, keysOf, makeKey } from "./log.js";
import { send } from "./passkeys.js";

const box = /** @type {HTMLElement | null} */ (document.querySelector("[data-messages]"));
if (box) begin(box);

/** @param {HTMLElement} box */
function begin(box) {
  /** @template {HTMLElement} T @param {string} selector @returns {T} */
  const find = (selector) => /** @type {T} */ (box.querySelector(selector));
  const form = /** @type {HTMLFormElement} */ (find("[data-messages-form]"));
  const file = /** @type {HTMLInputElement} */ (find("#messages-key"));
  const says = find("[data-messages-says]");
  const more = /** @type {HTMLButtonElement} */ (find("[data-messages-more]"));
  const body = find("tbody");
  const token = box.dataset.token ?? "";
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "medium" });
  const day = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeZone: "UTC" });
  const regions = new Intl.DisplayNames(document.documentElement.lang, { type: "region" });
  /** @type {Map<string, string>} */
  const names = new Map();
  /** @type {{ reader: LogReader, from: number, to: number, user: string, after: string | null, count: number, proof: string } | null} */
  let reading = null;

  /** A text of the page by what went wrong. @param {string} code */
  function text(code) {
    const name = `text${code.replace(/(^|-)(\w)/g, (_, __, letter) => letter.toUpperCase())}`;
    return box.dataset[name] ?? box.dataset.textFailed ?? "";
  }

  /** @param {string} words @param {boolean} [bad] */
  function say(words, bad = false) {
    says.textContent = words;
    says.classList.toggle("bad", bad);
  }

  /** @param {unknown} error */
  function sayError(error) {
    say(text(error instanceof LogError ? error.code : "failed"), true);
  }

  /** @param {string} id */
  function date(id) {
    const value = /** @type {HTMLInputElement} */ (find(id)).value;
    const [year, month, date] = value.split("-").map(Number);
    return { year, month: month - 1, date };
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [from, to] = [date("#messages-from"), date("#messages-to")];
    body.replaceChildren();
    more.hidden = true;
    say(text("reading"));
    try {
      if (!file.files?.length) throw new LogError("wrong-key");
      const keys = await keysOf(await file.files[0].text()).catch((error) => {
        throw error instanceof LogError ? error : new LogError("unsupported");
      });
      reading = {
        reader: new LogReader(box.dataset.tenant ?? "", keys),
        from: new Date(from.year, from.month, from.date).getTime(),
        // The last day is part of the period.
        to: new Date(to.year, to.month, to.date + 1).getTime(),
        user: /** @type {HTMLInputElement} */ (find("#messages-user")).value.trim(),
        after: null,
        count: 0,
        proof: "",
      };
      reading.proof = await prove(reading.reader);
      await next();
    } catch (error) {
      sayError(error);
    }
  });
  more.addEventListener("click", () => next().catch(sayError));

  /** Shows the server that the key is here: who can't is taken for a thief. @param {LogReader} reader */
  async function prove(reader) {
    const { ok, answer } = await send("/account/messages/rows", token, { from: 0, to: 0, prove: true });
    if (!ok || !answer.challenge) return "";
    const { segment, id, sealed } = answer.challenge;
    try {
      reader.addSegment(segment.id, segment.day, bytesOfBase64(segment.header));
      return (await reader.open(id, bytesOfBase64(sealed))).sent.to;
    } catch {
      return "";
    }
  }

  async function next() {
    if (!reading) return;
    const at = reading;
    more.hidden = true;
    const asked = { from: at.from, to: at.to, user: at.user, after: at.after, proof: at.proof };
    const { ok, answer } = await send("/account/messages/rows", token, asked);
    if (!ok) {
      say(answer.error ?? text("again"), true);
      return;
    }
    for (const segment of answer.segments) {
      at.reader.addSegment(segment.id, segment.day, segment.header && bytesOfBase64(segment.header));
    }
    const all = await Promise.all(
      answer.rows.map(async (/** @type {any} */ row) => {
        if (!row.sealed) return { row, code: "not-kept" };
        try {
          return { row, ...(await at.reader.open(row.id, bytesOfBase64(row.sealed))) };
        } catch (error) {
          return { row, code: error instanceof LogError ? error.code : "damaged" };
        }
      }),
    );
    // Canaries are no messages. Of days before today the server can't say whose a message was.
    const opened = all.filter(({ sent }) => !sent?.canary && (!answer.user || !sent || sent.user === answer.user));
    // In clear only the day is known.
    const within = opened.filter(({ sent }) => !sent || (sent.at >= at.from && sent.at < at.to));
    within.sort((a, b) => (a.sent?.at ?? a.row.day * 86400000) - (b.sent?.at ?? b.row.day * 86400000));
    await learn(within.map(({ sent }) => sent?.user ?? ""));
    body.append(...within.map(line));
    at.count += within.length;
    at.after = answer.next;
    find("[data-messages-box]").hidden = at.count === 0;
    more.hidden = !answer.next;
    say(at.count ? (box.dataset.textCount ?? "").replace("{}", String(at.count)) : text("none"));
  }

  /** @param {string[]} ids */
  async function learn(ids) {
    const unknown = [...new Set(ids)].filter((id) => id && !names.has(id));
    if (!unknown.length) return;
    const { ok, answer } = await send("/account/messages/names", token, { ids: unknown });
    if (ok) for (const [id, name] of Object.entries(answer.names)) names.set(id, String(name));
  }

  /** @param {any} opened */
  function line({ row, sent, code }) {
    const state = row.error ? `${row.state} (${row.error})` : row.state;
    const cells = sent
      ? [time.format(sent.at), sent.to, sent.carrier, region(sent.country), sent.place]
      : [day.format(row.day * 86400000), text(code), "", "", ""];
    const shown = [...cells, row.channel, state, row.supplier, sent ? (names.get(sent.user) ?? "") : ""];
    const line = document.createElement("tr");
    for (const words of shown) {
      const cell = document.createElement("td");
      const inner = document.createElement("bdi");
      inner.textContent = words;
      cell.append(inner);
      line.append(cell);
    }
    return line;
  }

  /** @param {string} letters */
  function region(letters) {
    try {
      return letters ? (regions.of(letters) ?? letters) : "";
    } catch {
      return letters;
    }
  }

  find("[data-messages-make]").addEventListener("click", async () => {
    try {
      const { secret, publicText } = await makeKey();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([`${secret}\n`], { type: "text/plain" }));
      link.download = "message-log.key";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      find("[data-messages-public]").textContent = publicText;
      say(text("made"));
    } catch {
      say(text("unsupported"), true);
    }
  });
}
