// @ts-check
// The requests that wait for an answer: asked for again and again while the application is in sight, and at once when a push wakes it.

import * as api from './api.js';
import * as database from './database.js';
import { hasEnded } from './accounts.js';

/** @import { Account } from './database.js' */

/**
 * @typedef {object} Waiting
 * @property {string} id
 * @property {string} application
 * @property {string} username
 * @property {string | null} ip
 * @property {string} place
 * @property {string} browser
 * @property {string} os
 * @property {string} hostname
 * @property {[string, string][]} details
 * @property {boolean} typed
 * @property {number} created Unix seconds
 * @property {number} expires Unix seconds
 *
 * @typedef {{ account: Account, request: Waiting }} Found
 */

/** So many accounts are asked with a long breath; a browser opens six connections to a host, and needs some for the rest. */
const LONG = 3;
/** Pauses in milliseconds: between short questions, and after a failure. */
const PAUSE = 4_000;
const AFTER_FAILURE = 5_000;

export class Watcher {
  /**
   * @param {(found: Found[]) => void} onNews what waits now, of all accounts
   * @param {(reachable: boolean) => void} onState whether the servers can be reached
   */
  constructor(onNews, onState) {
    this.onNews = onNews;
    this.onState = onState;
    /** @type {Map<string, Found[]>} */
    this.found = new Map();
    this.running = new AbortController();
    this.running.abort();
  }

  /** Begins anew with these accounts. @param {Account[]} accounts */
  start(accounts) {
    this.stop();
    this.running = new AbortController();
    this.found.clear();
    const asked = accounts.filter((account) => !account.ended);
    for (const account of asked) void this.watch(account, asked.length <= LONG ? 30 : 0, this.running.signal);
  }

  stop() {
    this.running.abort();
  }

  /** @param {Account} account @param {number} wait seconds @param {AbortSignal} signal */
  async watch(account, wait, signal) {
    // The first question is short, so that what waits already is seen at once.
    let patience = 0;
    while (!signal.aborted) {
      let pause = wait > 0 ? 0 : PAUSE;
      try {
        const { requests } = await api.signed(account, 'GET', `/authenticator/v1/requests?wait=${patience}`, undefined, signal);
        if (signal.aborted) return;
        this.onState(true);
        this.tell(account, requests);
        // While something waits, the server answers at once.
        if (requests.length > 0) pause = PAUSE;
        patience = wait;
      } catch (error) {
        if (signal.aborted) return;
        if (hasEnded(error)) {
          account.ended = true;
          await database.keep(account);
          this.tell(account, []);
          return;
        }
        this.onState(false);
        pause = AFTER_FAILURE;
      }
      if (pause) await sleep(pause, signal);
    }
  }

  /** @param {Account} account @param {Waiting[]} requests */
  tell(account, requests) {
    this.found.set(account.id, requests.map((request) => ({ account, request })));
    this.onNews([...this.found.values()].flat().sort((one, other) => one.request.created - other.request.created));
  }
}

/** @param {number} time @param {AbortSignal} signal */
function sleep(time, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time, undefined);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

/**
 * Whether the answer counted.
 * @param {Found} found @param {'approve' | 'deny' | 'fraud'} answer @param {string} [code]
 * @returns {Promise<boolean>}
 */
export async function answer(found, answer, code) {
  const said = code ? { answer, code } : { answer };
  const { accepted } = await api.signed(found.account, 'POST', `/authenticator/v1/requests/${found.request.id}`, said);
  return accepted === true;
}
