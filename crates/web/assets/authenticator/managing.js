// @ts-check
// Adding an account, and what can be done with one.

import * as accounts from './accounts.js';
import * as push from './push.js';
import { activation } from './links.js';
import { draw } from './qr.js';
import { button, element, facts, field, note, on, say, show, trouble } from './view.js';

/** @import { Account } from './database.js' */

/** The account that is shown. @type {Account | null} */
let current = null;

/** @param {string} text */
const read = (text) => activation(text, location.origin);

/**
 * @param {() => void} home called when the accounts have changed
 * @param {(take: (text: string) => boolean) => Promise<void>} scan
 */
export function prepare(home, scan) {
  field('link').addEventListener('input', host);
  on(/** @type {HTMLFormElement} */ (element('add')), async () => {
    const link = read(field('link').value);
    if (!link) {
      trouble(say('errorLink'));
      return;
    }
    const account = await accounts.activate(link, field('device').value.trim());
    field('link').value = '';
    if (push.isAllowed()) await push.subscribe(account).catch(() => false);
    note(say('added', { organisation: account.organisation }));
    home();
  });
  on(button('scan-link'), () =>
    scan((text) => {
      if (!read(text)) return false;
      offer(text);
      return true;
    }),
  );
  on(/** @type {HTMLFormElement} */ (element('rename')), async () => {
    if (!current) return;
    await accounts.rename(current, field('name').value.trim());
    open(current);
    note(say('renamed'));
  });
  on(button('move'), async () => {
    if (!current) return;
    const { link, qr } = await accounts.move(current);
    draw(/** @type {SVGSVGElement} */ (/** @type {unknown} */ (element('move-picture'))), qr);
    element('move-link').textContent = link;
    show('move');
  });
  on(button('moved'), async () => {
    if (current) await accounts.refresh(current).catch(() => undefined);
    element('move-link').textContent = '';
    element('move-picture').replaceChildren();
    home();
  });
  button('remove').addEventListener('click', () => {
    element('sure').hidden = false;
    button('remove-surely').focus();
  });
  on(button('remove-surely'), async () => {
    if (!current) return;
    await accounts.remove(current);
    note(say('removed'));
    home();
  });
}

/** Shows the form with a link in it. @param {string} text */
export function offer(text) {
  field('link').value = text;
  field('device').value ||= say('deviceName');
  host();
  show('add');
}

/** Says where the link leads, before anything is sent there. */
function host() {
  const link = read(field('link').value);
  element('where').textContent = link ? say('where', { host: new URL(link.base).host }) : '';
}

/** @param {Account} account */
export function open(account) {
  current = account;
  facts('account', [
    [say('factOrganisation'), account.organisation],
    [say('factUser'), account.username],
    [say('factHost'), new URL(account.base).host],
    [say('factDevice'), account.name],
  ]);
  field('name').value = account.name;
  element('sure').hidden = true;
  element('rename').hidden = account.ended;
  button('move').hidden = account.ended;
  element('account-ended').hidden = !account.ended;
  show('account');
}
