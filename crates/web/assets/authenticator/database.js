// @ts-check
// What the application keeps on the device: accounts with their keys, and a few settings. Keys are kept as the browser's own key
// objects, which can sign and never give their bytes away.

/**
 * @typedef {object} Passcodes
 * @property {CryptoKey | null} key HMAC; null while it is sealed
 * @property {number} digits
 * @property {number} period seconds
 *
 * @typedef {object} Account
 * @property {string} id tenant and phone, with a dot between
 * @property {string} base the server's origin
 * @property {string} tenant
 * @property {string} phone
 * @property {string} organisation
 * @property {string} username
 * @property {string} name what the device is called there
 * @property {CryptoKey | null} key signs; null while it is sealed
 * @property {Passcodes | null} passcodes
 * @property {{ iv: Uint8Array<ArrayBuffer>, data: ArrayBuffer } | null} sealed both keys, encrypted by the lock
 * @property {string} endpoint where its pushes go; empty for none
 * @property {number} clock how far this device's clock is behind the server's, in milliseconds
 * @property {boolean} ended the server knows the device no more
 *
 * @typedef {object} Lock
 * @property {string} id
 * @property {Uint8Array<ArrayBuffer>} credential
 * @property {Uint8Array<ArrayBuffer>} salt
 * @property {boolean} seals whether it also encrypts keys
 */

const NAME = 'countersign-authenticator';

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore('accounts', { keyPath: 'id' });
      asked.result.createObjectStore('settings', { keyPath: 'id' });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

/**
 * @template T
 * @param {'accounts' | 'settings'} store
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function run(store, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode);
    const asked = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

/** @returns {Promise<Account[]>} */
export const accounts = () => run('accounts', 'readonly', (store) => store.getAll());
/** @param {Account} account */
export const keep = (account) => run('accounts', 'readwrite', (store) => store.put(account));
/** @param {string} id */
export const forget = (id) => run('accounts', 'readwrite', (store) => store.delete(id));
/** @param {string} id */
export const setting = (id) => run('settings', 'readonly', (store) => store.get(id));
/** @param {{ id: string, [name: string]: unknown }} value */
export const set = (value) => run('settings', 'readwrite', (store) => store.put(value));
/** @param {string} id */
export const unset = (id) => run('settings', 'readwrite', (store) => store.delete(id));

/** Everything goes: the only way past a lock whose passkey is lost. */
export async function clear() {
  await run('accounts', 'readwrite', (store) => store.clear());
  await run('settings', 'readwrite', (store) => store.clear());
}
