import { util } from '@aws-appsync/utils';

/**
 * Returns the longest values that publish accepts, how many days a message is stored, and since when: what arrived
 * before the table was made is not in it, and what is older than the days has expired.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function request(ctx) {
  const historyDays = JSON.parse(ctx.env.HISTORY_DAYS);
  const oldest = util.time.nowEpochSeconds() - historyDays * 86400;
  const since = Math.max(oldest, JSON.parse(ctx.env.HISTORY_SINCE));
  const historySince = util.time.epochMilliSecondsToISO8601(since * 1000);
  return { payload: { ...JSON.parse(ctx.env.LIMITS), historyDays, historySince } };
}

/** @param {import('@aws-appsync/utils').Context} ctx */
export function response(ctx) {
  return ctx.result;
}
