/** What the engine calls, and what a resolver file sees. Evaluated last. */

// Neither in APPSYNC_JS's list of globals nor needed by code that stays within it.
const ABSENT = [
  'AggregateError', 'ArrayBuffer', 'AsyncDisposableStack', 'Atomics', 'BigInt', 'BigInt64Array',
  'BigUint64Array', 'DOMException', 'DataView', 'Date', 'DisposableStack', 'FinalizationRegistry', 'Float16Array',
  'Float32Array', 'Float64Array', 'Function', 'Int16Array', 'Int32Array', 'Int8Array', 'Iterator', 'Map', 'Promise',
  'Proxy', 'Reflect', 'RegExp', 'Set', 'SharedArrayBuffer', 'SuppressedError', 'Symbol', 'Uint16Array', 'Uint32Array',
  'Uint8Array', 'Uint8ClampedArray', 'WeakMap', 'WeakRef', 'WeakSet', 'atob', 'btoa', 'escape', 'eval', 'performance',
  'queueMicrotask', 'unescape',
];

const host = {
  module: null,
  utils: Object.freeze({ util, extensions, runtime }),
  call,
  /** The last statement of a module calls it: a top-level throw is not raised by the engine, only missed here. */
  loaded(module) {
    host.module = module;
  },
  handlers: () => ['request', 'response'].filter((name) => typeof host.module?.[name] === 'function').join(),
};

// Documented: bad text gives a blank string, since a resolver cannot catch.
JSON.parse = (value, reviver) => {
  try {
    return parseJson(value, reviver);
  } catch {
    return '';
  }
};
Math.random = () => evaluation.random() / 2 ** 32;
const silent = () => undefined;
Object.assign(globalThis, host.utils, {
  console: emulated('console', { log: silent, error: silent, info: silent, warn: silent, debug: silent }),
});
Object.defineProperty(globalThis, '__appsync', { value: host, enumerable: false });
for (const name of ABSENT) {
  delete globalThis[name];
}
