// @ts-check
// The device's keys. They are made here and stay here: what is kept can sign, and can't be exported, not by this page either.
//
// Where the lock can encrypt (see lock.js), the bytes of a new key are encrypted as it is made, and only that is kept; the key is
// there while the application is unlocked.

import { fromBase32, toBase64url, toDer, utf8 } from './bytes.js';

/** @import { Account } from './database.js' */

const SIGNING = { name: 'ECDSA', namedCurve: 'P-256' };
const PASSCODE = { name: 'HMAC', hash: 'SHA-1' };

/** @typedef {{ key: CryptoKey, passcode: CryptoKey | null }} Keys */

/** The keys of sealed accounts, while the application is unlocked, by account. @type {Map<string, Keys>} */
const unsealed = new Map();

/** A new key: its public part as the server takes it, and the means to keep the private part. */
export async function make() {
  // Exportable for the moment in which it may have to be sealed; what is kept is a copy that isn't.
  const pair = await crypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
  const point = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const private_ = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  const key = await importSigning(private_);
  return { public: toBase64url(point), key, private: private_ };
}

/** @param {Uint8Array<ArrayBuffer>} pkcs8 */
const importSigning = (pkcs8) => crypto.subtle.importKey('pkcs8', pkcs8, SIGNING, false, ['sign']);
/** @param {Uint8Array<ArrayBuffer>} seed */
const importPasscode = (seed) => crypto.subtle.importKey('raw', seed, PASSCODE, false, ['sign']);

/**
 * Puts the keys into an account: as keys that can't be exported, or sealed under `sealer`.
 * @param {Account} account
 * @param {{ key: CryptoKey, private: Uint8Array<ArrayBuffer> }} made
 * @param {string | null} seed base 32
 * @param {CryptoKey | null} sealer
 */
export async function put(account, made, seed, sealer) {
  const bytes = seed ? fromBase32(seed) : null;
  const passcode = bytes ? await importPasscode(bytes) : null;
  if (sealer) {
    const both = new Uint8Array(2 + made.private.length + (bytes?.length ?? 0));
    both.set([made.private.length >> 8, made.private.length & 0xff]);
    both.set(made.private, 2);
    if (bytes) both.set(bytes, 2 + made.private.length);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: utf8(account.id) }, sealer, both);
    account.sealed = { iv, data };
    unsealed.set(account.id, { key: made.key, passcode });
    both.fill(0);
  } else {
    account.key = made.key;
    if (account.passcodes) account.passcodes.key = passcode;
  }
  made.private.fill(0);
  bytes?.fill(0);
}

/** Opens an account's sealed keys. @param {Account} account @param {CryptoKey} sealer */
export async function unseal(account, sealer) {
  if (!account.sealed) return;
  const { iv, data } = account.sealed;
  const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: utf8(account.id) }, sealer, data);
  const both = new Uint8Array(plain);
  const length = (both[0] << 8) | both[1];
  const seed = both.slice(2 + length);
  unsealed.set(account.id, {
    key: await importSigning(both.slice(2, 2 + length)),
    passcode: seed.length > 0 ? await importPasscode(seed) : null,
  });
  both.fill(0);
  seed.fill(0);
}

/** Keeps an account's keys without the lock from now on. @param {Account} account */
export function unlockForGood(account) {
  const keys = unsealed.get(account.id);
  if (!account.sealed || !keys) return;
  account.key = keys.key;
  if (account.passcodes) account.passcodes.key = keys.passcode;
  account.sealed = null;
}

/** Forgets what was unsealed. */
export const reseal = () => unsealed.clear();

/** The key that makes passcodes; null where there is none, or while it is sealed. @param {Account} account */
export const passcodeKey = (account) => unsealed.get(account.id)?.passcode ?? account.passcodes?.key ?? null;

/** Signs, and gives DER in base64url. @param {Account} account @param {string} text */
export async function sign(account, text) {
  const key = unsealed.get(account.id)?.key ?? account.key;
  if (!key) throw new Error('locked');
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, utf8(text));
  return toBase64url(toDer(signature));
}
