// @ts-check
// The first section: the accounts, each with its passcode.

import * as accounts from './accounts.js';
import { passcodeKey } from './keys.js';
import { left, passcode } from './totp.js';
import { element, say, shown } from './view.js';

/** @import { Account } from './database.js' */

/** @type {Map<string, { item: HTMLElement, step: number }>} */
const items = new Map();

/** What of the accounts the list shows, in one text. */
const state = () => accounts.all.map(({ id, organisation, username, ended }) => [id, organisation, username, ended].join('\n')).join('\0');
let listed = '';

/** Whether the list shows something else than there is: an account may have ended meanwhile. */
export const isOutdated = () => listed !== state();

/** @param {(account: Account) => void} open */
export function list(open) {
  listed = state();
  const place = element('accounts');
  const blank = /** @type {HTMLTemplateElement} */ (element('account-item'));
  items.clear();
  place.replaceChildren();
  for (const account of accounts.all) {
    const item = /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (blank.content.cloneNode(true)).firstElementChild);
    part(item, 'organisation').textContent = account.organisation || new URL(account.base).hostname;
    part(item, 'username').textContent = account.username;
    part(item, 'ended').hidden = !account.ended;
    part(item, 'codes').hidden = account.ended || !passcodeKey(account);
    const manage = part(item, 'manage');
    manage.setAttribute('aria-label', say('manageAccount', { account: `${account.organisation} ${account.username}` }));
    manage.addEventListener('click', () => open(account));
    place.append(item);
    items.set(account.id, { item, step: -1 });
  }
  element('empty').hidden = accounts.all.length > 0;
  element('watching').hidden = accounts.all.every((account) => account.ended);
  void tick();
}

/** @param {HTMLElement} item @param {string} name @returns {HTMLElement} */
function part(item, name) {
  const found = /** @type {HTMLElement | null} */ (item.querySelector(`[data-of="${name}"]`));
  if (!found) throw new Error(`no ${name}`);
  return found;
}

/** Shows the passcodes of now. */
async function tick() {
  if (shown !== 'home') return;
  for (const account of accounts.all) {
    const shownItem = items.get(account.id);
    const key = passcodeKey(account);
    if (!shownItem || !key || !account.passcodes || account.ended) continue;
    const now = Date.now() + account.clock;
    const { period, digits } = account.passcodes;
    const remaining = left(now, period);
    const bar = /** @type {HTMLProgressElement} */ (part(shownItem.item, 'left'));
    bar.max = period;
    bar.value = remaining;
    const step = Math.floor(now / 1000 / period);
    if (step === shownItem.step) continue;
    shownItem.step = step;
    const code = await passcode(key, now, period, digits);
    part(shownItem.item, 'passcode').textContent = `${code.slice(0, digits / 2)} ${code.slice(digits / 2)}`;
  }
}

setInterval(tick, 1000);
