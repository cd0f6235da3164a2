/** `util`'s encodings, with the results of the Java classes behind them: URLEncoder, Base64, String. */

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const MALFORMED = '\ufffd';
const percentEncode = encodeURIComponent;
const percentDecode = decodeURIComponent;

function text(value, name) {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} takes a string, not ${value === null ? 'null' : typeof value}`);
  }
  return value;
}

/** Encodes as UTF-8; a lone surrogate becomes a question mark, as in Java. */
function encodable(value) {
  return value.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '?');
}

function utf8(value) {
  const bytes = [];
  for (const character of encodable(value)) {
    const code = character.codePointAt(0);
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
  }
  return bytes;
}

/** Decodes UTF-8; each malformed part becomes U+FFFD, as in `new String(bytes, UTF_8)`. */
function readUtf8(bytes) {
  let result = '';
  for (let i = 0; i < bytes.length; ) {
    const [low, high, length] = sequence(bytes[i]);
    let used = 1;
    while (used < length && bytes[i + used] >= (used > 1 ? 0x80 : low) && bytes[i + used] <= (used > 1 ? 0xbf : high)) {
      used += 1;
    }
    result += used === length ? percentDecode(percents(bytes.slice(i, i + used))) : MALFORMED;
    i += used;
  }
  return result;
}

/** Returns the bounds of the second byte and the length of the sequence that a byte begins. */
function sequence(lead) {
  if (lead < 0x80) return [0, 0, 1];
  if (lead >= 0xc2 && lead < 0xe0) return [0x80, 0xbf, 2];
  if (lead >= 0xe0 && lead < 0xf0) return [lead === 0xe0 ? 0xa0 : 0x80, lead === 0xed ? 0x9f : 0xbf, 3];
  if (lead >= 0xf0 && lead < 0xf5) return [lead === 0xf0 ? 0x90 : 0x80, lead === 0xf4 ? 0x8f : 0xbf, 4];
  return [0, 0, 0];
}

function percents(bytes) {
  return map(bytes, (byte) => `%${hexByte(byte)}`).join('');
}

function hexByte(byte) {
  return padStart(byte.toString(16), 2, '0');
}

function base64Encode(value) {
  const bytes = utf8(text(value, 'util.base64Encode'));
  let encoded = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b = 0, c = 0] = bytes.slice(i, i + 3);
    const bits = (a << 16) | (b << 8) | c;
    const four = BASE64[bits >> 18] + BASE64[(bits >> 12) & 63] + BASE64[(bits >> 6) & 63] + BASE64[bits & 63];
    const missing = Math.max(0, i + 3 - bytes.length);
    encoded += four.slice(0, 4 - missing) + '=='.slice(0, missing);
  }
  return encoded;
}

function base64Decode(value) {
  const digits = text(value, 'util.base64Decode').replace(/={1,2}$/, '');
  if (digits.length % 4 === 1) throw new Error('util.base64Decode was given no base64 text');
  const bytes = [];
  let bits = 0;
  let count = 0;
  for (const digit of digits) {
    const index = BASE64.indexOf(digit);
    if (index < 0) throw new Error('util.base64Decode was given no base64 text');
    bits = ((bits << 6) | index) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push((bits >> count) & 255);
    }
  }
  return readUtf8(bytes);
}

/** The form encoding of java.net.URLEncoder: a space is a plus sign. */
function urlEncode(value) {
  return percentEncode(encodable(text(value, 'util.urlEncode')))
    .replace(/[!'()~]/g, (character) => `%${charCodeAt(character, 0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');
}

function urlDecode(value) {
  return percentDecode(text(value, 'util.urlDecode').replace(/\+/g, ' '));
}

function escapeJavaScript(value) {
  const short = { '\b': '\\b', '\n': '\\n', '\t': '\\t', '\f': '\\f', '\r': '\\r' };
  return text(value, 'util.escapeJavaScript')
    .replace(/['"\\/]/g, '\\$&')
    .replace(/[\b\n\t\f\r]/g, (character) => short[character])
    .replace(/[^\x20-\x7f]/g, (unit) => `\\u${padStart(charCodeAt(unit, 0).toString(16).toUpperCase(), 4, '0')}`);
}
