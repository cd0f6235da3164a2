import { extensions, util } from '@aws-appsync/utils';

/**
 * Refuses a channel that does not exist.
 * @param {import('@aws-appsync/utils').Context<{ name: string }>} ctx
 */
export function request(ctx) {
  const { name } = ctx.args;
  const channels = ctx.env.CHANNELS.split(',');
  if (channels.indexOf(name) < 0) {
    util.error('There is no such channel.', 'UnknownChannel', null, { channels });
  }
  return { payload: { name } };
}

/**
 * Ends every subscription to the channel in this region.
 * @param {import('@aws-appsync/utils').Context<{ name: string }>} ctx
 */
export function response(ctx) {
  extensions.invalidateSubscriptions({ subscriptionField: 'subscribe', payload: { name: ctx.args.name } });
  return ctx.result;
}
