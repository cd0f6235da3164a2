/** Lists the channels that the deployment was made with. */
export function request(ctx) {
  return { payload: ctx.env.CHANNELS.split(',') };
}

export function response(ctx) {
  return ctx.result;
}
