// @ts-check
// What is scanned or pasted: a link that activates, or the code of a sign-in that approves. Anything else is nothing.

/**
 * @typedef {{ base: string, tenant: string, code: string }} Activation
 * @typedef {{ tenant: string, attempt: string, code: string }} Approval
 */

const TENANT = /^DA[A-Z2-7]{18}$/;
const CODE = /^[A-Z0-9]{20}$/;
const ATTEMPT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * `https://HOST/activate/TENANT/CODE`, or `#activate=TENANT.CODE` of this page's own address.
 * @param {string} text
 * @param {string} here this page's origin
 * @returns {Activation | null}
 */
export function activation(text, here) {
  const own = /^#activate=([A-Z0-9]+)\.([A-Z0-9]+)$/.exec(text.trim());
  if (own) return checked(here, own[1], own[2]);
  let url;
  try {
    url = new URL(text.trim());
  } catch {
    return null;
  }
  if (url.hash.startsWith('#activate=') && url.pathname === '/authenticator/') {
    const inside = /^#activate=([A-Z0-9]+)\.([A-Z0-9]+)$/.exec(url.hash);
    return inside && isServer(url, here) ? checked(base(url, here), inside[1], inside[2]) : null;
  }
  const path = /^\/activate\/([A-Z0-9]+)\/([A-Z0-9]+)\/?$/.exec(url.pathname);
  return path && isServer(url, here) ? checked(base(url, here), path[1], path[2]) : null;
}

/** Without TLS only where this page came so, too: the demonstration on one's own machine. @param {URL} url @param {string} here */
const isServer = (url, here) => (url.protocol === 'https:' || url.origin === here) && url.username === '' && url.password === '';

/** Links name a host, not always its port: on this page's own host it is this page's. @param {URL} url @param {string} here */
const base = (url, here) => (url.hostname === new URL(here).hostname ? here : url.origin);

/** @param {string} base @param {string} tenant @param {string} code @returns {Activation | null} */
function checked(base, tenant, code) {
  return TENANT.test(tenant) && CODE.test(code) ? { base, tenant, code } : null;
}

/**
 * `countersign:approve?tenant=…&attempt=…&code=…`
 * @param {string} text
 * @returns {Approval | null}
 */
export function approval(text) {
  const prefix = 'countersign:approve?';
  if (!text.startsWith(prefix) || text.length > 300) return null;
  const asked = new URLSearchParams(text.slice(prefix.length));
  const [tenant, attempt, code] = ['tenant', 'attempt', 'code'].map((name) => asked.get(name) ?? '');
  return TENANT.test(tenant) && ATTEMPT.test(attempt) && /^[0-9]{6}$/.test(code) ? { tenant, attempt, code } : null;
}
