/** `util`, as far as it is emulated: everything else is refused by name. */

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const KSUID_EPOCH_SECONDS = 1_400_000_000;
const BigInteger = BigInt;
const Time = Date;
const percentEncode = encodeURIComponent;
const percentDecode = decodeURIComponent;

function randomBytes(count) {
  return Array.from({ length: count }, () => evaluation.random() >>> 24);
}

function hex(bytes) {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Writes a number, given as hexadecimal text, with the digits of another base, to a fixed width. */
function rebase(hexadecimal, digits, width) {
  const base = BigInteger(digits.length);
  let rest = BigInteger(`0x${hexadecimal}`);
  let text = '';
  while (text.length < width) {
    text = digits[Number(rest % base)] + text;
    rest /= base;
  }
  return text;
}

function utf8(text) {
  const bytes = [];
  for (const character of text.toWellFormed()) {
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

function halt(message, type, data, info) {
  throw new Halt({ status: 'error', error: describe(message, type, data, info) });
}

function describe(message, type, data, info) {
  return { message: String(message), type: type ?? null, data: data ?? null, info: info ?? null };
}

function text(value, name) {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} takes a string, not ${value === null ? 'null' : typeof value}`);
  }
  return value;
}

function instant(milliseconds, name) {
  const date = new Time(milliseconds);
  if (Number.isNaN(date.getTime())) {
    throw new RangeError(`${name} was given no point in time: ${milliseconds}`);
  }
  return date;
}

function base64Encode(value) {
  const bytes = utf8(text(value, 'util.base64Encode'));
  let encoded = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b = 0, c = 0] = bytes.slice(i, i + 3);
    const bits = (a << 16) | (b << 8) | c;
    const four = [18, 12, 6, 0].map((shift) => BASE64[(bits >> shift) & 63]).join('');
    const missing = Math.max(0, i + 3 - bytes.length);
    encoded += four.slice(0, 4 - missing) + '='.repeat(missing);
  }
  return encoded;
}

function base64Decode(value) {
  const digits = text(value, 'util.base64Decode').replace(/=+$/, '');
  let bits = '';
  for (const digit of digits) {
    const index = BASE64.indexOf(digit);
    if (index < 0) throw new Error('util.base64Decode was given no base64 text');
    bits += index.toString(2).padStart(6, '0');
  }
  const bytes = bits.match(/.{8}/g) ?? [];
  return percentDecode(bytes.map((byte) => `%${parseInt(byte, 2).toString(16).padStart(2, '0')}`).join(''));
}

function escapeJavaScript(value) {
  const short = { '\b': '\\b', '\n': '\\n', '\t': '\\t', '\f': '\\f', '\r': '\\r' };
  return text(value, 'util.escapeJavaScript')
    .replace(/['"\\/]/g, '\\$&')
    .replace(/[\b\n\t\f\r]/g, (character) => short[character])
    .replace(/[^\x20-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`);
}

const time = emulated('util.time', {
  nowISO8601: () => new Time(evaluation.now).toISOString(),
  nowEpochSeconds: () => Math.floor(evaluation.now / 1000),
  nowEpochMilliSeconds: () => evaluation.now,
  parseISO8601ToEpochMilliSeconds: (value) =>
    instant(text(value, 'util.time.parseISO8601ToEpochMilliSeconds'), 'util.time.parseISO8601ToEpochMilliSeconds').getTime(),
  epochMilliSecondsToSeconds: (milliseconds) => Math.floor(milliseconds / 1000),
  epochMilliSecondsToISO8601: (milliseconds) =>
    instant(milliseconds, 'util.time.epochMilliSecondsToISO8601').toISOString(),
});

const math = emulated('util.math', {
  roundNum: (value) => Math.round(value),
  minVal: (one, other) => Math.min(one, other),
  maxVal: (one, other) => Math.max(one, other),
  randomDouble: () => evaluation.random() / 2 ** 32,
  randomWithinRange: (start, end) => start + Math.floor((evaluation.random() / 2 ** 32) * (end - start)),
});

const str = emulated('util.str', {
  normalize: (value, form) => text(value, 'util.str.normalize').normalize(form.toUpperCase()),
});

const util = emulated('util', {
  autoId() {
    const bytes = randomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  },
  autoUlid: () => rebase(evaluation.now.toString(16).padStart(12, '0') + hex(randomBytes(10)), BASE32, 26),
  autoKsuid() {
    const seconds = Math.floor(evaluation.now / 1000) - KSUID_EPOCH_SECONDS;
    return rebase((seconds >>> 0).toString(16).padStart(8, '0') + hex(randomBytes(16)), BASE62, 27);
  },
  error: halt,
  appendError(message, type, data, info) {
    evaluation.effects.errors.push(describe(message, type, data, info));
  },
  unauthorized() {
    throw new Halt({ status: 'unauthorized' });
  },
  validate(condition, message, type, data, info) {
    if (!condition) halt(message, type ?? 'CustomTemplateException', data, info);
  },
  matches: (pattern, value) => matches(text(pattern, 'util.matches'), text(value, 'util.matches')),
  authType: () => evaluation.authType,
  // The form encoding of java.net.URLEncoder.
  urlEncode: (value) =>
    percentEncode(text(value, 'util.urlEncode').toWellFormed())
      .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
      .replace(/%20/g, '+'),
  urlDecode: (value) => percentDecode(text(value, 'util.urlDecode').replace(/\+/g, ' ')),
  base64Encode,
  base64Decode,
  escapeJavaScript,
  time,
  math,
  str,
  transform: emulated('util.transform', { toSubscriptionFilter }),
});
