/** The functions that the engine calls, and the globals of a resolver file. Evaluated last. */

const host = {
  module: null,
  /** The limit of an evaluation's wall time, in milliseconds. */
  wallLimit: Infinity,
  utils: freeze({ util, extensions, runtime }),
  helpers: freeze({ dynamodb: dynamodbHelpers }),
  call,
  zones,
  /** Called by the last statement of a module: the engine does not report an error at the top level otherwise. */
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
  // `toString` stays: `${list}` needs it.
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
