// @ts-check
// Proves that this is the browser in which somebody signed in: by a key that is made here after the sign-in and that no script, this one
// included, can take out of the browser.

const DATABASE = "countersign-session";
const STORE = "keys";
const KIND = { name: "ECDSA", namedCurve: "P-256" };

/** @param {ArrayBuffer} buffer */
function text(buffer) {
  let plain = "";
  for (const byte of new Uint8Array(buffer)) plain += String.fromCharCode(byte);
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
function database() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return done(request);
}

/** The one session that this browser has here takes the place of those before. @param {string} session @param {CryptoKey} key */
async function keep(session, key) {
  const base = await database();
  const change = base.transaction(STORE, "readwrite", { durability: "strict" });
  const store = change.objectStore(STORE);
  store.clear();
  store.put(key, session);
  await new Promise((resolve, reject) => {
    change.oncomplete = resolve;
    change.onabort = () => reject(change.error);
  });
  base.close();
}

/** @param {string} session @returns {Promise<CryptoKey | undefined>} */
async function kept(session) {
  const base = await database();
  try {
    return await done(base.transaction(STORE).objectStore(STORE).get(session));
  } finally {
    base.close();
  }
}

/** @param {Record<string, string | undefined>} page @param {CryptoKey} key */
async function signature(page, key) {
  const lines = ["countersign session v1", page.what, page.session, location.origin, page.return, page.mark];
  const signed = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, new TextEncoder().encode(lines.join("\n")));
  return text(signed);
}

/** @param {string} path @param {string} token @param {object} body @returns {Promise<string>} */
async function send(path, token, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", "x-form-token": token },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(String(response.status));
  return (await response.json()).next;
}

/** Where to go on. @param {Record<string, string | undefined>} page @returns {Promise<string>} */
async function bind(page) {
  const { session = "", mark, token = "" } = page;
  const back = page.return ?? "/";
  let pair;
  try {
    pair = await crypto.subtle.generateKey(KIND, false, ["sign", "verify"]);
    await keep(session, pair.privateKey);
  } catch {
    // No storage: whether that is enough is the organisation's to say.
    return back;
  }
  const key = text(await crypto.subtle.exportKey("spki", pair.publicKey));
  return send("/session/bind", token, { mark, key, signature: await signature(page, pair.privateKey), return_to: back });
}

/** @param {Record<string, string | undefined>} page @returns {Promise<string>} */
async function prove(page) {
  const { session = "", mark, token = "" } = page;
  const key = await kept(session);
  if (!key) throw new Error("no key");
  return send("/session/prove", token, { mark, signature: await signature(page, key), return_to: page.return });
}

const box = /** @type {HTMLElement | null} */ (document.querySelector("[data-session]"));
if (box) {
  const page = { ...box.dataset };
  (page.what === "bind" ? bind(page) : prove(page)).then(
    (next) => location.replace(next),
    () => {
      box.hidden = true;
      document.querySelector(".later")?.classList.remove("later");
      const failed = /** @type {HTMLElement | null} */ (document.querySelector("[data-session-failed]"));
      if (failed) failed.hidden = false;
    },
  );
}
