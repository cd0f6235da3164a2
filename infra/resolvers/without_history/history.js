import { util } from '@aws-appsync/utils';

/** Refuses to answer: this deployment keeps no messages. */
export function request() {
  util.error('This backend keeps no history.', 'HistoryOff');
}

/** @param {import('@aws-appsync/utils').Context} ctx */
export function response(ctx) {
  return ctx.result;
}
