// @ts-check
// Requests to a server, each signed by the account's own key. No cookie goes with them, so they may go to another host.

import { toHex, utf8 } from './bytes.js';
import * as database from './database.js';
import { sign } from './keys.js';

/** @import { Account } from './database.js' */

/** The server said no. */
export class Refused extends Error {
  /** @param {number} status @param {string} kind @param {string} message */
  constructor(status, kind, message) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/**
 * @param {string} base @param {string} method @param {string} path @param {Record<string, string>} headers
 * @param {string} body @param {AbortSignal} [signal]
 */
async function ask(base, method, path, headers, body, signal) {
  if (body) headers['Content-Type'] = 'application/json';
  const answer = await fetch(base + path, {
    method,
    headers,
    body: body || undefined,
    signal,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
  });
  const said = await answer.json().catch(() => ({}));
  return { status: answer.status, said };
}

/** Without a signature. @param {string} base @param {string} method @param {string} path @param {object} [content] */
export async function open(base, method, path, content) {
  const { status, said } = await ask(base, method, path, {}, content ? JSON.stringify(content) : '');
  if (status !== 200) throw new Refused(status, String(said.error), String(said.message));
  return said;
}

/**
 * Signed as the account's device.
 * @param {Account} account @param {string} method @param {string} path
 * @param {object} [content] @param {AbortSignal} [signal]
 */
export async function signed(account, method, path, content, signal) {
  const body = content ? JSON.stringify(content) : '';
  const hash = toHex(await crypto.subtle.digest('SHA-256', utf8(body)));
  for (let again = 0; ; again += 1) {
    const at = Date.now() + account.clock;
    const signature = await sign(account, `countersign-device-v1\n${method}\n${path}\n${at}\n${hash}`);
    const proof = `Countersign-Device ${account.tenant}.${account.phone}.${at}.${signature}`;
    const { status, said } = await ask(account.base, method, path, { Authorization: proof }, body, signal);
    if (status === 200) return said;
    if (said.error === 'clock' && Number.isSafeInteger(said.now) && again === 0) {
      // This device's clock is wrong: the server's is used from now on.
      account.clock = said.now - Date.now();
      await database.keep(account);
      continue;
    }
    throw new Refused(status, String(said.error), String(said.message));
  }
}
