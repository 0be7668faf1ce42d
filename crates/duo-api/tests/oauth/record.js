'use strict';

// See record.py: prints a line of JSON for each request that the library of npm makes.

const [key, secret, host, redirectUrl, username, state, code, now] = process.argv.slice(2);
const then = Number(now) * 1000;
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [then]));
  }
  static now() {
    return then;
  }
};

const { Client, constants } = require('@duosecurity/duo_universal');

const client = constants.USER_AGENT;
const keep = (name, method, url, headers, body) => console.log(JSON.stringify({ client, name, method, url, headers, body }));

async function main() {
  for (const useDuoCodeAttribute of [true, false]) {
    const duo = new Client({ clientId: key, clientSecret: secret, apiHost: host, redirectUrl, useDuoCodeAttribute });
    keep('authorize', 'GET', await duo.createAuthUrl(username, state), {}, '');
    for (const [name, call] of [
      ['health_check', () => duo.healthCheck()],
      ['token', () => duo.exchangeAuthorizationCodeFor2FAResult(code, username)],
    ]) {
      duo.axios.defaults.adapter = async (request) => {
        keep(name, request.method.toUpperCase(), request.baseURL + request.url, request.headers.toJSON(), String(request.data));
        throw new Error('kept');
      };
      await call().catch((error) => {
        if (error.message !== 'kept') throw error;
      });
    }
  }
}

main();
