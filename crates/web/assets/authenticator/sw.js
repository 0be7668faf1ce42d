// @ts-check
/// <reference lib="webworker" />
// The part that runs without a page: keeps the application for when there is no network, and shows a notice when a push comes.
//
// A push says "look" and nothing more; what is to be seen, the page asks for by its own signed request. The worker has no key.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

const RELEASE = new URL(worker.location.href).searchParams.get('assets') ?? '';
const CACHE = `countersign-authenticator-${RELEASE}`;
const PAGE = '/authenticator/';
const MODULES = [
  'accounts', 'answering', 'api', 'app', 'bytes', 'database', 'home', 'keys', 'links', 'lock', 'managing', 'push', 'qr', 'requests',
  'scan', 'settings', 'totp', 'view',
];
const FILES = [
  'page.css',
  'icon.svg',
  'authenticator/app.css',
  'authenticator/icon-192.png',
  ...MODULES.map((name) => `authenticator/${name}.js`),
].map((name) => `/assets/${RELEASE}/${name}`);

/** One registration keeps the application; those below it are for pushes only. */
const isShell = () => new URL(worker.registration.scope).pathname === PAGE && RELEASE !== '';

worker.addEventListener('install', (event) => {
  const keep = async () => {
    if (isShell()) await (await caches.open(CACHE)).addAll([PAGE, ...FILES]);
    await worker.skipWaiting();
  };
  event.waitUntil(keep());
});

worker.addEventListener('activate', (event) => {
  const tidy = async () => {
    if (!isShell()) return;
    const names = (await caches.keys()).filter((name) => name.startsWith('countersign-authenticator-') && name !== CACHE);
    await Promise.all(names.map((name) => caches.delete(name)));
    await worker.clients.claim();
  };
  event.waitUntil(tidy());
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== worker.location.origin || !isShell()) return;
  if (request.mode === 'navigate' && url.pathname === PAGE) event.respondWith(page(request));
  else if (url.pathname.startsWith('/assets/') || url.pathname.startsWith('/brand/')) event.respondWith(file(request));
});

/** The network's, where there is one; else the one that was kept. @param {Request} request */
async function page(request) {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await cache.put(PAGE, fresh.clone());
    return fresh;
  } catch (error) {
    const kept = await cache.match(PAGE);
    if (kept) return kept;
    throw error;
  }
}

/** The address names the content, so what was kept is good. @param {Request} request */
async function file(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept) return kept;
  const fresh = await fetch(request);
  if (fresh.ok) await cache.put(request, fresh.clone());
  return fresh;
}

worker.addEventListener('push', (event) => {
  const show = async () => {
    let said;
    try {
      said = event.data?.json();
    } catch {
      said = null;
    }
    const look = typeof said?.look === 'string';
    // An open page looks at once, whatever becomes of the notice.
    for (const page of await pages()) page.postMessage({ look });
    const words = await texts();
    // The notice says nothing of who or what: it stands on locked screens.
    await worker.registration.showNotification(words.title, {
      body: look ? words.look : words.notice,
      tag: look ? 'look' : 'notice',
      icon: words.icon,
      badge: words.icon,
      requireInteraction: look,
    });
  };
  event.waitUntil(show());
});

worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const go = async () => {
    const [open] = await pages();
    if (open) await open.focus();
    else await worker.clients.openWindow(PAGE);
  };
  event.waitUntil(go());
});

/** The application's windows. */
async function pages() {
  const windows = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  return windows.filter((page) => new URL(page.url).pathname === PAGE);
}

/** The page leaves its words in the person's language where the worker finds them. */
function texts() {
  const otherwise = { title: 'Authenticator', look: 'Open to see.', notice: 'Open to see.', icon: undefined };
  return new Promise((resolve) => {
    const asked = indexedDB.open('countersign-authenticator', 1);
    asked.onerror = () => resolve(otherwise);
    asked.onupgradeneeded = () => asked.transaction?.abort();
    asked.onsuccess = () => {
      const found = asked.result.transaction('settings').objectStore('settings').get('words');
      found.onerror = () => resolve(otherwise);
      found.onsuccess = () => {
        asked.result.close();
        resolve(found.result ?? otherwise);
      };
    };
  });
}
