import { util } from '@aws-appsync/utils';

/**
 * Stores a message from the bus under its order of arrival in this region, before it reaches any subscriber.
 *
 * Only the role of the Broadcast rule may, whatever policies allow others, such as administrators. A session's name
 * can hold neither colon nor slash, a path of a user no colon.
 * @param {import('@aws-appsync/utils').Context<{ id: string, name: string, message: string, sender?: string | null, author?: string | null, region: string, sentAt: string }>} ctx
 */
export function request(ctx) {
  const identity = /** @type {import('@aws-appsync/utils').AppSyncIdentityIAM | null} */ (ctx.identity);
  const caller = identity ? identity.userArn : '';
  if (caller.indexOf(`:assumed-role/${ctx.env.BROADCAST_ROLE}/`) < 0) {
    util.unauthorized();
  }
  const { id, name, message, sender, author, region, sentAt } = ctx.args;
  const arrival = util.autoUlid();
  ctx.stash.arrival = arrival;
  const expires = util.time.nowEpochSeconds() + JSON.parse(ctx.env.HISTORY_DAYS) * 86400;
  return {
    operation: 'PutItem',
    key: util.dynamodb.toMapValues({ name, arrival }),
    attributeValues: util.dynamodb.toMapValues({
      id,
      message,
      sender: sender ?? null,
      author: author ?? null,
      region,
      sentAt,
      expires,
    }),
  };
}

/**
 * Passes the message on: the answer is what subscribers receive, also if it could not be stored.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function response(ctx) {
  if (ctx.error) {
    // A metric filter of the log counts these lines.
    console.error(`history lost: ${ctx.error.type}`);
    return { ...ctx.args, arrival: null };
  }
  return { ...ctx.args, arrival: ctx.stash.arrival };
}
