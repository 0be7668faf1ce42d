// @ts-check
// A request that waits: what it is about, and the owner's answer.

import { answer } from './requests.js';
import { approval } from './links.js';
import { button, element, facts, field, note, on, say, show, shown, trouble } from './view.js';

/** @import { Found } from './requests.js' */

/** The one that is shown. @type {Found | null} */
let current = null;
/** All that wait. @type {Found[]} */
let waiting = [];
/** Those that were answered here: the server may still name them for a moment. @type {Set<string>} */
const answered = new Set();

/** Where to go when nothing waits. */
let leave = () => {};

/** @param {() => void} home @param {(take: (text: string) => boolean) => Promise<void>} scan */
export function prepare(home, scan) {
  leave = home;
  on(/** @type {HTMLFormElement} */ (element('answer')), async () => {
    const code = field('digits').value.replace(/\D/g, '');
    if (current?.request.typed && code.length !== 6) {
      trouble(say('errorDigits'));
      field('digits').focus();
      return;
    }
    await give('approve', code);
  });
  on(button('deny'), () => give('deny'));
  on(button('fraud'), () => give('fraud'));
  on(button('scan-answer'), () =>
    scan((text) => {
      const read = approval(text);
      const shownOne = current;
      if (!read || !shownOne || read.attempt !== shownOne.request.id || read.tenant !== shownOne.account.tenant) return false;
      field('digits').value = read.code;
      void give('approve', read.code).catch(() => trouble(say('errorOther')));
      return true;
    }),
  );
  setInterval(count, 1000);
}

/** @param {'approve' | 'deny' | 'fraud'} what @param {string} [code] */
async function give(what, code) {
  const found = current;
  if (!found) return;
  const counted = await answer(found, what, found.request.typed ? code : undefined);
  answered.add(found.request.id);
  field('digits').value = '';
  if (what === 'approve') note(counted ? say('approved') : say('notApproved'));
  else note(what === 'deny' ? say('denied') : say('reported'));
  element('note').classList.toggle('bad', what === 'approve' && !counted);
  if (!next()) leave();
}

/** Takes over what waits now. Whether there is something to show. @param {Found[]} found */
export function set(found) {
  waiting = found;
  return next();
}

function next() {
  const still = waiting.filter(({ request }) => !answered.has(request.id) && request.expires * 1000 > Date.now() - 5000);
  // The one that is shown stays, so that nobody answers another than he reads.
  current = still.find(({ request }) => request.id === current?.request.id) ?? still[0] ?? null;
  if (current) draw(current);
  return current !== null;
}

/** @type {string} */
let drawn = '';

/** @param {Found} found */
function draw({ account, request }) {
  if (drawn === request.id && shown === 'request') return;
  if (drawn !== request.id) field('digits').value = '';
  drawn = request.id;
  const when = new Date(request.created * 1000).toLocaleTimeString(document.documentElement.lang, { timeStyle: 'short' });
  facts('request', [
    [say('factApplication'), request.application],
    [say('factOrganisation'), account.organisation],
    [say('factUser'), request.username],
    [say('factPlace'), request.place],
    [say('factAddress'), request.ip],
    [say('factBrowser'), request.browser],
    [say('factSystem'), request.os],
    [say('factMachine'), request.hostname],
    [say('factTime'), when],
    ...request.details,
  ]);
  element('typed').hidden = !request.typed;
  field('digits').required = request.typed;
  element('note').textContent = '';
  show('request');
  count();
  navigator.vibrate?.(200);
}

function count() {
  if (shown !== 'request') return;
  const seconds = current ? Math.ceil(current.request.expires - (Date.now() + current.account.clock) / 1000) : 0;
  element('left').textContent = say('left', { seconds: String(Math.max(0, seconds)) });
  if (seconds <= 0 && !next()) leave();
}
