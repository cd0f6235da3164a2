/**
 * Returns the longest values that publish accepts.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function request(ctx) {
  return { payload: JSON.parse(ctx.env.LIMITS) };
}

/** @param {import('@aws-appsync/utils').Context} ctx */
export function response(ctx) {
  return ctx.result;
}
