// @ts-check
// Being woken: a subscription with the browser's push service for each organisation, told to the organisation's server.
//
// A browser holds one subscription for each registration of a service worker, bound to one key of one organisation. So each
// organisation has a registration of its own, whose scope is a folder below this page's.

import { fromBase64url } from './bytes.js';
import { open, signed } from './api.js';
import * as database from './database.js';

/** @import { Account } from './database.js' */

const WORKER = '/authenticator/sw.js';

export const isAvailable = () => 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;
export const isAllowed = () => isAvailable() && Notification.permission === 'granted';

/** Keeps the application for when there is no network. @param {string} address the worker's, with the release in it */
export async function keepOffline(address) {
  if ('serviceWorker' in navigator) await navigator.serviceWorker.register(address, { scope: '/authenticator/' });
}

/** Asks the person. Needs a tap. */
export const allow = async () => (await Notification.requestPermission()) === 'granted';

/** @param {string} tenant */
async function registration(tenant) {
  const registered = await navigator.serviceWorker.register(WORKER, { scope: `/authenticator/push/${tenant}/` });
  const worker = registered.installing ?? registered.waiting;
  if (!registered.active && worker) {
    await new Promise((resolve) => {
      worker.addEventListener('statechange', () => worker.state === 'activated' && resolve(undefined));
    });
  }
  return registered;
}

/**
 * Subscribes an account, or does nothing where it is subscribed. Whether it is, at the end.
 * @param {Account} account
 */
export async function subscribe(account) {
  const { public_key: key } = await open(account.base, 'GET', `/authenticator/v1/push_key?tenant=${account.tenant}`);
  if (!key) return false;
  const registered = await registration(account.tenant);
  let subscription = await registered.pushManager.getSubscription();
  if (subscription && !isFor(subscription, key)) {
    await subscription.unsubscribe();
    subscription = null;
  }
  const applicationServerKey = fromBase64url(key);
  subscription ??= await registered.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  if (subscription.endpoint !== account.endpoint) {
    await signed(account, 'POST', '/authenticator/v1/subscription', { subscription: subscription.toJSON() });
    account.endpoint = subscription.endpoint;
    await database.keep(account);
  }
  return true;
}

/** @param {PushSubscription} subscription @param {string} key */
function isFor(subscription, key) {
  const bound = subscription.options.applicationServerKey;
  const wanted = fromBase64url(key);
  return bound !== null && new Uint8Array(bound).every((byte, at) => byte === wanted[at]);
}

/** Ends an account's pushes, and the browser's subscription when no other account needs it. @param {Account} account @param {Account[]} all */
export async function unsubscribe(account, all) {
  if (account.endpoint) {
    await signed(account, 'POST', '/authenticator/v1/subscription', { subscription: null }).catch(() => undefined);
  }
  await forget(account, all);
}

/** As above, without a word to the server. @param {Account} account @param {Account[]} all */
export async function forget(account, all) {
  if (!('serviceWorker' in navigator)) return;
  const needed = all.some((other) => other.id !== account.id && other.tenant === account.tenant && other.endpoint);
  const scope = new URL(`/authenticator/push/${account.tenant}/`, location.href).href;
  const registered = (await navigator.serviceWorker.getRegistrations()).find((one) => one.scope === scope);
  if (!needed) await registered?.unregister();
}
