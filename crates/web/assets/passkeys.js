// @ts-check
// Passkeys, for whichever page needs them: JSON in, JSON out, one ceremony at a time.

/** @type {AbortController | null} */
let under = null;

/** Why a ceremony came to nothing: `code` is the end of the name of the text that says it. */
export class PasskeyError extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** @returns {boolean} */
export function supported() {
  return typeof PublicKeyCredential === "function" && !!navigator.credentials;
}

/** Whether the browser offers passkeys in the field of a name. @returns {Promise<boolean>} */
export async function offersInField() {
  return supported() && typeof PublicKeyCredential.isConditionalMediationAvailable === "function"
    && await PublicKeyCredential.isConditionalMediationAvailable();
}

/** @param {string} text @returns {ArrayBuffer} */
function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0)).buffer;
}

/** @param {ArrayBuffer} buffer @returns {string} */
function text(buffer) {
  let plain = "";
  for (const byte of new Uint8Array(buffer)) plain += String.fromCharCode(byte);
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** @param {any} list */
const descriptors = (list) => list?.map((/** @type {any} */ one) => ({ ...one, id: bytes(one.id) }));

/** `PublicKeyCredential.parseRequestOptionsFromJSON`, also where the browser has none. @param {any} json */
function requestOptions(json) {
  if (typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function") {
    return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  }
  return { ...json, challenge: bytes(json.challenge), allowCredentials: descriptors(json.allowCredentials) };
}

/** `PublicKeyCredential.parseCreationOptionsFromJSON`, also where the browser has none. @param {any} json */
function creationOptions(json) {
  if (typeof PublicKeyCredential.parseCreationOptionsFromJSON === "function") {
    return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  }
  return {
    ...json,
    challenge: bytes(json.challenge),
    user: { ...json.user, id: bytes(json.user.id) },
    excludeCredentials: descriptors(json.excludeCredentials),
  };
}

/** `credential.toJSON()`, also where the browser has none. @param {any} credential */
function answerOf(credential) {
  if (typeof credential.toJSON === "function") return credential.toJSON();
  const given = credential.response;
  /** @type {Record<string, unknown>} */
  const response = { clientDataJSON: text(given.clientDataJSON) };
  if (given.attestationObject) {
    response.attestationObject = text(given.attestationObject);
    response.transports = given.getTransports?.() ?? [];
  } else {
    response.authenticatorData = text(given.authenticatorData);
    response.signature = text(given.signature);
    if (given.userHandle) response.userHandle = text(given.userHandle);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
}

/** @param {unknown} error @returns {PasskeyError} */
function understood(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "AbortError") return new PasskeyError("cancelled");
  if (name === "SecurityError") return new PasskeyError("address");
  if (name === "NotSupportedError") return new PasskeyError("unsupported");
  if (name === "InvalidStateError") return new PasskeyError("registered");
  return new PasskeyError("failed");
}

/** Ends the ceremony that is under way, so that another can begin. */
export function abort() {
  under?.abort();
  under = null;
}

/**
 * Asks for a passkey. With `conditional` the browser offers it in the field and waits for as long as it takes.
 * @param {any} json `PublicKeyCredentialRequestOptionsJSON`
 * @param {boolean} [conditional]
 */
export async function ask(json, conditional = false) {
  if (!supported()) throw new PasskeyError("unsupported");
  abort();
  const mine = (under = new AbortController());
  try {
    const publicKey = requestOptions(json);
    const mediation = conditional ? "conditional" : undefined;
    const found = await navigator.credentials.get({ publicKey, signal: mine.signal, mediation });
    if (!found) throw new PasskeyError("cancelled");
    return answerOf(found);
  } catch (error) {
    if (mine.signal.aborted) throw new PasskeyError("aborted");
    throw error instanceof PasskeyError ? error : understood(error);
  } finally {
    if (under === mine) under = null;
  }
}

/**
 * Makes a passkey.
 * @param {any} json `PublicKeyCredentialCreationOptionsJSON`
 */
export async function make(json) {
  if (!supported()) throw new PasskeyError("unsupported");
  abort();
  const mine = (under = new AbortController());
  try {
    const made = await navigator.credentials.create({ publicKey: creationOptions(json), signal: mine.signal });
    if (!made) throw new PasskeyError("cancelled");
    return answerOf(made);
  } catch (error) {
    if (mine.signal.aborted) throw new PasskeyError("aborted");
    throw error instanceof PasskeyError ? error : understood(error);
  } finally {
    if (under === mine) under = null;
  }
}

/** Tells the browser that a passkey isn't known here any more. @param {string} rpId @param {string} credentialId */
export async function forget(rpId, credentialId) {
  try {
    // @ts-ignore: newer than the types
    await PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId });
  } catch {
    // A favour to the person; without it the passkey is offered again.
  }
}

/**
 * Tells the browser which passkeys there are, and what they are called.
 * @param {string} rpId @param {string} userId @param {string[]} credentials
 * @param {{ name: string, displayName: string }} [person]
 */
export async function signalAccepted(rpId, userId, credentials, person) {
  try {
    // @ts-ignore: newer than the types
    await PublicKeyCredential.signalAllAcceptedCredentials?.({ rpId, userId, allAcceptedCredentialIds: credentials });
    // @ts-ignore: newer than the types
    if (person) await PublicKeyCredential.signalCurrentUserDetails?.({ rpId, userId, ...person });
  } catch {
    // As above.
  }
}

/**
 * Sends JSON to one of our addresses.
 * @param {string} url @param {string} token @param {unknown} body
 * @returns {Promise<{ ok: boolean, answer: any }>}
 */
export async function send(url, token, body) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", "x-form-token": token },
      body: JSON.stringify(body),
    });
    return { ok: response.ok, answer: await response.json() };
  } catch {
    throw new PasskeyError("network");
  }
}
