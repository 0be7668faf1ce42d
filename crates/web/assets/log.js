// @ts-check
// Opens the message log in the browser: the layouts of crates/keys/src/segment.rs, by WebCrypto. The private key never leaves this module
// but into the file that its owner keeps.

const encoder = new TextEncoder();
const SENT = 384;
const RECEIPT = 320;
const HEAD = 21;
const TAG = 16;
const BLOCK = 64;
/** The header of a recipient: key id, encapsulated key, ciphertext, tag. */
const RECIPIENT = 8 + 32 + 32 + 16;
const SUITE = 2;
const DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/** Why something can't be opened: `other-key`, `shredded`, `damaged`, `wrong-key`. */
export class LogError extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** @param {...Uint8Array} parts */
function join(...parts) {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** @param {number} value @param {number} length */
function number(value, length) {
  const out = new Uint8Array(length);
  let rest = BigInt(value);
  for (let at = length - 1; at >= 0; at--) {
    out[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return out;
}

/** Every part behind its length. @param {...Uint8Array} parts */
function bind(...parts) {
  return join(...parts.flatMap((part) => [number(part.length, 4), part]));
}

/** @param {string} text */
export function bytesOfHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {Uint8Array} bytes */
export function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} text */
export function bytesOfBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Bech32m (BIP-350). @param {number[]} values */
function residue(values) {
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = (((sum & 0x1ffffff) << 5) ^ value) >>> 0;
    for (let bit = 0; bit < 5; bit++) if ((top >>> bit) & 1) sum = (sum ^ generator[bit]) >>> 0;
  }
  return sum;
}

/** @param {string} prefix */
function expand(prefix) {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

/** @param {number[] | Uint8Array} values @param {number} from @param {number} to */
function regroup(values, from, to) {
  const out = [];
  let held = 0;
  let bits = 0;
  for (const value of values) {
    held = (held << from) | value;
    bits += from;
    while (bits >= to) {
      bits -= to;
      out.push((held >> bits) & ((1 << to) - 1));
    }
    held &= (1 << bits) - 1;
  }
  return { out, held, bits };
}

/** @param {string} prefix @param {Uint8Array} bytes */
function keyText(prefix, bytes) {
  const { out, held, bits } = regroup(join(Uint8Array.of(SUITE), bytes), 8, 5);
  if (bits) out.push((held << (5 - bits)) & 31);
  const sum = residue([...expand(prefix), ...out, 0, 0, 0, 0, 0, 0]) ^ 0x2bc830a3;
  const check = [0, 1, 2, 3, 4, 5].map((place) => (sum >>> (5 * (5 - place))) & 31);
  return `${prefix}1${[...out, ...check].map((digit) => DIGITS[digit]).join("")}`;
}

/** The 32 bytes of a key text. @param {string} prefix @param {string} text */
function keyBytes(prefix, text) {
  const lower = text.trim().toLowerCase();
  const digits = Array.from(lower.slice(prefix.length + 1), (letter) => DIGITS.indexOf(letter));
  const whole = lower.startsWith(`${prefix}1`) && lower.length <= 90 && !digits.includes(-1) && digits.length > 6;
  if (!whole || residue([...expand(prefix), ...digits]) !== 0x2bc830a3) throw new LogError("wrong-key");
  const { out, held } = regroup(digits.slice(0, -6), 5, 8);
  if (held || out.length !== 33 || out[0] !== SUITE) throw new LogError("wrong-key");
  return Uint8Array.from(out.slice(1));
}

/** @param {Uint8Array} secret */
function importPrivate(secret) {
  // PKCS#8 (RFC 8410 §7).
  const pkcs8 = join(bytesOfHex("302e020100300506032b656e04220420"), secret);
  return crypto.subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, false, ["deriveBits"]);
}

/** @param {CryptoKey} key @param {Uint8Array} point */
async function agree(key, point) {
  const other = await crypto.subtle.importKey("raw", point, { name: "X25519" }, false, []);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, key, 256));
}

/** @param {Uint8Array} bytes */
async function idOf(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).slice(0, 8);
}

/**
 * The keys of a file: every line that begins with `cssec1`.
 * @param {string} text
 */
export async function keysOf(text) {
  const lines = text.split(/\s+/).filter((word) => word.toLowerCase().startsWith("cssec1"));
  if (lines.length === 0) throw new LogError("wrong-key");
  return Promise.all(
    lines.map(async (line) => {
      const key = await importPrivate(keyBytes("cssec", line));
      const base = new Uint8Array(32);
      base[0] = 9;
      const publicBytes = await agree(key, base);
      return { key, publicBytes, id: hexOf(await idOf(publicBytes)) };
    }),
  );
}

/** @typedef {Awaited<ReturnType<typeof keysOf>>[number]} PrivateKey */

/** A new pair, as texts. */
export async function makeKey() {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const text = keyText("cssec", secret);
  const [{ publicBytes }] = await keysOf(text);
  return { secret: text, publicText: keyText("cspub", publicBytes) };
}

/** HKDF-Extract (RFC 5869). @param {Uint8Array} salt @param {Uint8Array} input */
async function extract(salt, input) {
  const key = salt.length ? salt : new Uint8Array(32);
  const hmac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", hmac, input));
}

/** HKDF-Expand of at most one block. @param {Uint8Array} prk @param {Uint8Array} info @param {number} length */
async function expandOne(prk, info, length) {
  return (await extract(prk, join(info, Uint8Array.of(1)))).slice(0, length);
}

/** @param {Uint8Array} secret @param {string} info @param {number} length in bytes */
async function derive(secret, info, length) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const salt = new Uint8Array(0);
  const bits = { name: "HKDF", hash: "SHA-256", salt, info: encoder.encode(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(bits, key, length * 8));
}

const KEM = encoder.encode("KEM\x00\x20");
const HPKE = encoder.encode("HPKE\x00\x20\x00\x01\x00\x02");
const VERSION = encoder.encode("HPKE-v1");

/** @param {Uint8Array} suite @param {Uint8Array} salt @param {string} label @param {Uint8Array} input */
function labeledExtract(suite, salt, label, input) {
  return extract(salt, join(VERSION, suite, encoder.encode(label), input));
}

/** @param {Uint8Array} suite @param {Uint8Array} prk @param {string} label @param {Uint8Array} info @param {number} length */
function labeledExpand(suite, prk, label, info, length) {
  return expandOne(prk, join(number(length, 2), VERSION, suite, encoder.encode(label), info), length);
}

/** HPKE, base mode, one message without additional data (RFC 9180 §5.1, §6.1). @param {PrivateKey} mine @param {Uint8Array} info @param {Uint8Array} sealed */
async function openSealed(mine, info, sealed) {
  const none = new Uint8Array(0);
  const encapped = sealed.slice(0, 32);
  const shared = await agree(mine.key, encapped);
  const kem = await labeledExtract(KEM, none, "eae_prk", shared);
  const secret = await labeledExpand(KEM, kem, "shared_secret", join(encapped, mine.publicBytes), 32);
  const context = join(
    Uint8Array.of(0),
    await labeledExtract(HPKE, none, "psk_id_hash", none),
    await labeledExtract(HPKE, none, "info_hash", info),
  );
  const schedule = await labeledExtract(HPKE, secret, "secret", none);
  const raw = await labeledExpand(HPKE, schedule, "key", context, 32);
  const iv = await labeledExpand(HPKE, schedule, "base_nonce", context, 12);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed.slice(32)));
}

/** AES-256 in counter mode over zeros. @param {CryptoKey} key @param {Uint8Array} counter @param {number} length */
async function stream(key, counter, length) {
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 64 }, key, new Uint8Array(length)));
}

/** @param {Uint8Array} raw */
function counterKey(raw) {
  return crypto.subtle.importKey("raw", raw, "AES-CTR", false, ["encrypt"]);
}

/** A segment that is opened. */
class Segment {
  /** @param {Uint8Array} tenant @param {Uint8Array} chain @param {CryptoKey} mask */
  constructor(tenant, chain, mask) {
    this.tenant = tenant;
    this.chain = chain;
    this.mask = mask;
    /** @type {Promise<Uint8Array>[]} */
    this.blocks = [];
    /** @type {Promise<void>} */
    this.turn = Promise.resolve();
  }

  /** The keys of a block. @param {number} wanted */
  async block(wanted) {
    // One after the other: each step takes the chain further.
    this.turn = this.turn.then(async () => {
      while (this.blocks.length <= wanted) {
        const both = await derive(this.chain, "countersign/message-log/chain/2", 64);
        this.chain = both.slice(0, 32);
        const key = await counterKey(both.slice(32));
        this.blocks.push(stream(key, new Uint8Array(16), 32 * BLOCK));
      }
    });
    await this.turn;
    return this.blocks[wanted];
  }

  /** @param {Uint8Array} message @param {number} part 1: sent, 2: receipt @param {Uint8Array} sealed */
  async open(message, part, sealed) {
    const tag = sealed.slice(-TAG);
    const masking = await stream(this.mask, tag, 4);
    const masked = sealed.slice(17, 21);
    const index = new DataView(masked.map((byte, at) => byte ^ masking[at]).buffer).getUint32(0);
    if (index >= 65536) throw new LogError("damaged");
    const block = await this.block(Math.floor(index / BLOCK));
    const raw = block.slice((index % BLOCK) * 32, (index % BLOCK) * 32 + 32);
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
    const additionalData = join(this.tenant, message, Uint8Array.of(part));
    const gcm = { name: "AES-GCM", iv: new Uint8Array(12), additionalData };
    const padded = new Uint8Array(await crypto.subtle.decrypt(gcm, key, sealed.slice(HEAD)));
    const length = padded[0] * 256 + padded[1];
    if (length > padded.length - 2 || padded.slice(2 + length).some((byte) => byte !== 0)) throw new LogError("damaged");
    return padded.slice(2, 2 + length);
  }
}

/** Opens rows of one tenant. */
export class LogReader {
  /** @param {string} tenant hexadecimal @param {PrivateKey[]} keys */
  constructor(tenant, keys) {
    this.tenant = bytesOfHex(tenant);
    this.keys = keys;
    /** @type {Map<string, Promise<Segment>>} */
    this.segments = new Map();
  }

  /** @param {string} id hexadecimal @param {number} day @param {Uint8Array | null} header */
  addSegment(id, day, header) {
    if (this.segments.has(id)) return;
    const opened = this.openHeader(id, day, header);
    // Whoever needs it hears of the error.
    opened.catch(() => {});
    this.segments.set(id, opened);
  }

  /** @param {string} id @param {number} day @param {Uint8Array | null} header */
  async openHeader(id, day, header) {
    if (!header) throw new LogError("shredded");
    const [format, count] = header;
    if (format !== 2 || header.length !== 2 + count * RECIPIENT) throw new LogError("damaged");
    for (let at = 2; at < header.length; at += RECIPIENT) {
      const mine = this.keys.find((key) => key.id === hexOf(header.slice(at, at + 8)));
      if (!mine) continue;
      const info = bind(encoder.encode("countersign/message-log/2"), this.tenant, bytesOfHex(id), number(day, 8));
      const chain = await openSealed(mine, info, header.slice(at + 8, at + RECIPIENT)).catch(() => {
        throw new LogError("damaged");
      });
      return new Segment(this.tenant, chain, await counterKey(await derive(chain, "countersign/message-log/mask/2", 32)));
    }
    throw new LogError("other-key");
  }

  /** @param {string} message hexadecimal @param {number} part @param {Uint8Array} sealed */
  async part(message, part, sealed) {
    const segment = this.segments.get(hexOf(sealed.slice(1, 17)));
    if (sealed[0] !== 2 || !segment) throw new LogError("damaged");
    const opened = await segment;
    try {
      return await opened.open(bytesOfHex(message), part, sealed);
    } catch {
      throw new LogError("damaged");
    }
  }

  /** @param {string} message hexadecimal @param {Uint8Array} sealed */
  async open(message, sealed) {
    const first = HEAD + SENT + TAG;
    if (sealed.length !== first + HEAD + RECEIPT + TAG) throw new LogError("damaged");
    const sent = words(await this.part(message, 1, sealed.slice(0, first)));
    const rest = sealed.slice(first);
    if (rest.every((byte) => byte === 0)) return { sent, receipt: null };
    try {
      return { sent, receipt: words(await this.part(message, 2, rest)) };
    } catch (error) {
      // The organisation has changed its key between the two.
      if (error instanceof LogError && error.code === "other-key") return { sent, receipt: null };
      throw error;
    }
  }
}

/** The things in a part: crates/messaging/src/log/words.rs. @param {Uint8Array} plain */
export function words(plain) {
  const decoder = new TextDecoder();
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  const at = Number(view.getBigInt64(0));
  /** @type {Map<number, Uint8Array>} */
  const things = new Map();
  for (let place = 8; place + 2 <= plain.length; place += 2 + plain[place + 1]) {
    things.set(plain[place], plain.slice(place + 2, place + 2 + plain[place + 1]));
  }
  /** @param {number} tag */
  const text = (tag) => decoder.decode(things.get(tag) ?? new Uint8Array(0));
  return {
    at,
    to: text(1),
    callingCode: text(2),
    country: text(3),
    place: text(4),
    carrier: text(5),
    line: text(6),
    user: hexOf(things.get(7) ?? new Uint8Array(0)),
    canary: things.has(8),
    id: text(16),
    raw: text(17),
  };
}
