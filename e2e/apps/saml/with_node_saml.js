'use strict';

// A service provider by `@node-saml/node-saml`. See README.md.

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const { parseArgs } = require('node:util');
const { SAML, generateServiceProviderMetadata } = require('@node-saml/node-saml');

// Without spaces: the library signs them in another form than it sends them.
const RELAY = 'the-relay&state';

const { values: given } = parseArgs({
  options: {
    idp: { type: 'string' },
    key: { type: 'string' },
    certificate: { type: 'string' },
    signed: { type: 'string', default: 'assertion' },
    encrypted: { type: 'boolean', default: false },
    binding: { type: 'string', default: 'redirect' },
    context: { type: 'string', default: '' },
    format: { type: 'string', default: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' },
    port: { type: 'string', default: '0' },
  },
});

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const page = (title, body) =>
  `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title>` +
  `<link rel="icon" href="data:,"></head><body><h1>${title}</h1>${body}</body></html>\n`;

const failure = (status, error) => ({
  status,
  body: page('Not signed in', `<p id="error">${escape(error instanceof Error ? error.message : String(error))}</p>`),
});

const home = (who) =>
  page(
    'A service provider',
    who
      ? `<p>Signed in as <b id="signed-in">${escape(who.name)}</b></p><pre id="claims">${escape(JSON.stringify(who, null, 2))}</pre>` +
          '<p><a href="/logout">Log out</a></p>'
      : '<p id="nobody">Nobody is signed in.</p><p><a href="/login">Log in</a></p>',
  );

// The library reads no metadata: its configuration is what a person copies out of it.
function provider(xml) {
  const location = (service) => new RegExp(`<md:${service} Binding="[^"]*HTTP-Redirect" Location="([^"]*)"`).exec(xml)[1];
  return {
    idpIssuer: /entityID="([^"]*)"/.exec(xml)[1],
    entryPoint: location('SingleSignOnService'),
    logoutUrl: location('SingleLogoutService'),
    idpCert: [...xml.matchAll(/<ds:X509Certificate>([^<]*)</g)].map((found) => found[1]),
  };
}

function application(origin) {
  const sessions = new Map();
  // A browser has one jar for all ports of a host, where several of these may listen.
  const name = `saml-app-${new URL(origin).port}`;
  const privateKey = fs.readFileSync(given.key, 'utf8');
  const publicCert = fs.readFileSync(given.certificate, 'utf8');
  const options = {
    ...provider(fs.readFileSync(given.idp, 'utf8')),
    issuer: `${origin}/metadata`,
    callbackUrl: `${origin}/acs`,
    logoutCallbackUrl: `${origin}/slo`,
    identifierFormat: given.format,
    privateKey,
    publicCert,
    decryptionPvk: given.encrypted ? privateKey : undefined,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    wantAssertionsSigned: given.signed !== 'response',
    wantAuthnResponseSigned: given.signed !== 'assertion',
    validateInResponseTo: 'ifPresent',
    authnRequestBinding: given.binding === 'post' ? 'HTTP-POST' : 'HTTP-Redirect',
    ...(given.context ? { authnContext: [given.context] } : { disableRequestedAuthnContext: true }),
  };
  const saml = new SAML(options);
  // It packs what it puts into forms, too, unless it is told not to; the binding knows no such thing.
  const forms = new SAML({ ...options, cacheProvider: saml.cacheProvider, skipRequestCompression: true });

  async function answer(request) {
    const url = new URL(request.url, origin);
    const cookies = new Map((request.headers.cookie ?? '').split('; ').map((pair) => pair.split('=', 2)));
    const key = cookies.get(name);
    const who = sessions.get(key);
    const to = (location, headers = {}) => ({ status: 303, headers: { Location: location, ...headers } });
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /':
        return { status: 200, body: home(who) };
      case 'GET /metadata': {
        const body = generateServiceProviderMetadata({
          issuer: `${origin}/metadata`,
          callbackUrl: `${origin}/acs`,
          logoutCallbackUrl: `${origin}/slo`,
          identifierFormat: given.format,
          wantAssertionsSigned: given.signed !== 'response',
          publicCerts: publicCert,
          privateKey,
          ...(given.encrypted ? { decryptionPvk: privateKey, decryptionCert: publicCert } : {}),
        });
        return { status: 200, headers: { 'Content-Type': 'text/xml' }, body };
      }
      case 'GET /login':
        if (given.binding === 'post') return { status: 200, body: await forms.getAuthorizeFormAsync(RELAY, undefined) };
        return to(await saml.getAuthorizeUrlAsync(RELAY, undefined, {}));
      case 'POST /acs': {
        const { profile } = await saml.validatePostResponseAsync(form);
        const fresh = crypto.randomBytes(18).toString('base64url');
        sessions.set(fresh, {
          name: profile.nameID,
          format: profile.nameIDFormat,
          session: profile.sessionIndex,
          attributes: profile.attributes ?? {},
          relay: form.RelayState,
          profile,
        });
        return to('/', { 'Set-Cookie': `${name}=${fresh}; Path=/; HttpOnly` });
      }
      case 'GET /logout':
        return to(await saml.getLogoutUrlAsync(who.profile, 'bye', {}));
      case 'POST /slo':
      case 'GET /slo': {
        const query = Object.fromEntries(url.searchParams);
        const { profile, loggedOut } =
          request.method === 'GET' ? await saml.validateRedirectAsync(query, url.search.slice(1)) : await validated(form);
        if (loggedOut && !profile) {
          sessions.delete(key);
          return to('/?from=logout');
        }
        // The provider may have sent it itself: what ends is what it names, whoever brought it.
        for (const [known, who] of sessions) {
          const named = !profile.sessionIndex || who.session === profile.sessionIndex;
          if (who.name === profile.nameID && named) sessions.delete(known);
        }
        const done = await saml.getLogoutResponseUrlAsync(profile, query.RelayState ?? form.RelayState ?? '', {}, true);
        return to(done);
      }
      default:
        return failure(404, 'no such page');
    }
  }

  const validated = (form) => ('SAMLRequest' in form ? saml.validatePostRequestAsync(form) : saml.validatePostResponseAsync(form));
  return answer;
}

function main() {
  let answer;
  const server = http.createServer(async (request, response) => {
    const { status, body = '', headers = {} } = await answer(request).catch((error) => failure(401, error));
    response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store', ...headers });
    response.end(body);
  });
  server.listen(Number(given.port), '127.0.0.1', () => {
    const origin = `http://localhost:${server.address().port}`;
    answer = application(origin);
    console.log(`ready ${origin}`);
  });
  process.on('SIGTERM', () => process.exit(0));
}

main();
