/**
 * Runs the handlers of one resolver file. The engine concatenates the files of this folder inside one function, so
 * their names stay hidden from the resolver, and puts `LACKING` and `MAX_ITERATIONS` in front.
 */

const MAX_INVALIDATIONS = 5;
const parseJson = JSON.parse;
const writeJson = JSON.stringify;
const { freeze, defineProperty, hasOwn, keys, entries } = Object;
const { isArray } = Array;
const { apply } = Reflect;

/** Detaches a method from its prototype, where some are removed and others count a resolver's iterations. */
const uncurried = (method) => (self, ...rest) => apply(method, self, rest);
const map = uncurried(Array.prototype.map);
const filter = uncurried(Array.prototype.filter);
const flatMap = uncurried(Array.prototype.flatMap);
const reduce = uncurried(Array.prototype.reduce);
const join = uncurried(Array.prototype.join);
const padStart = uncurried(String.prototype.padStart);
const charCodeAt = uncurried(String.prototype.charCodeAt);

/** The current evaluation: one call of one handler. */
let evaluation = null;
let iterations = 0;
let deadline = 0;

/** Carries an outcome out of a handler: `util.error`, `util.unauthorized` and `runtime.earlyReturn` never return. */
class Halt {
  constructor(outcome) {
    this.outcome = outcome;
  }
}

/**
 * Counts an iteration of a loop or of an array method's callback. The engine's own time limit does not interrupt
 * native methods, so the time is checked here as well.
 */
function tick() {
  iterations += 1;
  if (iterations > MAX_ITERATIONS) {
    throw new RangeError(`one evaluation may make at most ${MAX_ITERATIONS} loop iterations`);
  }
  if (Time.now() > deadline) {
    throw new RangeError('the evaluation took too long');
  }
}

/** Freezes a namespace; the error for a missing member names it. */
function emulated(name, members) {
  // Only what the namespace lacks is looked up in its prototype: its members cost no call of a trap.
  const lacking = new Proxy(freeze({}), {
    get(target, key) {
      if (typeof key === 'symbol') {
        return undefined;
      }
      throw new Error(`not emulated: ${name}.${key}`);
    },
  });
  return freeze({ __proto__: lacking, ...members });
}

/** The context object; it cannot be re-assigned, and neither can its direct properties. */
function makeContext(ctx) {
  const { selection } = ctx;
  if (selection) {
    // Lazy on AWS: absent from JSON.stringify(ctx.info).
    for (const key of keys(selection)) {
      defineProperty(ctx.info, key, { value: selection[key], enumerable: false });
    }
    delete ctx.selection;
  }
  ctx.arguments = ctx.args;
  return freeze(ctx);
}

function fault(thrown) {
  if (thrown instanceof Error) {
    return { status: 'fault', message: `${thrown.name}: ${thrown.message}`, stack: thrown.stack };
  }
  return { status: 'fault', message: thrown === null ? 'out of memory' : `thrown: ${thrown}`, stack: '' };
}

/** The latest environment, as text and as an object; it seldom changes. */
let environment = { text: null, variables: null };

/** Returns a copy of the environment's variables, which are texts. */
function variablesOf(text) {
  if (environment.text !== text) environment = { text, variables: parseJson(text) };
  return { ...environment.variables };
}

/**
 * Calls `request` or `response` with a context and its environment (JSON texts; the environment is null if nothing
 * reads it).
 *
 * Returns three lines of JSON: the outcome and its effects (empty if the handler returned and had none), the value that
 * the handler returned, and the stash if it is to be kept.
 */
function call(handler, text, variables, now, authType, keepsStash, a, b, c, d) {
  const ctx = parseJson(text);
  if (variables !== null) ctx.env = variablesOf(variables);
  iterations = 0;
  deadline = Time.now() + host.wallLimit;
  evaluation = { ctx, now, authType, handler, random: seededRandom(a, b, c, d), effects: null };
  let value;
  let outcome = null;
  try {
    value = host.module[handler](makeContext(ctx));
  } catch (thrown) {
    outcome = thrown instanceof Halt ? thrown.outcome : fault(thrown);
  }
  if (evaluation.effects) outcome = { status: 'value', ...outcome, effects: evaluation.effects };
  try {
    const stash = keepsStash ? writeJson(ctx.stash ?? {}) : '';
    return lines(outcome ? writeJson(outcome) : '', writeJson(value), stash);
  } catch (thrown) {
    return lines(writeJson(fault(thrown)), '', '');
  }
}

/** Not a template: the engine makes a rope of long texts, which its binding to Python does not know. */
function lines(...texts) {
  return join(texts, '\n');
}

/** Returns the effects of the evaluation, to add to them. */
function effectsOf(running) {
  running.effects ??= { errors: [], invalidations: [] };
  return running.effects;
}

/** sfc32: fast, and as unpredictable between evaluations as its 128-bit seed, which comes from the operating system. */
function seededRandom(a, b, c, d) {
  return () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return t >>> 0;
  };
}

/** The evaluation that is current while a file is loaded and no handler runs. */
function current(what) {
  if (evaluation === null) throw new Error(`${what} is at hand only in a handler`);
  return evaluation;
}

function only(what, type, handler) {
  const { ctx, handler: running } = current(what);
  if (ctx.info.parentTypeName !== type || running !== handler) {
    throw new Error(`${what} belongs in the ${handler} handler of a ${type} field`);
  }
}

const extensions = emulated('extensions', {
  setSubscriptionFilter(filter) {
    only('extensions.setSubscriptionFilter', 'Subscription', 'response');
    effectsOf(evaluation).filter = filter ?? null;
  },
  setSubscriptionInvalidationFilter(filter) {
    only('extensions.setSubscriptionInvalidationFilter', 'Subscription', 'response');
    effectsOf(evaluation).invalidationFilter = filter ?? null;
  },
  invalidateSubscriptions(invalidation) {
    only('extensions.invalidateSubscriptions', 'Mutation', 'response');
    const { subscriptionField, payload } = invalidation;
    if (typeof subscriptionField !== 'string' || typeof payload !== 'object' || payload === null) {
      throw new Error('extensions.invalidateSubscriptions takes { subscriptionField, payload }');
    }
    const { invalidations } = effectsOf(evaluation);
    invalidations.push({ subscriptionField, payload });
    if (invalidations.length > MAX_INVALIDATIONS) {
      throw new Error(`at most ${MAX_INVALIDATIONS} calls of extensions.invalidateSubscriptions are allowed`);
    }
  },
});

const runtime = emulated('runtime', {
  /** In a unit resolver both values of `skipTo` end it: there is no next function. */
  earlyReturn(value, options) {
    if (current('runtime.earlyReturn').handler !== 'request') {
      throw new Error('runtime.earlyReturn belongs in a request handler');
    }
    const skipTo = options?.skipTo ?? 'END';
    if (skipTo !== 'END' && skipTo !== 'NEXT') {
      throw new Error(`runtime.earlyReturn skips to END or NEXT, not to ${skipTo}`);
    }
    throw new Halt({ status: 'return', value });
  },
});
