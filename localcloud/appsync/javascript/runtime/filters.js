/** `util.transform.toSubscriptionFilter`. */

/**
 * Turns a filter object into groups: OR between groups, AND inside one. Several operators of one field are
 * alternatives, as the documentation of the transform helpers shows.
 */
function toSubscriptionFilter(filter, ignoredFields, rules) {
  const object = typeof filter === 'string' ? parseJson(filter) : filter;
  let groups = conjunction(object ?? {}, ignoredFields ?? []);
  if (rules && Object.keys(rules).length > 0) {
    const alternatives = Object.entries(rules).flatMap(([name, condition]) => conditions(name, condition));
    groups = cross(groups, alternatives);
  }
  return { filterGroup: groups.filter((filters) => filters.length > 0).map((filters) => ({ filters })) };
}

/** All keys of an object hold. */
function conjunction(object, ignored) {
  return Object.entries(object)
    .filter(([name]) => ignored.indexOf(name) < 0)
    .map(([name, condition]) => {
      if (name === 'and') return list(condition).reduce((all, part) => cross(all, conjunction(part, ignored)), [[]]);
      if (name === 'or') return list(condition).flatMap((part) => conjunction(part, ignored));
      return conditions(name, condition);
    })
    .filter((alternatives) => alternatives.length > 0)
    .reduce(cross, [[]]);
}

function conditions(fieldName, condition) {
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) {
    throw new Error(`the filter of "${fieldName}" is no object of operators`);
  }
  return Object.entries(condition).map(([operator, value]) => [{ fieldName, operator, value }]);
}

function list(value) {
  return Array.isArray(value) ? value : [value];
}

/** Ten groups are allowed: a product beyond that fails when the filter is set, so it need not be finished. */
function cross(left, right) {
  const product = [];
  for (const one of left) {
    for (const other of right) {
      if (product.length <= 1000) product.push([...one, ...other]);
    }
  }
  return product;
}
