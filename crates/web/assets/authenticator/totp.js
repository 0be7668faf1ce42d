// @ts-check
// Passcodes that need no network: RFC 6238 over RFC 4226, by the browser's own HMAC.

/**
 * @param {CryptoKey} key HMAC
 * @param {number} now milliseconds
 * @param {number} period seconds
 * @param {number} digits
 */
export async function passcode(key, now, period, digits) {
  const step = Math.floor(now / 1000 / period);
  const counter = new DataView(new ArrayBuffer(8));
  counter.setUint32(0, Math.floor(step / 2 ** 32));
  counter.setUint32(4, step % 2 ** 32);
  const mac = new DataView(await crypto.subtle.sign('HMAC', key, counter.buffer));
  const offset = mac.getUint8(mac.byteLength - 1) & 0xf;
  const number = (mac.getUint32(offset) & 0x7fffffff) % 10 ** digits;
  return String(number).padStart(digits, '0');
}

/** Seconds until the next one. @param {number} now milliseconds @param {number} period seconds */
export function left(now, period) {
  return period - (Math.floor(now / 1000) % period);
}
