import { authorOf } from './shared/author.js';

/**
 * Returns the author that publish would stamp a message of this caller with.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function request(ctx) {
  return { payload: authorOf(ctx) };
}

/** @param {import('@aws-appsync/utils').Context} ctx */
export function response(ctx) {
  return ctx.result;
}
