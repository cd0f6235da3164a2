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
  return { payload: null };
}

/**
 * Filters by the argument: an enhanced filter replaces AppSync's own filtering by arguments.
 * @param {import('@aws-appsync/utils').Context<{ name: string }>} ctx
 */
export function response(ctx) {
  const filter = util.transform.toSubscriptionFilter({ name: { eq: ctx.args.name } });
  extensions.setSubscriptionFilter(filter);
  extensions.setSubscriptionInvalidationFilter(filter);
  return null;
}
