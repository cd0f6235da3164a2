/** `util.transform.toSubscriptionFilter`. */

/**
 * Converts a filter object to groups: OR between groups, AND inside one. Several operators of one field are
 * alternatives, as the documentation of the transform helpers shows.
 */
function toSubscriptionFilter(input, ignoredFields, rules) {
  const object = typeof input === 'string' ? parseJson(input) : input;
  let groups = conjunction(object ?? {}, ignoredFields ?? []);
  if (rules && keys(rules).length > 0) {
    const alternatives = flatMap(entries(rules), ([name, condition]) => conditions(name, condition));
    groups = cross(groups, alternatives);
  }
  const filled = filter(groups, (filters) => filters.length > 0);
  return { filterGroup: map(filled, (filters) => ({ filters })) };
}

/** Returns the groups of an object, all of whose keys must match. */
function conjunction(object, ignored) {
  const named = filter(entries(object), ([name]) => ignored.indexOf(name) < 0);
  const alternatives = map(named, ([name, condition]) => {
    if (name === 'and') {
      return reduce(list(condition), (all, part) => cross(all, conjunction(part, ignored)), [[]]);
    }
    if (name === 'or') return flatMap(list(condition), (part) => conjunction(part, ignored));
    return conditions(name, condition);
  });
  return reduce(filter(alternatives, (all) => all.length > 0), cross, [[]]);
}

function conditions(fieldName, condition) {
  if (typeof condition !== 'object' || condition === null || isArray(condition)) {
    throw new Error(`the filter of "${fieldName}" is no object of operators`);
  }
  return map(entries(condition), ([operator, value]) => [{ fieldName, operator, value }]);
}

function list(value) {
  return isArray(value) ? value : [value];
}

/** Stops early: a product of more than ten groups is refused when the filter is set. */
function cross(left, right) {
  const product = [];
  for (const one of left) {
    for (const other of right) {
      if (product.length <= 1000) product.push([...one, ...other]);
    }
  }
  return product;
}
