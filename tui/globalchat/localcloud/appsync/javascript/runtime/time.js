/** `util.time`: points in time as text, with the patterns of java.time.format.DateTimeFormatter. */

const Time = Date;
const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)$/;
const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MINUTE = 60_000;

/** Time zones by name: the offset (minutes) that holds from each point in time (milliseconds) on. */
const zones = {};

function now(what) {
  return current(what).now;
}

function instant(milliseconds, what) {
  const date = new Time(typeof milliseconds === 'number' ? milliseconds : NaN);
  if (Number.isNaN(date.getTime())) {
    throw new RangeError(`${what} was given no point in time: ${milliseconds}`);
  }
  return date;
}

/** Returns the point in time of its parts; refuses days and hours that do not exist. */
function utc(year, month, day, hour, minute, second, milli, what) {
  const time = Time.UTC(2000, month - 1, day, hour, minute, second, milli);
  const date = new Time(time);
  date.setUTCFullYear(year, month - 1, day);
  const kept =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute && date.getUTCSeconds() === second;
  if (!kept) throw new RangeError(`${what} was given a date or a time of day that does not exist`);
  return date.getTime();
}

/** Parses `Z`, `+08:00`, `+0800`, `+08`; returns minutes, or null. */
function readOffset(value) {
  if (value === 'Z') return 0;
  const match = /^([+-])(\d\d)(?::?(\d\d))?$/.exec(value);
  if (!match) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return match[1] === '-' ? -minutes : minutes;
}

/** Returns the offset of a zone at a point in time, in minutes. The engine loads a zone that is not known yet. */
function offsetAt(zone, milliseconds) {
  if (zone === 'UTC' || zone === 'GMT') return 0;
  const fixed = readOffset(zone.replace(/^(UTC|GMT)(?=[+-])/, ''));
  if (fixed !== null) return fixed;
  if (!hasOwn(zones, zone)) throw new Halt({ status: 'zone', zone });
  if (zones[zone] === null) throw new RangeError(`there is no time zone ${zone}`);
  let offset = 0;
  for (const [from, minutes] of zones[zone]) {
    if (from > milliseconds) break;
    offset = minutes;
  }
  return offset;
}

function writeOffset(minutes, colon) {
  const absolute = Math.abs(minutes);
  const sign = minutes < 0 ? '-' : '+';
  return sign + digits(Math.floor(absolute / 60), 2) + colon + digits(absolute % 60, 2);
}

function digits(value, width) {
  return (value < 0 ? '-' : '') + padStart(String(Math.abs(value)), width, '0');
}

/** Splits a pattern into runs of one letter and literal text, which begins with a quote: `["yyyy", "'-", "MM"]`. */
function runs(pattern, what) {
  const parts = [];
  const expression = /'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z]/g;
  for (let match = expression.exec(pattern); match; match = expression.exec(pattern)) {
    const [whole, quoted, letter] = match;
    if (letter) parts.push(whole);
    else if (quoted !== undefined) parts.push(`'${quoted === '' ? "'" : quoted.replace(/''/g, "'")}`);
    else if ("'[]{}#".indexOf(whole) >= 0) throw new Error(`not emulated: ${whole} in the pattern of ${what}`);
    else parts.push(`'${whole}`);
  }
  return parts;
}

function format(milliseconds, pattern, zone, what) {
  instant(milliseconds, what);
  const offset = offsetAt(zone, milliseconds);
  const local = instant(milliseconds + offset * MINUTE, what);
  let written = '';
  for (const run of runs(text(pattern, what), what)) {
    written += run[0] === "'" ? run.slice(1) : write(run, local, offset, zone, what);
  }
  return written;
}

function write(run, date, offset, zone, what) {
  const width = run.length;
  const hour = date.getUTCHours();
  switch (run[0]) {
    case 'y': case 'u':
      return width === 2 ? digits(date.getUTCFullYear() % 100, 2) : digits(date.getUTCFullYear(), width);
    case 'M': case 'L': return named(MONTHS, date.getUTCMonth(), width) ?? digits(date.getUTCMonth() + 1, width);
    case 'd': return digits(date.getUTCDate(), width);
    case 'D': return digits(Math.floor((date.getTime() - utc(date.getUTCFullYear(), 1, 1, 0, 0, 0, 0, what)) / 86_400_000) + 1, width);
    case 'E': return width > 3 ? DAYS[date.getUTCDay()] : DAYS[date.getUTCDay()].slice(0, 3);
    case 'a': return hour < 12 ? 'AM' : 'PM';
    case 'H': return digits(hour, width);
    case 'k': return digits(hour || 24, width);
    case 'K': return digits(hour % 12, width);
    case 'h': return digits(hour % 12 || 12, width);
    case 'm': return digits(date.getUTCMinutes(), width);
    case 's': return digits(date.getUTCSeconds(), width);
    case 'S': return `${digits(date.getUTCMilliseconds(), 3)}000000`.slice(0, width);
    case 'A': return digits(date.getTime() - Math.floor(date.getTime() / 86_400_000) * 86_400_000, width);
    case 'n': return digits(date.getUTCMilliseconds() * 1_000_000, width);
    case 'Z':
      if (width === 5 && offset === 0) return 'Z';
      return width === 4 ? (offset === 0 ? 'GMT' : `GMT${writeOffset(offset, ':')}`) : writeOffset(offset, width === 5 ? ':' : '');
    case 'X': case 'x':
      if (run[0] === 'X' && offset === 0) return 'Z';
      if (width === 1) return offset % 60 === 0 ? writeOffset(offset, '').slice(0, 3) : writeOffset(offset, '');
      return writeOffset(offset, width % 2 ? ':' : '');
    case 'V': if (width === 2) return zone;
    // Falls through: only VV is known.
    default: throw new Error(`not emulated: ${run} in the pattern of ${what}`);
  }
}

function named(names, index, width) {
  if (width < 3) return undefined;
  return width === 3 ? names[index].slice(0, 3) : width === 4 ? names[index] : names[index][0];
}

const READ = {
  y: ['year', 4], u: ['year', 4], M: ['month', 2], L: ['month', 2], d: ['day', 2], H: ['hour', 2], h: ['hour12', 2],
  m: ['minute', 2], s: ['second', 2], S: ['fraction', 9],
};

/** Parses a text by a pattern; a part that is missing is 1 (month, day) or 0. */
function parse(value, pattern, zone, what) {
  const found = { month: 1, day: 1, hour: 0, minute: 0, second: 0, fraction: '0' };
  const readers = [];
  let source = '';
  for (const run of runs(text(pattern, what), what)) {
    const [piece, reader] = run[0] === "'" ? [run.slice(1).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')] : readable(run, what);
    source += piece;
    if (reader) readers.push(reader);
  }
  const match = new Pattern(`^${source}$`).exec(text(value, what));
  if (!match) throw new Error(`${what}: "${value}" is not of the form ${pattern}`);
  for (let i = 0; i < readers.length; i += 1) readers[i](found, match[i + 1]);
  if (found.hour12 !== undefined) found.hour = (found.hour12 % 12) + (found.afternoon ? 12 : 0);
  if (found.year === undefined) throw new Error(`${what}: the pattern ${pattern} has no year`);
  const milli = Number(`${found.fraction}00`.slice(0, 3));
  const wall = utc(found.year, found.month, found.day, found.hour, found.minute, found.second, milli, what);
  if (found.offset !== undefined) return wall - found.offset * MINUTE;
  // As java.time does: if the wall time occurs twice the earlier, if never the one by the old offset.
  const before = offsetAt(zone, wall - 1440 * MINUTE);
  for (const offset of [before, offsetAt(zone, wall + 1440 * MINUTE)]) {
    if (offsetAt(zone, wall - offset * MINUTE) === offset) return wall - offset * MINUTE;
  }
  return wall - before * MINUTE;
}

/** Returns the regular expression of a run, and the function that handles its match. */
function readable(run, what) {
  const width = run.length;
  const letter = run[0];
  if ('ZXx'.indexOf(letter) >= 0) {
    return ['(Z|[+-]\\d\\d(?::?\\d\\d)?)', (found, part) => { found.offset = readOffset(part); }];
  }
  if (letter === 'a') return ['(AM|PM)', (found, part) => { found.afternoon = part === 'PM'; }];
  if (letter === 'E') return ['[A-Za-z]+', null];
  if ((letter === 'M' || letter === 'L') && width > 2) {
    const names = map(MONTHS, (month) => (width === 3 ? month.slice(0, 3) : month));
    return [`(${names.join('|')})`, (found, part) => { found.month = names.indexOf(part) + 1; }];
  }
  if (!hasOwn(READ, letter)) throw new Error(`not emulated: ${run} in the pattern of ${what}`);
  const [name, most] = READ[letter];
  const form = width === 1 && letter !== 'S' ? `(\\d{1,${most}})` : `(\\d{${width}})`;
  if (letter === 'S') return [form, (found, part) => { found.fraction = part; }];
  return [form, (found, part) => { found[name] = Number(part) + (letter === 'y' && width === 2 ? 2000 : 0); }];
}

function parseIso(value, what) {
  const match = ISO.exec(text(value, what));
  if (!match) throw new Error(`${what}: "${value}" is no ISO 8601 date-time with an offset`);
  const [year, month, day, hour, minute, second] = map(match.slice(1, 7), (part) => Number(part ?? 0));
  const milli = Number(`${match[7] ?? '0'}00`.slice(0, 3));
  return utc(year, month, day, hour, minute, second, milli, what) - readOffset(match[8]) * MINUTE;
}

const time = emulated('util.time', {
  nowISO8601: () => new Time(now('util.time.nowISO8601')).toISOString(),
  nowEpochSeconds: () => Math.floor(now('util.time.nowEpochSeconds') / 1000),
  nowEpochMilliSeconds: () => now('util.time.nowEpochMilliSeconds'),
  nowFormatted: (pattern, zone) => format(now('util.time.nowFormatted'), pattern, zone ?? 'UTC', 'util.time.nowFormatted'),
  parseFormattedToEpochMilliSeconds: (value, pattern, zone) =>
    parse(value, pattern, zone ?? 'UTC', 'util.time.parseFormattedToEpochMilliSeconds'),
  parseISO8601ToEpochMilliSeconds: (value) => parseIso(value, 'util.time.parseISO8601ToEpochMilliSeconds'),
  epochMilliSecondsToSeconds: (milliseconds) =>
    Math.floor(instant(milliseconds, 'util.time.epochMilliSecondsToSeconds').getTime() / 1000),
  epochMilliSecondsToISO8601: (milliseconds) =>
    instant(milliseconds, 'util.time.epochMilliSecondsToISO8601').toISOString(),
  epochMilliSecondsToFormatted: (milliseconds, pattern, zone) =>
    format(milliseconds, pattern, zone ?? 'UTC', 'util.time.epochMilliSecondsToFormatted'),
});
