"""Resolvers in the shapes that people write: all within APPSYNC_JS, so none may be refused when it is loaded."""

# One case a line, whatever its length.
# ruff: noqa: E501

SAMPLES = {
    "pass the arguments on": """
export function request(ctx) {
  return { payload: ctx.args };
}
export const response = (ctx) => ctx.result;
""",
    "arrow functions, exported by list": """
import { util } from '@aws-appsync/utils'

const request = (ctx) => ({ payload: { ...ctx.args, id: util.autoId(), createdAt: util.time.nowISO8601() } })
const response = (ctx) => {
  const { error, result } = ctx
  if (error) return util.appendError(error.message, error.type, result)
  return result
}
export { request, response }
""",
    "bundled by esbuild": """
// resolver.ts
import { util as u } from "@aws-appsync/utils";
var Kind = /* @__PURE__ */ ((Kind2) => {
  Kind2["Small"] = "SMALL";
  Kind2["Large"] = "LARGE";
  return Kind2;
})(Kind || {});
function request(ctx) {
  const { kind = "SMALL" /* Small */, ...rest } = ctx.args;
  return { payload: { kind, rest, now: u.time.nowEpochSeconds() } };
}
function response(ctx) {
  return ctx.result;
}
export {
  request,
  response
};
""",
    "events, one per item": """
import { util } from '@aws-appsync/utils';
/** @param {import('@aws-appsync/utils').Context} ctx */
export function request(ctx) {
  const events = [];
  for (const item of ctx.args.items ?? []) {
    if (!item.title) util.error('A title is missing', 'BadItem', item);
    events.push({ source: 'shop', detailType: 'item', detail: { ...item, at: util.time.nowISO8601() } });
  }
  return { operation: 'PutEvents', events };
}
export function response(ctx) {
  const { FailedEntryCount, Entries } = ctx.result;
  const failed = Entries.filter((entry) => entry.ErrorCode).map(({ ErrorCode: code, ErrorMessage: why }) => `${code}: ${why}`);
  return FailedEntryCount > 0 ? util.error(failed.join('; '), 'Failed') : ctx.stash.items;
}
""",
    "groups, counts and sums": """
export function request(ctx) {
  const groups = {};
  let total = 0;
  for (const { owner, amount } of ctx.args.rows) {
    groups[owner] = groups[owner] ?? { count: 0, sum: 0 };
    groups[owner].count += 1;
    groups[owner].sum += amount;
    total += amount;
  }
  for (const key in groups) {
    groups[key].share = total ? groups[key].sum / total : 0;
  }
  const names = Object.keys(groups).sort();
  const best = names.reduce((one, other) => (groups[one].sum >= groups[other].sum ? one : other), names[0]);
  return { payload: { groups, best, flat: [[1], [2]].flat(), last: names.findLast((name) => name.length > 3) } };
}
export function response(ctx) {
  return ctx.result;
}
""",
    "a switch, templates, optional chaining": """
import { runtime, util } from '@aws-appsync/utils';
export function request(ctx) {
  let answer;
  switch (ctx.args?.mode) {
    case 'early':
    case 'soon': {
      runtime.earlyReturn({ mode: `${ctx.args.mode}-${`n${1 + 1}`}` });
      break;
    }
    default:
      answer = ctx.args?.list?.[0]?.name ?? 'none';
  }
  if (typeof answer !== 'string') { util.unauthorized(); } else answer = answer.trim().toLowerCase().slice(0, -1);
  const { a: { b: [, second = 2] = [] } = {} } = ctx.args;
  return { payload: { answer, second, flags: (5 & 3) | (1 << 2), power: 2 ** 3 ** 2, no: void 0 } };
}
export function response({ result, args: { id }, ...rest }) {
  return { ...result, id };
}
""",
    "helpers, shadowed names, callbacks by name": """
import * as aws from '@aws-appsync/utils';
const { util } = aws;
const DEFAULTS = { search: (text) => text.length, name: 'n' };
function name(user) { return `${user.first} ${user.last}`; }
const isAdult = (user) => user.age >= 18;
export function request(context) {
  const { name: label } = context.args;
  context.args.seen = true;
  context.stash.users = context.args.users.filter(isAdult).map(name);
  delete context.stash.old;
  Object.assign(context.stash, { label, found: DEFAULTS.search('abc') });
  return { payload: [context.args.users].map((name) => describe(name, label)) };
}
export function response(context) {
  context.result.checked = context.stash.label;
  return context.result;
}
function describe(name, label) {
  const request = (part) => `${part}!`;
  return [name.length, request(label)];
}
""",
    "a subscription with a filter": """
import { util, extensions } from '@aws-appsync/utils'
export function request() { return { payload: null } }
export function response(ctx) {
  const filter = { severity: { in: ['high', 'low'] }, or: [{ owner: { eq: ctx.identity?.username ?? '' } }] }
  extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter(filter, ['owner']))
  extensions.setSubscriptionInvalidationFilter({ filterGroup: [{ filters: [{ fieldName: 'id', operator: 'eq', value: ctx.args.id }] }] })
  return null
}
""",
    "numbers, dates and text": """
import { util } from '@aws-appsync/utils';
const DAY = 24 * 60 * 60;
export const request = function (ctx) {
  const expires = util.time.nowEpochSeconds() + 7 * DAY;
  const price = Math.round(ctx.args.price * 100) / 100;
  const ok = Number.isFinite ? !Number.isNaN(price) : false;
  const words = ctx.args.text.split(' ').filter((word) => word !== '').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  console.log('words', words);
  return { payload: { expires, price, ok, title: words.join(' '), part: ctx.args.text.replace('a', 'b').replaceAll('c', 'd') } };
};
export function response(ctx) { return ctx.result; }
""",
}
