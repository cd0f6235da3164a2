import { extensions, util } from '@aws-appsync/utils';

/**
 * Refuses what cannot name a channel. One that an administrator removed is accepted: its subscriptions are to end.
 * @param {import('@aws-appsync/utils').Context<{ name: string }>} ctx
 */
export function request(ctx) {
  const { name } = ctx.args;
  if (!util.matches('^[a-z0-9][a-z0-9_-]{0,49}$', name)) {
    util.error('There is no such channel.', 'UnknownChannel', null, { channels: ctx.env.CHANNELS.split(',') });
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
