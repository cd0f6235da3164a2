import { util } from '@aws-appsync/utils';

/**
 * Passes a message from the bus on: the answer is what subscribers receive.
 *
 * Only the role of the Broadcast rule may, whatever policies allow others, such as administrators. A session's name
 * can hold neither colon nor slash, a path of a user no colon.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function request(ctx) {
  const identity = /** @type {import('@aws-appsync/utils').AppSyncIdentityIAM | null} */ (ctx.identity);
  const caller = identity ? identity.userArn : '';
  if (caller.indexOf(`:assumed-role/${ctx.env.BROADCAST_ROLE}/`) < 0) {
    util.unauthorized();
  }
  return { payload: ctx.args };
}

/** @param {import('@aws-appsync/utils').Context} ctx */
export function response(ctx) {
  return ctx.result;
}
