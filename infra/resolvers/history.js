import { util } from '@aws-appsync/utils';

/**
 * Reads a page of a channel: forwards after a cursor, else backwards from before a cursor or from the end.
 * @param {import('@aws-appsync/utils').Context<{ name: string, after?: string | null, before?: string | null, limit?: number | null }>} ctx
 */
export function request(ctx) {
  const { name } = ctx.args;
  const after = ctx.args.after ?? null;
  const before = ctx.args.before ?? null;
  const channels = ctx.env.CHANNELS.split(',');
  if (channels.indexOf(name) < 0) {
    util.error('There is no such channel.', 'UnknownChannel', null, { channels });
  }
  if (after !== null && before !== null) {
    util.error('Give after or before, not both.', 'BadPage');
  }
  const cursor = after ?? before;
  if (cursor !== null && !util.matches('^[0-9A-HJKMNP-TV-Z]{26}$', cursor)) {
    util.error('A cursor is the arrival of a message.', 'BadCursor');
  }
  const bound = cursor === null ? '' : ` AND arrival ${after === null ? '<' : '>'} :cursor`;
  return {
    operation: 'Query',
    query: {
      // name is a reserved word of DynamoDB.
      expression: `#name = :name${bound}`,
      expressionNames: { '#name': 'name' },
      expressionValues: util.dynamodb.toMapValues(
        cursor === null ? { ':name': name } : { ':name': name, ':cursor': cursor },
      ),
    },
    limit: Math.max(1, Math.min(100, ctx.args.limit ?? 50)),
    scanIndexForward: after !== null,
    consistentRead: true,
  };
}

/**
 * Answers the page, the oldest message first. DynamoDB deletes expired items days late: they are left out here.
 * @param {import('@aws-appsync/utils').Context<{ after?: string | null }>} ctx
 */
export function response(ctx) {
  if (ctx.error) {
    // The message names the table and the role: it is for the log, not for holders of the API key.
    console.error(`history unread: ${ctx.error.type}: ${ctx.error.message}`);
    util.error('The history could not be read.', 'HistoryFailed', null, { code: ctx.error.type });
  }
  /** @type {Array<{ arrival: string, expires: number }>} */
  const items = ctx.result.items;
  const now = util.time.nowEpochSeconds();
  const messages = items.filter((item) => item.expires > now);
  if ((ctx.args.after ?? null) === null) {
    messages.reverse();
  }
  const last = items.length > 0 ? items[items.length - 1].arrival : null;
  return { messages, next: ctx.result.nextToken ? last : null };
}
