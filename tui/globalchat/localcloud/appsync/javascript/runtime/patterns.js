/** `util.matches`: translates patterns of java.util.regex. Constructs without a translation are refused by name. */

const Pattern = RegExp;
const SPACE = ' \\t\\n\\x0B\\f\\r';
const POSIX = {
  Lower: 'a-z', Upper: 'A-Z', ASCII: '\\x00-\\x7F', Alpha: 'a-zA-Z', Digit: '0-9', Alnum: 'a-zA-Z0-9',
  Punct: '!-\\/:-@\\[-`\\{-~', Graph: '!-~', Print: ' -~', Blank: ' \\t', Cntrl: '\\x00-\\x1F\\x7F',
  XDigit: '0-9a-fA-F', Space: SPACE,
};
const LITERAL_ESCAPES = { a: '\\x07', e: '\\x1B' };
const KEPT_ESCAPES = 'dDwWnrtf';
const MAX_COMPILED = 100;
const compiled = new Map();

/** Returns true if the whole text matches, like Java's Pattern.matches. */
function matches(pattern, value) {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    expression = compilePattern(pattern);
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(pattern, expression);
  }
  expression.lastIndex = 0;
  return expression.test(value);
}

function compilePattern(pattern) {
  const [, letters = ''] = /^\(\?([a-z]+)\)/.exec(pattern) ?? [];
  for (const letter of letters) {
    if ('ism'.indexOf(letter) < 0) refusePattern(`the flag (?${letter})`);
  }
  const body = letters ? pattern.slice(letters.length + 3) : pattern;
  const source = translate([...body], letters.indexOf('s') >= 0);
  try {
    return new Pattern(`(?:${source})(?![\\s\\S])`, `${letters}uy`);
  } catch (problem) {
    throw new Error(`util.matches: the pattern ${pattern} is not valid or not emulated (${problem.message})`);
  }
}

function refusePattern(what) {
  throw new Error(`not emulated: util.matches with ${what}`);
}

function translate(characters, dotAll) {
  let out = '';
  let inClass = false;
  let quantified = false;
  for (let i = 0; i < characters.length; i += 1) {
    const character = characters[i];
    const next = characters[i + 1];
    const wasQuantified = quantified;
    quantified = false;
    if (character === '\\') {
      const [piece, used] = escape(characters, i + 1, inClass);
      out += piece;
      i += used;
    } else if (inClass) {
      if (character === '[' || (character === '&' && next === '&')) refusePattern('nested character classes');
      if (character === ']') inClass = false;
      out += character;
    } else if (character === '[') {
      inClass = true;
      out += character;
      // A "]" that comes first stands for itself in Java.
      if (next === '^') { out += '^'; i += 1; }
      if (characters[i + 1] === ']') { out += '\\]'; i += 1; }
    } else if (character === '.' && !dotAll) {
      out += '[^\\n\\r\\u0085\\u2028\\u2029]';
    } else if (character === ']' || character === '}') {
      quantified = closesQuantifier(out, character);
      out += quantified ? character : `\\${character}`;
    } else if (character === '+' && wasQuantified) {
      refusePattern('possessive quantifiers');
    } else if (character === '(' && next === '?' && characters[i + 2] === '>') {
      refusePattern('atomic groups');
    } else {
      quantified = '*+?'.indexOf(character) >= 0 && !wasQuantified;
      out += character;
    }
  }
  return out;
}

function closesQuantifier(out, character) {
  return character === '}' && /\{\d+(,\d*)?$/.test(out);
}

/** Translates an escape; returns the translation and the number of characters after the backslash. */
function escape(characters, start, inClass) {
  const letter = characters[start];
  if (letter === undefined) refusePattern('a backslash at the end');
  if (letter === 'p' || letter === 'P') return property(characters, start, inClass);
  if (letter === 's') return [inClass ? SPACE : `[${SPACE}]`, 1];
  if (letter === 'S' && !inClass) return [`[^${SPACE}]`, 1];
  if (letter === 'A' && !inClass) return ['(?<![\\s\\S])', 1];
  if (letter === 'z' && !inClass) return ['(?![\\s\\S])', 1];
  if (Object.hasOwn(LITERAL_ESCAPES, letter)) return [LITERAL_ESCAPES[letter], 1];
  if (KEPT_ESCAPES.indexOf(letter) >= 0 || ('bBk123456789'.indexOf(letter) >= 0 && !inClass)) return [`\\${letter}`, 1];
  if (letter === 'u' || letter === 'x') return [`\\${letter}`, 1];
  if (/[a-zA-Z0-9]/.test(letter)) refusePattern(`\\${letter}`);
  return [/[\^$\\.*+?()[\]{}|/]/.test(letter) || (inClass && letter === '-') ? `\\${letter}` : letter, 1];
}

function property(characters, start, inClass) {
  const braced = characters[start + 1] === '{';
  const end = braced ? characters.indexOf('}', start) : start + 1;
  if (end < 0 || end >= characters.length) refusePattern('an unfinished \\p');
  const name = characters.slice(braced ? start + 2 : start + 1, braced ? end : end + 1).join('');
  const negated = characters[start] === 'P';
  const used = end - start + 1;
  if (Object.hasOwn(POSIX, name)) {
    if (inClass && negated) refusePattern(`\\P{${name}} in a character class`);
    return [inClass ? POSIX[name] : `[${negated ? '^' : ''}${POSIX[name]}]`, used];
  }
  if (name.indexOf('java') === 0 || name.indexOf('In') === 0) refusePattern(`\\p{${name}}`);
  const script = /^Is([A-Z][a-z]{2,})$/.exec(name);
  const translated = script ? `Script=${script[1]}` : name.replace(/^Is/, '');
  return [`\\${characters[start]}{${translated}}`, used];
}
