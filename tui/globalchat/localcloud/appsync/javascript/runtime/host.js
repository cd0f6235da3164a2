/** What the engine calls, and what a resolver file sees. Evaluated last. */

const host = {
  module: null,
  /** How long an evaluation may take, in milliseconds. */
  patience: Infinity,
  utils: freeze({ util, extensions, runtime }),
  call,
  zones,
  /** The last statement of a module calls it: a top-level throw is not raised by the engine, only missed here. */
  loaded(module) {
    host.module = module;
  },
  handlers: () => filter(['request', 'response'], (name) => typeof host.module?.[name] === 'function').join(),
};

// Documented: bad text gives a blank string, since a resolver cannot catch.
JSON.parse = (value, reviver) => {
  try {
    return parseJson(value, reviver);
  } catch {
    return '';
  }
};
Math.random = () => random('Math.random') / 2 ** 32;
const silent = () => undefined;
Object.assign(globalThis, host.utils, { console: emulated('console', { log: silent, error: silent }) });
defineProperty(globalThis, '__appsync', { value: host, enumerable: false });
defineProperty(globalThis, '__tick', { value: tick, enumerable: false });

for (const name of LACKING.callbacks) {
  const native = Array.prototype[name];
  Array.prototype[name] = function (callback, ...rest) {
    if (typeof callback !== 'function') return apply(native, this, [callback, ...rest]);
    const counted = (...given) => {
      tick();
      return callback(...given);
    };
    return apply(native, this, [counted, ...rest]);
  };
}
const LACKED = [
  [Object, LACKING.object], [Array, LACKING.arrays], [String, LACKING.strings],
  // Its text forms stay: `${list}` needs them.
  [Array.prototype, filter(LACKING.array, (name) => name !== 'toString')],
  [String.prototype, LACKING.string],
  [Function.prototype, [...LACKING.function, 'constructor']],
  [globalThis, LACKING.globals],
];
for (const [owner, names] of LACKED) {
  for (const name of names) {
    delete owner[name];
  }
}
