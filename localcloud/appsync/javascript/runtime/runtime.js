/**
 * Runs the handlers of one resolver file. The engine concatenates the files of this folder inside one function, so
 * their names stay hidden from the resolver.
 */

const MAX_INVALIDATIONS = 5;
const parseJson = JSON.parse;
const writeJson = JSON.stringify;

/** The evaluation that runs: one call of one handler. */
let evaluation = null;

/** Carries an outcome out of a handler: `util.error`, `util.unauthorized` and `runtime.earlyReturn` never return. */
class Halt {
  constructor(outcome) {
    this.outcome = outcome;
  }
}

/** Freezes a namespace; a member that it lacks is named in the error. */
function emulated(name, members) {
  return new Proxy(Object.freeze(members), {
    get(target, key) {
      if (Object.hasOwn(target, key) || typeof key === 'symbol') {
        return target[key];
      }
      throw new Error(`not emulated: ${name}.${key}`);
    },
  });
}

/** The context object; it cannot be re-assigned, and neither can its direct properties. */
function makeContext({ args, info, selection, ...rest }) {
  if (selection) {
    // Lazy on AWS: absent from JSON.stringify(ctx.info).
    for (const key of Object.keys(selection)) {
      Object.defineProperty(info, key, { value: selection[key], enumerable: false });
    }
  }
  return Object.freeze({ args, arguments: args, info, ...rest });
}

function fault(thrown) {
  if (thrown instanceof Error) {
    return { status: 'fault', message: `${thrown.name}: ${thrown.message}`, stack: thrown.stack };
  }
  return { status: 'fault', message: thrown === null ? 'out of memory' : `thrown: ${thrown}`, stack: '' };
}

/** Calls `request` or `response` with a context (JSON text); answers the outcome and its side effects (JSON text). */
function call(handler, text) {
  const input = parseJson(text);
  const { ctx } = input;
  evaluation = { ...input, handler, random: seededRandom(input.seed), effects: { errors: [], invalidations: [] } };
  let outcome;
  try {
    outcome = { status: 'value', value: host.module[handler](makeContext(ctx)) };
  } catch (thrown) {
    outcome = thrown instanceof Halt ? thrown.outcome : fault(thrown);
  }
  try {
    return writeJson({ ...outcome, stash: ctx.stash, ...evaluation.effects });
  } catch (thrown) {
    return writeJson(fault(thrown));
  }
}

/** sfc32: fast, and as unpredictable between evaluations as its 128-bit seed, which comes from the operating system. */
function seededRandom(seed) {
  let [a, b, c, d] = seed;
  return () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return t >>> 0;
  };
}

function only(what, type, handler) {
  if (evaluation.ctx.info.parentTypeName !== type || evaluation.handler !== handler) {
    throw new Error(`${what} belongs in the ${handler} handler of a ${type} field`);
  }
}

const extensions = emulated('extensions', {
  setSubscriptionFilter(filter) {
    only('extensions.setSubscriptionFilter', 'Subscription', 'response');
    evaluation.effects.filter = filter ?? null;
  },
  setSubscriptionInvalidationFilter(filter) {
    only('extensions.setSubscriptionInvalidationFilter', 'Subscription', 'response');
    evaluation.effects.invalidationFilter = filter ?? null;
  },
  invalidateSubscriptions(invalidation) {
    only('extensions.invalidateSubscriptions', 'Mutation', 'response');
    const { subscriptionField, payload } = invalidation;
    if (typeof subscriptionField !== 'string' || typeof payload !== 'object' || payload === null) {
      throw new Error('extensions.invalidateSubscriptions takes { subscriptionField, payload }');
    }
    evaluation.effects.invalidations.push({ subscriptionField, payload });
    if (evaluation.effects.invalidations.length > MAX_INVALIDATIONS) {
      throw new Error(`at most ${MAX_INVALIDATIONS} calls of extensions.invalidateSubscriptions are allowed`);
    }
  },
});

const runtime = emulated('runtime', {
  earlyReturn(value) {
    if (evaluation.handler !== 'request') {
      throw new Error('runtime.earlyReturn belongs in a request handler');
    }
    throw new Halt({ status: 'return', value });
  },
});
