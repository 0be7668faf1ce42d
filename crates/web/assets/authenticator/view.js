// @ts-check
// The page: one of its sections is shown at a time. Every word comes from the page itself, in the person's language.

import { Refused } from './api.js';

/** @param {string} id @returns {HTMLElement} */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no ${id}`);
  return found;
}

/** @param {string} id */
export const field = (id) => /** @type {HTMLInputElement} */ (element(id));
/** @param {string} id */
export const button = (id) => /** @type {HTMLButtonElement} */ (element(id));

/** A text of the page; `{name}` in it is replaced. @param {string} key @param {Record<string, string>} [values] */
export function say(key, values = {}) {
  const text = element('words').dataset[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

const sections = () => /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-view]'));

/** Which section is shown. */
export let shown = '';

/** Shows a section, and tells readers of the page by its heading. @param {string} name */
export function show(name) {
  if (name === shown) return;
  shown = name;
  for (const section of sections()) section.hidden = section.dataset.view !== name;
  const section = [...sections()].find((one) => one.dataset.view === name);
  const title = element('title');
  title.textContent = section?.dataset.title ?? '';
  trouble('');
  if (!isNew) element('note').textContent = '';
  title.focus();
}

/** What went wrong, or nothing. @param {string} text */
export function trouble(text) {
  element('trouble').hidden = text === '';
  element('trouble-text').textContent = text;
}

/** Whether the note belongs to the section that is shown next. */
let isNew = false;

/** A short word that needs no answer; it goes with the section after the next. @param {string} text */
export function note(text) {
  element('note').textContent = text;
  isNew = true;
  setTimeout(() => (isNew = false));
}

/** @param {unknown} error */
export function words(error) {
  if (!(error instanceof Refused)) return error instanceof TypeError ? say('errorNetwork') : say('errorOther');
  switch (error.kind) {
    case 'clock':
      return say('errorClock');
    case 'limited':
      return say('errorLimited');
    case 'last':
      return say('errorLast');
    case 'unavailable':
      return say('errorNetwork');
    case 'unauthorized':
      return say('errorEnded');
    default:
      return say('errorRefused');
  }
}

/**
 * Does `work` when the button is pressed, once at a time, and says what went wrong.
 * @param {HTMLButtonElement | HTMLFormElement} what
 * @param {() => Promise<void> | void} work
 */
export function on(what, work) {
  const pressed = what instanceof HTMLFormElement ? what.querySelector('button') : what;
  what.addEventListener(what instanceof HTMLFormElement ? 'submit' : 'click', async (event) => {
    event.preventDefault();
    if (pressed?.disabled) return;
    trouble('');
    pressed?.setAttribute('aria-busy', 'true');
    if (pressed) pressed.disabled = true;
    try {
      await work();
    } catch (error) {
      trouble(words(error));
    } finally {
      pressed?.removeAttribute('aria-busy');
      if (pressed) pressed.disabled = false;
    }
  });
}

/** Fills a list of facts; what is empty is left out. @param {string} id @param {[string, string | null | undefined][]} rows */
export function facts(id, rows) {
  const list = element(id);
  list.replaceChildren();
  for (const [name, value] of rows) {
    if (!value) continue;
    const row = document.createElement('div');
    const term = document.createElement('dt');
    const said = document.createElement('dd');
    const text = document.createElement('bdi');
    term.textContent = name;
    text.textContent = value;
    said.append(text);
    row.append(term, said);
    list.append(row);
  }
}
