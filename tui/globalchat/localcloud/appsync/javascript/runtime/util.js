/** The emulated members of `util`; all others are refused by name. */

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Two digits for each number of ten bits. */
const BASE32_PAIRS = [];
for (const high of BASE32) {
  for (const low of BASE32) {
    BASE32_PAIRS.push(high + low);
  }
}
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const KSUID_EPOCH_SECONDS = 1_400_000_000;
const FORMS = ['nfc', 'nfd', 'nfkc', 'nfkd'];
const BigInteger = BigInt;

function random(what) {
  return current(what).random();
}

function randomHex(count) {
  let digits = '';
  for (let i = 0; i < count; i += 1) digits += hexByte(random('randomness') >>> 24);
  return digits;
}

/** Writes a number, given as hexadecimal text, with the digits of another base, to a fixed width. */
function rebase(hexadecimal, digits, width) {
  const base = BigInteger(digits.length);
  let rest = BigInteger(`0x${hexadecimal}`);
  let written = '';
  while (written.length < width) {
    written = digits[Number(rest % base)] + written;
    rest /= base;
  }
  return written;
}

function hexadecimal(number, width) {
  return padStart(number.toString(16), width, '0');
}

/** Writes ten bits as two digits; higher ones do not count. */
const pair = (bits) => BASE32_PAIRS[bits & 1023];

/** Ten digits of time and sixteen random ones, of five bits each. */
function autoUlid() {
  const { now: time, random: next } = current('util.autoUlid');
  // Operators on bits take 32 of them: the time has more.
  const high = Math.floor(time / 2 ** 20);
  const low = time % 2 ** 20;
  let ulid = pair(high >>> 20) + pair(high >>> 10) + pair(high) + pair(low >>> 10) + pair(low);
  for (let i = 0; i < 4; i += 1) {
    const bits = next();
    ulid += pair(bits >>> 22) + pair(bits >>> 12);
  }
  return ulid;
}

function describe(message, type, data, info) {
  const named = type === undefined || type === null ? null : String(type);
  return { message: String(message), type: named, data: data ?? null, info: info ?? null };
}

/** AppSync does not document whether its bounds are inclusive. Here the upper one is exclusive. */
function randomWithinRange(start, end) {
  return start + Math.floor((random('util.math.randomWithinRange') / 2 ** 32) * (end - start));
}

const util = emulated('util', {
  autoId() {
    const digits = randomHex(16);
    const version = `4${digits.slice(13, 16)}`;
    const variant = '89ab'[parseInt(digits[16], 16) & 3] + digits.slice(17, 20);
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${version}-${variant}-${digits.slice(20)}`;
  },
  autoUlid,
  autoKsuid() {
    const seconds = Math.floor(current('util.autoKsuid').now / 1000) - KSUID_EPOCH_SECONDS;
    return rebase(hexadecimal(seconds >>> 0, 8) + randomHex(16), BASE62, 27);
  },
  error(message, type, data, info) {
    throw new Halt({ status: 'error', error: describe(message, type, data, info) });
  },
  appendError(message, type, data, info) {
    effectsOf(current('util.appendError')).errors.push(describe(message, type, data, info));
  },
  unauthorized() {
    throw new Halt({ status: 'unauthorized' });
  },
  matches: (pattern, value) => matches(text(pattern, 'util.matches'), text(value, 'util.matches')),
  authType: () => current('util.authType').authType,
  urlEncode,
  urlDecode,
  base64Encode,
  base64Decode,
  escapeJavaScript,
  dynamodb,
  time,
  math: emulated('util.math', {
    roundNum: (value) => Math.round(value),
    minVal: (one, other) => Math.min(one, other),
    maxVal: (one, other) => Math.max(one, other),
    randomDouble: () => random('util.math.randomDouble') / 2 ** 32,
    randomWithinRange,
  }),
  str: emulated('util.str', {
    normalize(value, form) {
      if (FORMS.indexOf(form) < 0) throw new Error(`util.str.normalize takes ${FORMS.join(', ')}, not ${form}`);
      return text(value, 'util.str.normalize').normalize(form.toUpperCase());
    },
  }),
  transform: emulated('util.transform', { toSubscriptionFilter }),
});
