// oidc-provider with one client, in memory: a peer of `cargo xtask bench -- --parts sso`. Whoever comes to sign in is signed in.
import { createRequire } from 'node:module';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const resolve = createRequire(path.join(process.env.MODULES, 'x.js')).resolve;
const { Provider } = await import(pathToFileURL(resolve('oidc-provider')));
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' };
const provider = new Provider(`http://127.0.0.1:${process.env.PORT}`, {
  clients: [{
    client_id: 'bench', client_secret: 'bench', redirect_uris: ['https://app.test/cb'], response_types: ['code'],
    grant_types: ['client_credentials', 'authorization_code', 'refresh_token'], id_token_signed_response_alg: 'ES256',
  }],
  jwks: { keys: [key] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  scopes: ['openid', 'email', 'reports'],
  claims: { email: ['email'] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@bench.test` }) }),
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  // Nobody is asked whether the application may know.
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    if (known) return provider.Grant.find(known);
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid email');
    await grant.save();
    return grant;
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'reports', audience: 'urn:signed', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'bench' } });
});
provider.listen(Number(process.env.PORT), '127.0.0.1');
