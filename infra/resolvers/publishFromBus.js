/** Passes a message from the bus on: the answer is what subscribers receive. */
export function request(ctx) {
  return { payload: ctx.args };
}

export function response(ctx) {
  return ctx.result;
}
