// @ts-check
// Bytes as text and back: base64url (RFC 4648 §5), base 32 (§6), hexadecimal, and the DER form of a signature.

/** @param {Uint8Array} bytes */
export function toBase64url(bytes) {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function fromBase64url(text) {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function fromBase32(text) {
  const bytes = [];
  let bits = 0;
  let value = 0;
  for (const character of text.toUpperCase()) {
    const digit = BASE32.indexOf(character);
    if (digit < 0) throw new RangeError('not base 32');
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

/** @param {ArrayBuffer} buffer */
export function toHex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * WebCrypto gives the two numbers of an ECDSA signature side by side; the server takes them in DER (RFC 3279 §2.2.3).
 * @param {ArrayBuffer} signature 64 bytes
 */
export function toDer(signature) {
  const both = new Uint8Array(signature);
  const numbers = [integer(both.subarray(0, 32)), integer(both.subarray(32, 64))];
  const length = numbers[0].length + numbers[1].length;
  return Uint8Array.from([0x30, length, ...numbers[0], ...numbers[1]]);
}

/** A DER integer: no needless zeros in front, one where the number would look negative. @param {Uint8Array} bytes */
function integer(bytes) {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = Array.from(bytes.subarray(start));
  if (digits[0] & 0x80) digits.unshift(0);
  return [0x02, digits.length, ...digits];
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function utf8(text) {
  return new Uint8Array(new TextEncoder().encode(text));
}
