import { util } from '@aws-appsync/utils';

/**
 * Returns the longest values that publish accepts, how many days a message is kept, and since when.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function request(ctx) {
  const limits = JSON.parse(ctx.env.LIMITS);
  const historyDays = JSON.parse(ctx.env.HISTORY_DAYS);
  if (historyDays === 0) {
    return { payload: { ...limits, historyDays, historySince: null } };
  }
  // What arrived before the table was made is not in it, and what is older than the days has expired.
  const oldest = util.time.nowEpochSeconds() - historyDays * 86400;
  const since = Math.max(oldest, JSON.parse(ctx.env.HISTORY_SINCE));
  return { payload: { ...limits, historyDays, historySince: util.time.epochMilliSecondsToISO8601(since * 1000) } };
}

/** @param {import('@aws-appsync/utils').Context} ctx */
export function response(ctx) {
  return ctx.result;
}
