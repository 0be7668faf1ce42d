// An OpenID provider: npm's `oidc-provider`, as it is out of the box, with its own pages for signing in. Any login is somebody.
//
// The argument is JSON: {"port", "clients"}. A line on standard output says that it listens.

import path from "node:path";
import { pathToFileURL } from "node:url";

const { Provider } = await import(
  pathToFileURL(path.join(process.env.NODE_PATH, "oidc-provider/lib/index.js")).href
);

const options = JSON.parse(process.argv[2]);
const issuer = `http://localhost:${options.port}`;
const provider = new Provider(issuer, {
  clients: options.clients,
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@op.example`, email_verified: true }),
  }),
});
provider.listen(options.port, "localhost", () => console.log("listening"));
