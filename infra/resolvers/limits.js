/** Tells the longest values that publish accepts. */
export function request(ctx) {
  return { payload: JSON.parse(ctx.env.LIMITS) };
}

export function response(ctx) {
  return ctx.result;
}
