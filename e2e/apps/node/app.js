'use strict';

// A web application that asks for a second factor with `@duosecurity/duo_universal`. See ../README.md.

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { parseArgs } = require('node:util');
const { Client, DuoException } = require('@duosecurity/duo_universal');

const COOKIE = 'app-session';

function options() {
  const known = {
    'client-id': 'DUO_CLIENT_ID',
    'api-host': 'DUO_API_HOST',
    ca: 'DUO_CA_FILE',
    port: 'PORT',
    host: 'APP_HOST',
    password: 'APP_PASSWORD',
    failmode: 'DUO_FAILMODE',
    'code-name': 'DUO_CODE_NAME',
    'redirect-uri': 'DUO_REDIRECT_URI',
    'redeem-as': 'DUO_REDEEM_AS',
  };
  const defaults = { port: '0', host: 'localhost', password: 'password', failmode: 'closed', 'code-name': 'duo_code', 'redirect-uri': '', 'redeem-as': '' };
  const described = Object.fromEntries(Object.keys(known).map((name) => [name, { type: 'string' }]));
  const { values } = parseArgs({ options: described });
  for (const [name, variable] of Object.entries(known)) {
    values[name] ??= process.env[variable] ?? defaults[name];
    if (values[name] === undefined) throw new Error(`--${name} or ${variable} is missing`);
  }
  return values;
}

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const page = (title, body) =>
  `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>` +
  `<body><h1>${title}</h1>${body}</body></html>\n`;

const failure = (status, error) => ({
  status,
  body: page('Not signed in', `<p id="error">${escape(error instanceof Error ? error.message : String(error))}</p>`),
});

const same = (a, b) => {
  const [x, y] = [a, b].map((text) => crypto.createHash('sha256').update(text).digest());
  return crypto.timingSafeEqual(x, y);
};

function application(given, port) {
  const sessions = new Map();
  const codeName = given['code-name'];
  const duo = new Client({
    clientId: given['client-id'],
    clientSecret: process.env.DUO_CLIENT_SECRET,
    apiHost: given['api-host'],
    redirectUrl: given['redirect-uri'] || `http://${given.host}:${port}/duo-callback`,
    useDuoCodeAttribute: codeName === 'duo_code',
  });
  // The library pins public authorities and offers no other way to name one's own.
  duo.axios.defaults.httpsAgent = new https.Agent({ ca: fs.readFileSync(given.ca) });

  const signedIn = (username, claims) => ({
    status: 200,
    body: page(
      'Signed in',
      `<p>Signed in as <b id="signed-in">${escape(username)}</b></p>` +
        `<pre id="claims">${escape(JSON.stringify(claims, null, 2))}</pre>`,
    ),
  });

  async function login(form) {
    const username = form.get('username') ?? '';
    if (!same(form.get('password') ?? '', given.password)) return failure(401, 'wrong name or password');
    try {
      await duo.healthCheck();
    } catch (error) {
      if (given.failmode === 'open') return signedIn(username, { failmode: 'open' });
      return failure(502, error);
    }
    const state = duo.generateState();
    const session = crypto.randomBytes(32).toString('base64url');
    sessions.set(session, { state, username });
    try {
      const location = await duo.createAuthUrl(username, state);
      return { status: 302, headers: { Location: location, 'Set-Cookie': `${COOKIE}=${session}; Path=/; HttpOnly; SameSite=Lax` } };
    } catch (error) {
      return failure(400, error);
    }
  }

  async function callback(query, cookies) {
    if (query.has('error')) return failure(401, `${query.get('error')}: ${query.get('error_description') ?? ''}`);
    const id = cookies.get(COOKIE);
    const session = sessions.get(id);
    // A session waits for one callback.
    sessions.delete(id);
    if (!session) return failure(400, 'no saved state: log in again');
    if (!same(query.get('state') ?? '', session.state)) return failure(400, 'the state does not match the saved state');
    const username = given['redeem-as'] || session.username;
    try {
      const claims = await duo.exchangeAuthorizationCodeFor2FAResult(query.get(codeName) ?? '', username);
      return signedIn(username, claims);
    } catch (error) {
      if (error instanceof DuoException) return failure(401, error);
      throw error;
    }
  }

  const form = () => ({
    status: 200,
    body: page(
      'Log in',
      '<form method="post" action="/login"><label>Name <input name="username" autocomplete="username"></label>' +
        '<label>Password <input name="password" type="password" autocomplete="current-password"></label>' +
        '<button id="log-in">Log in</button></form>',
    ),
  });

  return async (request) => {
    const url = new URL(request.url, 'http://localhost');
    const cookies = new Map((request.headers.cookie ?? '').split('; ').map((pair) => pair.split('=', 2)));
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /':
        return form();
      case 'POST /login': {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        return login(new URLSearchParams(Buffer.concat(chunks).toString()));
      }
      case 'GET /duo-callback':
        return callback(url.searchParams, cookies);
      default:
        return failure(404, 'no such page');
    }
  };
}

function main() {
  const given = options();
  let answer;
  const server = http.createServer(async (request, response) => {
    const { status, body = '', headers = {} } = await answer(request).catch((error) => failure(500, error));
    response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store', ...headers });
    response.end(body);
  });
  server.listen(Number(given.port), '127.0.0.1', () => {
    const { port } = server.address();
    answer = application(given, port);
    console.log(`ready http://${given.host}:${port}`);
  });
  process.on('SIGTERM', () => process.exit(0));
}

main();
