/**
 * Returns the longest values that publish accepts, and that no message is stored.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function request(ctx) {
  return { payload: { ...JSON.parse(ctx.env.LIMITS), historyDays: 0, historySince: null } };
}

/** @param {import('@aws-appsync/utils').Context} ctx */
export function response(ctx) {
  return ctx.result;
}
