import { util } from '@aws-appsync/utils';

/**
 * Returns the longest values that publish accepts, how many days a message is stored, and since when: what is older
 * than the days has expired, and what arrived before HISTORY_SINCE was stored for fewer seconds only, or not at all.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function request(ctx) {
  const historyDays = JSON.parse(ctx.env.HISTORY_DAYS);
  const [began, storedBefore] = JSON.parse(ctx.env.HISTORY_SINCE);
  const now = util.time.nowEpochSeconds();
  const since = Math.max(now - historyDays * 86400, Math.min(began, now - storedBefore));
  const historySince = util.time.epochMilliSecondsToISO8601(since * 1000);
  return { payload: { ...JSON.parse(ctx.env.LIMITS), historyDays, historySince } };
}

/** @param {import('@aws-appsync/utils').Context} ctx */
export function response(ctx) {
  return ctx.result;
}
