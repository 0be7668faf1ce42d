// A program that gets tokens with npm's `oauth4webapi`, as its examples show, step by step with each check that it makes. See README.md.
//
// Commands come as lines of JSON, answers go as lines of JSON.

import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

const oauth = await import(pathToFileURL(path.join(process.env.NODE_PATH, "oauth4webapi/build/index.js")).href);

const options = JSON.parse(process.argv[2]);
const issuer = new URL(options.issuer);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
const client = { client_id: options.client_id, ...(options.metadata ?? {}) };
const redirect_uri = options.redirect_uri;
const auth = options.client_secret ? oauth.ClientSecretPost(options.client_secret) : oauth.None();
const keys = await oauth.generateKeyPair("ES256", { extractable: true });
const other = await oauth.generateKeyPair("ES256", { extractable: true });
const DPoP = () => (options.dpop ? oauth.DPoP(client, keys) : undefined);
const handle = DPoP();

let kept = {};

const commands = {
  async begin(more) {
    const verifier = oauth.generateRandomCodeVerifier();
    kept = { verifier, nonce: oauth.generateRandomNonce(), state: oauth.generateRandomState() };
    const params = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri,
      response_type: "code",
      scope: "openid email offline_access",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      nonce: kept.nonce,
      state: kept.state,
      ...more,
    });
    if (!options.par) return { url: `${as.authorization_endpoint}?${params}` };
    const pushed = () => oauth.pushedAuthorizationRequest(as, client, auth, params, { DPoP: handle });
    let answer = await pushed();
    let result;
    try {
      result = await oauth.processPushedAuthorizationResponse(as, client, answer);
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      result = await oauth.processPushedAuthorizationResponse(as, client, await pushed());
    }
    const short = new URLSearchParams({ client_id: client.client_id, request_uri: result.request_uri });
    return { url: `${as.authorization_endpoint}?${short}` };
  },
  async redeem({ url }) {
    const params = oauth.validateAuthResponse(as, client, new URL(url), kept.state);
    const ask = () => oauth.authorizationCodeGrantRequest(as, client, auth, params, redirect_uri, kept.verifier, { DPoP: handle });
    const read = (answer) =>
      oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: kept.nonce, requireIdToken: true });
    kept.tokens = await again(ask, read);
    const claims = oauth.getValidatedIdTokenClaims(kept.tokens);
    return { claims, token_type: kept.tokens.token_type, access_token: kept.tokens.access_token };
  },
  async userinfo({ bearer, foreign } = {}) {
    const { sub } = oauth.getValidatedIdTokenClaims(kept.tokens);
    const use = foreign ? oauth.DPoP(client, other) : bearer ? undefined : handle;
    const answer = await oauth.userInfoRequest(as, client, kept.tokens.access_token, { DPoP: use }).catch((error) => error);
    if (answer instanceof Error) return { refused: answer.cause?.[0]?.parameters?.error ?? String(answer) };
    if (answer.status !== 200) return { refused: answer.status };
    return { userinfo: await oauth.processUserInfoResponse(as, client, sub, answer) };
  },
  async refresh({ token } = {}) {
    const before = token ?? kept.tokens.refresh_token;
    const ask = () => oauth.refreshTokenGrantRequest(as, client, auth, before, { DPoP: handle });
    const next = await again(ask, (answer) => oauth.processRefreshTokenResponse(as, client, answer));
    const claims = kept.tokens.id_token && oauth.getValidatedIdTokenClaims(kept.tokens);
    kept.tokens = { ...kept.tokens, ...next };
    return { before, after: next.refresh_token, sub: claims?.sub };
  },
  async introspect() {
    const answer = await oauth.introspectionRequest(as, client, auth, kept.tokens.access_token);
    return oauth.processIntrospectionResponse(as, client, answer);
  },
  async out() {
    // The library keeps what it got; the link is RP-Initiated Logout's (§2).
    const params = new URLSearchParams({
      id_token_hint: kept.tokens.id_token,
      client_id: client.client_id,
      post_logout_redirect_uri: redirect_uri,
    });
    return { url: `${as.end_session_endpoint}?${params}` };
  },
  async revoke() {
    const answer = await oauth.revocationRequest(as, client, auth, kept.tokens.refresh_token);
    await oauth.processRevocationResponse(answer);
    return {};
  },
};

async function again(ask, read) {
  try {
    return await read(await ask());
  } catch (error) {
    // The server names a nonce; the request is made once more with it.
    if (!oauth.isDPoPNonceError(error)) throw error;
    return read(await ask());
  }
}

console.log("ready");
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  let said;
  try {
    said = await commands[command](given);
  } catch (error) {
    said = { error: error.error ?? error.cause?.error ?? error.code ?? String(error), message: error.message };
  }
  console.log(JSON.stringify(said));
}
