// @ts-check
// The lock: a passkey of this device must be used before the application shows anything.
//
// What it protects, and what not: who picks up an unlocked telephone can't read passcodes or answer requests here. Where the passkey
// can give a secret (WebAuthn's PRF), the keys of accounts that are added under the lock are encrypted with it, so that they are of no
// use to who copies the browser's files. It doesn't protect from a program that controls the browser while it is unlocked.

import { utf8 } from './bytes.js';
import * as database from './database.js';
import * as keys from './keys.js';

/** @import { Account, Lock } from './database.js' */

/** So long may the application be out of sight without being locked again, in milliseconds. */
const AWAY = 120_000;

/** Encrypts keys while the application is unlocked, where the lock can. @type {CryptoKey | null} */
export let sealer = null;

/** @returns {Promise<Lock | undefined>} */
const kept = () => database.setting('lock');

export const isAvailable = () => 'PublicKeyCredential' in window;
export const isSet = async () => Boolean(await kept());

/** Asks the passkey, with the person's finger, face or number. @param {Lock} lock @param {AuthenticatorTransport[]} [transports] */
async function prove(lock, transports) {
  const allowed = lock.credential.length > 0 ? [{ type: /** @type {const} */ ('public-key'), id: lock.credential, transports }] : [];
  const given = /** @type {PublicKeyCredential | null} */ (
    await navigator.credentials.get({
      publicKey: {
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        rpId: location.hostname,
        userVerification: 'required',
        allowCredentials: allowed,
        extensions: { prf: { eval: { first: lock.salt } } },
      },
    })
  );
  if (!given) throw new Error('no passkey');
  const response = /** @type {AuthenticatorAssertionResponse} */ (given.response);
  // Flag 2 of the authenticator data: the person was verified (WebAuthn §6.1).
  if (!(new Uint8Array(response.authenticatorData)[32] & 4)) throw new Error('not verified');
  const first = given.getClientExtensionResults().prf?.results?.first;
  return { credential: new Uint8Array(given.rawId), secret: first ? await sealerOf(first) : null };
}

/** @param {BufferSource} secret */
async function sealerOf(secret) {
  const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: utf8('countersign authenticator lock') };
  return crypto.subtle.deriveKey(how, key, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

/** Locks from now on with a passkey that the person has at this host. */
export async function setWithOwn() {
  const lock = { id: 'lock', credential: new Uint8Array(), salt: crypto.getRandomValues(new Uint8Array(32)), seals: false };
  const { credential, secret } = await prove(lock);
  await database.set({ ...lock, credential, seals: secret !== null });
  sealer = secret;
}

/** Locks from now on with a passkey that is made for it, on this device. @param {string} name */
export async function setWithNew(name) {
  const made = /** @type {PublicKeyCredential | null} */ (
    await navigator.credentials.create({
      publicKey: {
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        rp: { id: location.hostname, name },
        user: { id: crypto.getRandomValues(new Uint8Array(16)), name, displayName: name },
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }, { type: 'public-key', alg: -257 }],
        authenticatorSelection: { authenticatorAttachment: 'platform', residentKey: 'discouraged', userVerification: 'required' },
        extensions: { prf: {} },
      },
    })
  );
  if (!made) throw new Error('no passkey');
  const lock = {
    id: 'lock',
    credential: new Uint8Array(made.rawId),
    salt: crypto.getRandomValues(new Uint8Array(32)),
    seals: made.getClientExtensionResults().prf?.enabled === true,
  };
  await database.set({ ...lock });
  // Where it seals, the secret comes with the first use.
  if (lock.seals) sealer = (await prove(lock, ['internal'])).secret;
}

/** Opens the lock, and the keys that it has sealed. @param {Account[]} accounts */
export async function open(accounts) {
  const lock = await kept();
  if (!lock) return;
  const { secret } = await prove(lock);
  sealer = secret;
  if (!secret) return;
  for (const account of accounts) await keys.unseal(account, secret);
}

/** Takes the lock away; it must be open. @param {Account[]} accounts */
export async function remove(accounts) {
  for (const account of accounts) {
    keys.unlockForGood(account);
    await database.keep(account);
  }
  await database.unset('lock');
  sealer = null;
}

/** Forgets what the lock has opened. */
export function close() {
  sealer = null;
  keys.reseal();
}

/** Calls `lockNow` when the application comes back after it was out of sight for long. @param {() => void} lockNow */
export function watch(lockNow) {
  let since = 0;
  document.addEventListener('visibilitychange', async () => {
    if (document.visibilityState === 'hidden') since = Date.now();
    else if (since && Date.now() - since > AWAY && (await isSet())) lockNow();
  });
}
