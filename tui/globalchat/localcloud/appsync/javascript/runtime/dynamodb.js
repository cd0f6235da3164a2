/** `util.dynamodb`: from values of JavaScript to attribute values of DynamoDB, as AWS documents them. */

/** Turns any value into an attribute value; lists never become sets. */
function toDynamoDB(value) {
  if (value === null || value === undefined) return { NULL: null };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (isArray(value)) return { L: map(value, toDynamoDB) };
  if (typeof value === 'object') return { M: toMapValues(value) };
  throw new TypeError(`util.dynamodb takes no ${typeof value}`);
}

/** Turns each member of an object into an attribute value; members that are undefined are absent, as in JSON. */
function toMapValues(object) {
  if (typeof object !== 'object' || isArray(object)) refuseAllBut('an object');
  const values = {};
  const names = keys(object);
  // Not `for … of`: iterators cost a multiple, and every message that is stored comes by here.
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i];
    const value = object[name];
    if (value === undefined) continue;
    // Most values are texts: those need no further call.
    const converted = typeof value === 'string' ? { S: value } : toDynamoDB(value);
    if (name === '__proto__') {
      // Assigned, it would become the prototype.
      defineProperty(values, name, { value: converted, enumerable: true, writable: true, configurable: true });
    } else {
      values[name] = converted;
    }
  }
  return values;
}

function refuseAllBut(what) {
  throw new TypeError(`util.dynamodb was given something other than ${what}`);
}

function typed(value, what, isRight) {
  if (!isRight(value)) refuseAllBut(what);
  return value;
}

/** Makes a converter of one type; null stays null. */
function converter(kind, what, isRight) {
  return (value) => (value === null || value === undefined ? null : { [kind]: typed(value, what, isRight) });
}

const isText = (value) => typeof value === 'string';
const isNumber = (value) => typeof value === 'number';
const isListOf = (isRight) => (value) => isArray(value) && filter(value, (each) => !isRight(each)).length === 0;

const dynamodb = emulated('util.dynamodb', {
  toDynamoDB,
  toString: converter('S', 'a string', isText),
  toStringSet: converter('SS', 'a list of strings', isListOf(isText)),
  toNumber: converter('N', 'a number', isNumber),
  toNumberSet: converter('NS', 'a list of numbers', isListOf(isNumber)),
  toBoolean: converter('BOOL', 'a boolean', (value) => typeof value === 'boolean'),
  toNull: () => ({ NULL: null }),
  toList: (value) => (value === null || value === undefined ? null : toDynamoDB(typed(value, 'a list', isArray))),
  toMap: (value) => (value === null || value === undefined ? null : { M: toMapValues(value) }),
  toMapValues: (value) => (value === null || value === undefined ? null : toMapValues(value)),
});

const OPERATORS = { eq: '=', le: '<=', lt: '<', ge: '>=', gt: '>' };

/** Makes the key condition of `{ name: { eq: 'a' }, place: { beginsWith: 'b' } }`. */
function keyCondition(query) {
  const expressionNames = {};
  const expressionValues = {};
  const tests = flatMap(entries(query), ([name, condition], place) => {
    expressionNames[`#k${place}`] = name;
    return map(entries(condition), ([operator, operand], number) => {
      const label = `:k${place}_${number}`;
      const operands = operator === 'between' ? operand : [operand];
      const labels = map(operands, (value, index) => {
        expressionValues[`${label}_${index}`] = toDynamoDB(value);
        return `${label}_${index}`;
      });
      if (operator === 'beginsWith') return `begins_with(#k${place}, ${labels[0]})`;
      if (operator === 'between') return `#k${place} BETWEEN ${labels[0]} AND ${labels[1]}`;
      if (!hasOwn(OPERATORS, operator)) throw new Error(`a key condition has no operator ${operator}`);
      return `#k${place} ${OPERATORS[operator]} ${labels[0]}`;
    });
  });
  return { expression: tests.join(' AND '), expressionNames, expressionValues };
}

/** Makes the projection of a list of paths: `['id', 'place.city']`. */
function projectionOf(paths) {
  const expressionNames = {};
  const parts = map(paths, (path, place) => map(path.split('.'), (part, index) => {
    const [name] = part.split('[');
    const label = `#p${place}_${index}`;
    expressionNames[label] = name;
    return label + part.slice(name.length);
  }).join('.'));
  return { expression: parts.join(', '), expressionNames };
}

/** Refuses what needs filter objects turned into expressions. */
function withoutFilterObject(object, helper, member) {
  if (object !== null && object !== undefined) {
    throw new Error(`not emulated: ${member} of ${helper} in @aws-appsync/utils/dynamodb`);
  }
}

/** `@aws-appsync/utils/dynamodb`: requests to a DynamoDB data source. */
const dynamodbHelpers = emulated('dynamodb', {
  put({ key, item, condition, ...rest }) {
    withoutFilterObject(condition, 'put', 'condition');
    return { operation: 'PutItem', key: toMapValues(key), attributeValues: toMapValues(item ?? {}), ...rest };
  },
  query({ query, filter: chosen, projection, ...rest }) {
    withoutFilterObject(chosen, 'query', 'filter');
    const parts = projection ? { projection: projectionOf(projection) } : {};
    return { operation: 'Query', query: keyCondition(query), ...parts, ...rest };
  },
});
