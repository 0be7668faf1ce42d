// @ts-check
// The application: opens what is kept, watches for requests, and leads from one section to the next.

import * as accounts from './accounts.js';
import * as answering from './answering.js';
import * as database from './database.js';
import * as home from './home.js';
import * as lock from './lock.js';
import * as managing from './managing.js';
import * as push from './push.js';
import * as scanner from './scan.js';
import * as settings from './settings.js';
import { Watcher } from './requests.js';
import { button, element, field, on, say, show, shown, trouble, words } from './view.js';

const watcher = new Watcher(
  (found) => {
    if (shown === 'locked' || shown === 'scan') return;
    if (answering.set(found)) return;
    if (shown === 'request') goHome();
    // Not at every news: who is about to press a button of the list must find it where it was.
    else if (shown === 'home' && home.isOutdated()) home.list(manage);
  },
  (reachable) => {
    element('unreachable').hidden = reachable;
  },
);

/** @param {import('./database.js').Account} account */
function manage(account) {
  go('account');
  managing.open(account);
}

/** To another section, from which the browser's way back leads home. @param {string} name */
function go(name) {
  history.pushState({ name }, '');
}

function goHome() {
  show('home');
  home.list(manage);
  button('allow').hidden = !push.isAvailable() || Notification.permission !== 'default' || accounts.all.length === 0;
  watch();
}

function watch() {
  if (document.visibilityState === 'visible' && shown !== 'locked') watcher.start(accounts.all);
  else watcher.stop();
}

/** Reads with the camera until `take` accepts, then returns to the section that was shown. @param {(text: string) => boolean} take */
async function scan(take) {
  const before = shown;
  const ended = new AbortController();
  const back = () => {
    ended.abort();
    show(before);
  };
  button('scan-end').onclick = back;
  show('scan');
  try {
    await scanner.scan(
      /** @type {HTMLVideoElement} */ (/** @type {unknown} */ (element('camera'))),
      (text) => {
        show(before);
        const taken = take(text);
        if (!taken) {
          show('scan');
          trouble(say('errorScan'));
        }
        return taken;
      },
      ended.signal,
    );
  } catch {
    show(before);
    trouble(say('errorCamera'));
  }
}

async function unlock() {
  await lock.open(accounts.all);
  begin();
}

function lockNow() {
  watcher.stop();
  lock.close();
  show('locked');
}

/** After the lock: the link that was followed, or the accounts. */
function begin() {
  const link = location.hash;
  if (link.startsWith('#activate=')) {
    // The code is used once; it has no place in the history.
    history.replaceState(null, '', location.pathname);
    show('home');
    go('add');
    managing.offer(link);
    watch();
    return;
  }
  goHome();
}

async function start() {
  on(button('unlock'), unlock);
  button('forget').addEventListener('click', () => {
    element('forget-sure').hidden = false;
    button('forget-surely').focus();
  });
  on(button('forget-surely'), async () => {
    await database.clear();
    lock.close();
    await accounts.load();
    goHome();
  });
  on(button('go-add'), () => {
    go('add');
    managing.offer('');
    field('link').focus();
  });
  on(button('go-settings'), async () => {
    go('settings');
    await settings.open();
  });
  for (const back of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('[data-back]'))) on(back, goHome);
  window.addEventListener('popstate', () => {
    if (shown !== 'locked') goHome();
  });
  window.addEventListener('hashchange', () => {
    if (shown !== 'locked' && location.hash.startsWith('#activate=')) begin();
  });
  document.addEventListener('visibilitychange', watch);
  navigator.serviceWorker?.addEventListener('message', (event) => {
    if (event.data?.look !== undefined) watch();
  });
  answering.prepare(goHome, scan);
  managing.prepare(goHome, scan);
  settings.prepare(goHome);
  lock.watch(lockNow);
  if (await scanner.isAvailable()) for (const id of ['scan-link', 'scan-answer']) button(id).hidden = false;

  await accounts.load();
  if (await lock.isSet()) show('locked');
  else begin();

  await push.keepOffline(element('words').dataset.worker ?? '').catch(() => undefined);
  const { dataset } = element('words');
  const { pushTitle: title, pushLook: look, pushNotice: notice, icon } = dataset;
  await database.set({ id: 'words', title, look, notice, icon });
  await navigator.storage?.persist?.().catch(() => false);
  if (shown === 'locked') return;
  for (const account of accounts.all) await accounts.refresh(account).catch(() => undefined);
  if (shown === 'home') home.list(manage);
  // Browsers change subscriptions by themselves now and then.
  if (push.isAllowed() && !(await settings.isOff())) {
    for (const account of accounts.all) if (!account.ended) await push.subscribe(account).catch(() => false);
  }
}

start().catch((error) => {
  show('home');
  trouble(words(error));
});
