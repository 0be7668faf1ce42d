// @ts-check
// Settings of the application: the lock, and being woken.

import * as accounts from './accounts.js';
import * as database from './database.js';
import * as lock from './lock.js';
import * as push from './push.js';
import { button, element, note, on, say, show } from './view.js';

/** @param {() => void} home */
export function prepare(home) {
  on(button('lock-own'), () => locked(lock.setWithOwn()));
  on(button('lock-new'), () => locked(lock.setWithNew(say('lockName'))));
  on(button('lock-off'), async () => {
    await lock.remove(accounts.all);
    note(say('lockIsOff'));
    await open();
  });
  for (const id of ['allow', 'push-on']) {
    on(button(id), async () => {
      await subscribe();
      if (id === 'allow') home();
      else await open();
    });
  }
  on(button('push-off'), async () => {
    for (const account of accounts.all) {
      await push.unsubscribe(account, accounts.all);
      account.endpoint = '';
      await database.keep(account);
    }
    await database.set({ id: 'push', off: true });
    await open();
  });
}

/** @param {Promise<void>} setting */
async function locked(setting) {
  await setting;
  note(lock.sealer ? say('lockSeals') : say('lockIsOn'));
  await open();
}

/** Asks the person, and subscribes every account. */
async function subscribe() {
  if (!(await push.allow())) {
    note(say('pushRefused'));
    return;
  }
  await database.unset('push');
  let all = true;
  for (const account of accounts.all) {
    if (!account.ended) all = (await push.subscribe(account).catch(() => false)) && all;
  }
  note(all ? say('pushIsOn') : say('pushFailed'));
}

/** Whether the person has said that there be no pushes. */
export const isOff = async () => (await database.setting('push'))?.off === true;

export async function open() {
  const isLocked = await lock.isSet();
  element('lock-part').hidden = !lock.isAvailable();
  button('lock-own').hidden = isLocked;
  button('lock-new').hidden = isLocked;
  button('lock-off').hidden = !isLocked;
  const on = push.isAllowed() && accounts.all.some((account) => account.endpoint);
  element('push-part').hidden = !push.isAvailable();
  button('push-on').hidden = on || accounts.all.length === 0;
  button('push-off').hidden = !on;
  show('settings');
}
