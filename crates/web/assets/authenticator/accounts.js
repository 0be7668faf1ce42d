// @ts-check
// The accounts on this device: added by a link, renamed, moved to another telephone, removed.

import * as api from './api.js';
import * as database from './database.js';
import * as keys from './keys.js';
import * as lock from './lock.js';
import * as push from './push.js';

/** @import { Account } from './database.js' @import { Activation } from './links.js' */

/** All accounts of this device, as they are kept. @type {Account[]} */
export let all = [];

export async function load() {
  all = await database.accounts();
  return all;
}

/** @param {string} id */
export const find = (id) => all.find((account) => account.id === id);

/**
 * Makes a key and attaches it to the account that the link is for.
 * @param {Activation} link
 * @param {string} name what the device is called
 */
export async function activate(link, name) {
  const made = await keys.make();
  const answer = await api.open(link.base, 'POST', '/authenticator/v1/activate', {
    tenant: link.tenant,
    code: link.code,
    public_key: made.public,
    name,
    totp: true,
  });
  /** @type {Account} */
  const account = {
    id: `${answer.tenant}.${answer.phone}`,
    base: link.base,
    tenant: answer.tenant,
    phone: answer.phone,
    organisation: '',
    username: '',
    name,
    key: null,
    passcodes: answer.totp ? { key: null, digits: answer.totp.digits, period: answer.totp.period } : null,
    sealed: null,
    endpoint: '',
    clock: 0,
    ended: false,
  };
  await keys.put(account, made, answer.totp?.secret ?? null, lock.sealer);
  // Kept before anything else is asked: the code is used up, and this key is all that there is.
  await database.keep(account);
  await load();
  const kept = find(account.id) ?? account;
  await refresh(kept).catch(() => undefined);
  return kept;
}

/** Asks the server whose the account is. @param {Account} account */
export async function refresh(account) {
  try {
    const told = await api.signed(account, 'GET', '/authenticator/v1/account');
    account.organisation = told.organisation;
    account.username = told.username;
    account.name = told.name;
    if (!told.push) account.endpoint = '';
    account.ended = false;
  } catch (error) {
    if (!hasEnded(error)) throw error;
    account.ended = true;
  }
  await database.keep(account);
}

/** Whether the server knows the device no more. @param {unknown} error */
export const hasEnded = (error) => error instanceof api.Refused && error.status === 401 && error.kind === 'unauthorized';

/** @param {Account} account @param {string} name */
export async function rename(account, name) {
  await api.signed(account, 'POST', '/authenticator/v1/account', { name });
  account.name = name;
  await database.keep(account);
}

/** A link for the next telephone, and the picture of it. @param {Account} account */
export const move = (account) => api.signed(account, 'POST', '/authenticator/v1/move', {});

/** Ends the device at the server, then here. @param {Account} account */
export async function remove(account) {
  if (!account.ended) {
    await api.signed(account, 'DELETE', '/authenticator/v1/account').catch((error) => {
      if (!hasEnded(error)) throw error;
    });
  }
  await push.forget(account, all);
  await database.forget(account.id);
  await load();
}
