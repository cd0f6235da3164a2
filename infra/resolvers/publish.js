import { util } from '@aws-appsync/utils';
import { authorOf } from './shared/author.js';

/**
 * Checks a draft, stamps who sent it, where and when it was accepted, and puts it on this region's bus.
 * @param {import('@aws-appsync/utils').Context<{ name: string, message: string, id?: string | null, sender?: string | null }>} ctx
 */
export function request(ctx) {
  const { name, message, sender } = ctx.args;
  const limits = JSON.parse(ctx.env.LIMITS);
  const channels = ctx.env.CHANNELS.split(',');
  if (channels.indexOf(name) < 0) {
    util.error('There is no such channel.', 'UnknownChannel', null, { channels });
  }
  if (message.trim() === '') {
    util.error('The message is empty.', 'EmptyMessage');
  }
  if (message.length > limits.message) {
    util.error(`The message has ${message.length} characters; at most ${limits.message} are allowed.`, 'MessageTooLong');
  }
  if (isUnsafe(message)) {
    util.error('The message holds a NUL or half of a surrogate pair, which no terminal or file can carry.', 'BadMessage');
  }
  const id = ctx.args.id ?? util.autoUlid();
  if (!util.matches(`^[A-Za-z0-9_-]{1,${limits.id}}$`, id)) {
    util.error(`A message id has 1 to ${limits.id} characters of A-Z, a-z, 0-9, _ and -.`, 'BadMessageId');
  }
  /** @type {Record<string, string>} */
  const detail = { id, name, message, region: ctx.env.REGION, sentAt: util.time.nowISO8601() };
  if (sender !== undefined && sender !== null) {
    if (sender.trim() === '' || sender.length > limits.sender || isUnsafe(sender)) {
      util.error(`A sender name has 1 to ${limits.sender} characters, not all blank.`, 'BadSender');
    }
    detail.sender = sender;
  }
  const author = authorOf(ctx);
  if (author !== null) {
    detail.author = author;
  }
  ctx.stash.message = detail;
  return {
    operation: 'PutEvents',
    events: [{ source: 'globalchat', detailType: 'message published', detail }],
  };
}

/**
 * Answers the message only if the bus took it: a call that PutEvents accepts may still hold a refused entry.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function response(ctx) {
  if (ctx.error) {
    util.error(`The bus could not be reached: ${ctx.error.message}`, 'NotAccepted', null, {
      code: ctx.error.type,
      retryable: true,
    });
  }
  if (ctx.result.FailedEntryCount !== 0) {
    const entry = ctx.result.Entries[0];
    util.error(`The bus refused the message: ${entry.ErrorMessage}`, 'NotAccepted', null, {
      code: entry.ErrorCode,
      retryable: ['InternalException', 'InternalFailure', 'ThrottlingException'].indexOf(entry.ErrorCode) >= 0,
    });
  }
  return ctx.stash.message;
}

/** @param {string} text */
function isUnsafe(text) {
  return text.indexOf('\u0000') >= 0 || util.matches('(?s).*\\p{Cs}.*', text);
}
