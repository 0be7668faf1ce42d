// A web application that signs people in with npm's `openid-client`, as its README shows. See README.md.
//
// Started with one argument, JSON: issuer, client_id, client_secret or key (a private JWK), port, par, dpop. Says `ready ORIGIN`.

import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const from = (file) => import(pathToFileURL(path.join(process.env.NODE_PATH, file)).href);
const client = await from("openid-client/build/index.js");

const options = JSON.parse(process.argv[2]);
const origin = `http://localhost:${options.port}`;
const redirect_uri = `${origin}/callback`;

const signed = async () => {
  const key = await crypto.subtle.importKey("jwk", options.key, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  return client.PrivateKeyJwt({ key, kid: options.key.kid });
};
const how = options.key ? await signed() : client.ClientSecretBasic(options.client_secret);
const config = await client.discovery(new URL(options.issuer), options.client_id, options.metadata, how);
const DPoP = options.dpop ? client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256")) : undefined;

// What this server knows of each browser; the browser has the key only.
const sessions = new Map();

const escaped = (text) => String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
const page = (body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>An application</title>
<link rel="icon" href="data:,"></head><body><h1>An application</h1>${body}</body></html>`;
const cookieOf = (request) => /(?:^|; )app=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];

const routes = {
  "/": async (session) => {
    if (!session?.tokens) return page(`<p id="signed-out">Nobody is signed in.</p>`);
    try {
      const claims = session.tokens.claims();
      const userinfo = await client.fetchUserInfo(config, session.tokens.access_token, claims.sub, { DPoP });
      const shown = { claims, userinfo, token_type: session.tokens.token_type, refresh: !!session.tokens.refresh_token };
      return page(`<p id="signed-in">${escaped(userinfo.preferred_username)}</p><pre id="claims">${escaped(JSON.stringify(shown))}</pre>`);
    } catch (error) {
      return page(`<p id="signed-out">The sign-in is over: ${escaped(error.code ?? error)}</p>`);
    }
  },
  "/login": async (_session, url, response) => {
    const code_verifier = client.randomPKCECodeVerifier();
    const session = { code_verifier, state: client.randomState(), nonce: client.randomNonce() };
    const id = client.randomState();
    sessions.set(id, session);
    const parameters = {
      redirect_uri,
      scope: "openid profile email offline_access",
      code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
      code_challenge_method: "S256",
      state: session.state,
      nonce: session.nonce,
      ...Object.fromEntries(url.searchParams),
    };
    const to = options.par
      ? await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
      : client.buildAuthorizationUrl(config, parameters);
    response.setHeader("Set-Cookie", `app=${id}; HttpOnly; SameSite=Lax; Path=/`);
    return to;
  },
  "/callback": async (session, url) => {
    if (!session) throw new Error("no saved request: sign in again");
    const checks = { pkceCodeVerifier: session.code_verifier, expectedState: session.state, expectedNonce: session.nonce };
    session.tokens = await client.authorizationCodeGrant(config, url, checks, undefined, { DPoP });
    session.id_token = session.tokens.id_token;
    return new URL("/", origin);
  },
  "/refresh": async (session) => {
    session.tokens = await client.refreshTokenGrant(config, session.tokens.refresh_token, undefined, { DPoP });
    session.id_token = session.tokens.id_token ?? session.id_token;
    return new URL("/", origin);
  },
  "/logout": async (session) => {
    const id_token_hint = session.id_token;
    delete session.tokens;
    return client.buildEndSessionUrl(config, { id_token_hint, post_logout_redirect_uri: `${origin}/` });
  },
};

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, origin);
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  try {
    const route = routes[url.pathname];
    if (!route) throw Object.assign(new Error("not found"), { status: 404 });
    const answer = await route(sessions.get(cookieOf(request)), url, response);
    if (answer instanceof URL) response.writeHead(302, { Location: answer.href }).end();
    else response.end(answer);
  } catch (error) {
    response.statusCode = error.status && error.status === 404 ? 404 : 200;
    const cause = error.cause?.error ?? error.cause?.message ?? "";
    response.end(page(`<p id="error">${escaped(error.error ?? error.code ?? "")} ${escaped(error.message)} ${escaped(cause)}</p>`));
  }
});
server.listen(options.port, "127.0.0.1", () => console.log(`ready ${origin}`));

// Without a browser of its own: a code is shown, and the tokens come when somebody has typed it elsewhere.
if (options.device) {
  const asked = await client.initiateDeviceAuthorization(config, { scope: "openid profile" });
  console.log(`device ${JSON.stringify(asked)}`);
  const tokens = await client.pollDeviceAuthorizationGrant(config, asked);
  console.log(`granted ${JSON.stringify(tokens.claims())}`);
}
process.on("SIGTERM", () => process.exit(0));
