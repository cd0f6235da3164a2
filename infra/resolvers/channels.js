/**
 * Lists the channels of the deployment.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function request(ctx) {
  return { payload: ctx.env.CHANNELS.split(',') };
}

/** @param {import('@aws-appsync/utils').Context} ctx */
export function response(ctx) {
  return ctx.result;
}
