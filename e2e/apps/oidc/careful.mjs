// A program that gets tokens with npm's `openid-client`, as its documentation shows, by the ways that few applications need: it registers
// itself, signs its requests, signs with its secret, exchanges tokens. See README.md.
//
// Started with one argument, JSON: issuer, and client_id and client_secret unless it registers itself. Commands come as lines of JSON, answers go
// as lines of JSON.

import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

const client = await import(pathToFileURL(path.join(process.env.NODE_PATH, "openid-client/build/index.js")).href);

const options = JSON.parse(process.argv[2]);
const issuer = new URL(options.issuer);
const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", keys.publicKey);
const jwk = { kty, crv, x, y, kid: "own", use: "sig", alg: "ES256" };
const own = { key: keys.privateKey, kid: jwk.kid };

let config;
let kept = {};
if (options.client_id) {
  const how = client.ClientSecretJwt(options.client_secret);
  config = await client.discovery(issuer, options.client_id, options.metadata, how);
}

const commands = {
  // OpenID Connect Dynamic Client Registration 1.0, with the leave that an administrator has given.
  async register({ leave, metadata }) {
    const wanted = { ...metadata, jwks: { keys: [jwk] } };
    config = await client.dynamicClientRegistration(issuer, wanted, client.PrivateKeyJwt(own), { initialAccessToken: leave });
    return config.clientMetadata();
  },
  // RFC 9101: the address has the client's name and the signed request, and nothing else.
  async begin({ redirect_uri, scope, signed }) {
    kept = { verifier: client.randomPKCECodeVerifier(), state: client.randomState(), nonce: client.randomNonce() };
    const parameters = {
      redirect_uri,
      scope,
      code_challenge: await client.calculatePKCECodeChallenge(kept.verifier),
      code_challenge_method: "S256",
      state: kept.state,
      nonce: kept.nonce,
    };
    const url = signed
      ? await client.buildAuthorizationUrlWithJAR(config, parameters, own)
      : client.buildAuthorizationUrl(config, parameters);
    return { url: url.href, parameters: [...url.searchParams.keys()].sort() };
  },
  async redeem({ url }) {
    const checks = { pkceCodeVerifier: kept.verifier, expectedState: kept.state, expectedNonce: kept.nonce };
    kept.tokens = await client.authorizationCodeGrant(config, new URL(url), checks);
    const claims = kept.tokens.claims();
    const userinfo = await client.fetchUserInfo(config, kept.tokens.access_token, claims.sub);
    return { claims, userinfo };
  },
  // RFC 8693.
  async exchange({ audience, scope }) {
    const type = "urn:ietf:params:oauth:token-type:access_token";
    const tokens = await client.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:token-exchange", {
      subject_token: kept.tokens.access_token,
      subject_token_type: type,
      audience,
      scope,
    });
    return { issued: tokens.issued_token_type === type, token: tokens.access_token, said: await introspected(tokens.access_token) };
  },
};

async function introspected(token) {
  return client.tokenIntrospection(config, token);
}

console.log("ready");
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  let said;
  try {
    said = await commands[command](given);
  } catch (error) {
    said = { error: error.error ?? error.cause?.error ?? error.code ?? String(error), message: error.message, status: error.status };
  }
  console.log(JSON.stringify(said));
}
