"""Parses the expressions of DynamoDB: conditions, filters, key conditions and projections. Pure.

A condition becomes a tree of the classes below, in which names and values are resolved; `conditions`
evaluates it, `keys` reads key conditions out of it.

Sources: DynamoDB developer guide, "Condition and filter expressions, operators, and functions", "Key
condition expressions", "Projection expressions" and the limits of expressions; error messages are as
conformance suites have recorded them from AWS.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from globalchat.localcloud.dynamodb.items import Value, invalid, order, text_in, type_of
from globalchat.localcloud.dynamodb.reserved_words import RESERVED_WORDS

MAX_BYTES: Final = 4 * 1024
MAX_OPERATORS: Final = 300
MAX_OPERANDS: Final = 100
"""Operands of one IN."""
_MAX_DEPTH: Final = 60
"""The most nested parentheses and NOTs; our own limit, so that an expression cannot exhaust the stack."""

_TOKEN: Final = re.compile(r"\s*(?:([A-Za-z_]\w*|[#:]\w+|\d+)|(<=|>=|<>|[=<>(),.\[\]])|(\S))", re.ASCII)
_KEYWORDS: Final = ("AND", "OR", "NOT", "IN", "BETWEEN")
_COMPARATORS: Final = ("=", "<>", "<", "<=", ">", ">=")
_OPERANDS: Final = {
    "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2,
    "size": 1,
}  # fmt: skip
"""The functions, and the number of operands of each."""
_TYPE_NAMES: Final = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
_END: Final = "<EOF>"


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: an attribute's name, then names in maps and places in lists."""

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in self.parts)}]"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value of `ExpressionAttributeValues`."""

    value: Value


@dataclass(frozen=True, slots=True)
class Function:
    """A call of a function; of `size` it is an operand, of the others a condition."""

    name: str
    operands: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class ComparisonNode:
    """`left operator right`."""

    operator: str
    left: "Operand"
    right: "Operand"


@dataclass(frozen=True, slots=True)
class Between:
    """`operand BETWEEN low AND high`."""

    operand: "Operand"
    low: "Operand"
    high: "Operand"


@dataclass(frozen=True, slots=True)
class In:
    """`operand IN (options)`."""

    operand: "Operand"
    options: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`NOT condition`."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by AND or OR (`operator`)."""

    operator: str
    conditions: tuple["Condition", ...]


Operand: TypeAlias = Path | Literal | Function
Condition: TypeAlias = ComparisonNode | Between | In | Function | Not | Junction


class Placeholders:
    """The names and values that the expressions of one request refer to; each has to be used.

    Args:
        names: `ExpressionAttributeNames`, None if there are none.
        values: `ExpressionAttributeValues`, already checked.

    Raises:
        DynamoDBError: one of them is empty or has a malformed key.
    """

    def __init__(self, names: Mapping[str, str] | None, values: Mapping[str, Value] | None) -> None:
        for sign, kind, given in (("#", "Names", names), (":", "Values", values)):
            if given is not None and not given:
                raise invalid(f"ExpressionAttribute{kind} must not be empty")
            for key in given or ():
                if not re.fullmatch(rf"{sign}\w+", key, re.ASCII):
                    raise invalid(
                        f'ExpressionAttribute{kind} contains invalid key: Syntax error; key: "{key[:100]}"'
                    )
        self._names = names or {}
        self._values = values or {}
        self._used: set[str] = set()

    def name(self, key: str) -> str | None:
        """Return the attribute for a `#name`."""
        self._used.add(key)
        return self._names.get(key)

    def value(self, key: str) -> Value | None:
        """Return the value for a `:value`."""
        self._used.add(key)
        return self._values.get(key)

    def check_use(self) -> None:
        """Check that the expressions used everything.

        Raises:
            DynamoDBError: a name or value is unused.
        """
        for kind, given in (("Names", self._names), ("Values", self._values)):
            unused = [key for key in given if key not in self._used]
            if unused:
                raise invalid(
                    f"Value provided in ExpressionAttribute{kind} unused in expressions: "
                    f"keys: {{{', '.join(unused)}}}"
                )


def parse_condition(text: str, placeholders: Placeholders, kind: str) -> Condition:
    """Parse a condition; `kind` is its name in error messages, such as `FilterExpression`.

    Raises:
        DynamoDBError: it is malformed, as DynamoDB says it.
    """
    return _Parser(text, placeholders, kind).condition()


def parse_projection(text: str, placeholders: Placeholders) -> tuple[Path, ...]:
    """Parse a projection expression.

    Raises:
        DynamoDBError: it is malformed, or its paths overlap.
    """
    return _Parser(text, placeholders, "ProjectionExpression").projection()


class _Parser:
    """A recursive-descent parser over the tokens of one expression."""

    def __init__(self, text: str, placeholders: Placeholders, kind: str) -> None:
        self._kind = kind
        self._placeholders = placeholders
        if not text.strip():
            self._fail("The expression can not be empty;")
        size = len(text.encode("utf-8", "replace"))
        if size > MAX_BYTES:
            self._fail(f"Expression size has exceeded the maximum allowed size; expression size: {size}")
        self._text = text
        found = [(match[1] or match[2] or match[3], match) for match in _TOKEN.finditer(text)]
        self._tokens = [token for token, _ in found]
        self._spans = [match.span(match.lastindex or 0) for _, match in found]
        self._next = 0
        self._operators = 0
        self._depth = 0
        self._group = (-1, -1)
        """The positions of the last parentheses, to find redundant ones."""

    def condition(self) -> Condition:
        parsed = self._any()
        self._expect_end()
        return self._as_condition(parsed)

    def projection(self) -> tuple[Path, ...]:
        paths = [self._path()]
        while self._accept(","):
            paths.append(self._path())
        self._expect_end()
        for index, path in enumerate(paths):
            for other in paths[index + 1 :]:
                shorter = min(len(path.parts), len(other.parts))
                if path.parts[:shorter] == other.parts[:shorter]:
                    self._fail(
                        "Two document paths overlap with each other; must remove or rewrite one of these "
                        f"paths; path one: {path}, path two: {other}"
                    )
        return tuple(paths)

    def _any(self) -> Operand | Condition:
        """Parse the content of parentheses: a condition or a single operand."""
        return self._junction("OR", lambda: self._junction("AND", self._not))

    def _junction(self, word: str, parse: "Callable[[], Operand | Condition]") -> Operand | Condition:
        first = parse()
        if self._peek_word() != word:
            return first
        conditions = [self._as_condition(first)]
        while self._accept_word(word):
            conditions.append(self._as_condition(parse()))
        return Junction(word, tuple(conditions))

    def _not(self) -> Operand | Condition:
        if not self._accept_word("NOT"):
            return self._test()
        with self._deeper():
            return Not(self._as_condition(self._not()))

    def _test(self) -> Operand | Condition:
        left = self._primary()
        token, word = self._peek(), self._peek_word()
        if token in _COMPARATORS:
            self._count(token)
            right = self._operand()
            return self._comparison(token, self._as_operand(left), right)
        if word == "BETWEEN":
            self._count(token)
            # This AND belongs to BETWEEN, so only an operand is parsed before it.
            low = self._operand()
            if not self._accept_word("AND"):
                self._syntax_error()
            return self._between(self._as_operand(left), low, self._operand())
        if word == "IN":
            self._count(token)
            return self._in(self._as_operand(left))
        return left

    def _primary(self) -> Operand | Condition:
        start = self._next
        if not self._accept("("):
            return self._atom()
        with self._deeper():
            inner = self._any()
        if not self._accept(")"):
            self._syntax_error()
        end = self._next - 1
        # The parentheses closed last enclose everything within these.
        if self._group == (start + 1, end - 1):
            self._fail("The expression has redundant parentheses;")
        self._group = (start, end)
        return inner

    def _atom(self) -> Operand:
        token = self._peek()
        if token.startswith(":"):
            self._next += 1
            value = self._placeholders.value(token)
            if value is None:
                self._fail(
                    "An expression attribute value used in expression is not defined; "
                    f"attribute value: {token}"
                )
            return Literal(value)
        # A name before a parenthesis is a function, also one that is unknown or reserved.
        after = self._tokens[self._next + 1] if self._next + 1 < len(self._tokens) else _END
        if after == "(" and re.match("[A-Za-z_]", token) and token.upper() not in _KEYWORDS:
            return self._function()
        return self._path()

    def _function(self) -> Function:
        name = self._peek()
        if name not in _OPERANDS:
            self._fail(f"Invalid function name; function: {name}")
        self._count(name)
        self._next += 1
        operands = [self._operand()]
        while self._accept(","):
            operands.append(self._operand())
        if not self._accept(")"):
            self._syntax_error()
        if len(operands) != _OPERANDS[name]:
            self._fail(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {name}, number of operands: {len(operands)}"
            )
        if len(operands) == 2:
            self._check_distinct(name, *operands)
        self._check_types(name, operands)
        return Function(name, tuple(operands))

    def _check_types(self, name: str, operands: list[Operand]) -> None:
        first, last = operands[0], operands[-1]
        if name in ("attribute_exists", "attribute_not_exists") and not isinstance(first, Path):
            self._fail(f"Operator or function requires a document path; operator or function: {name}")
        if name == "begins_with":
            for operand in operands:
                self._check_type(name, operand, ("S", "B"))
        if name == "size":
            self._check_type(name, first, ("S", "B", "SS", "NS", "BS", "L", "M"))
        if name == "attribute_type":
            if not isinstance(last, Literal):
                self._wrong_type(name, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
            self._check_type(name, last, ("S",))
            if text_in(last.value) not in _TYPE_NAMES:
                self._fail(
                    f"Invalid attribute type name found; type: {text_in(last.value)}, "
                    f"valid types: {{{','.join(_TYPE_NAMES)}}}"
                )

    def _comparison(self, operator: str, left: Operand, right: Operand) -> ComparisonNode:
        self._check_distinct(operator, left, right)
        if operator not in ("=", "<>"):
            for operand in (left, right):
                self._check_type(operator, operand, ("S", "N", "B"))
        return ComparisonNode(operator, left, right)

    def _between(self, operand: Operand, low: Operand, high: Operand) -> Between:
        for each in (operand, low, high):
            self._check_type("BETWEEN", each, ("S", "N", "B"))
        if isinstance(low, Literal) and isinstance(high, Literal):
            bounds = f"lower bound operand: {_shown(low.value)}, upper bound operand: {_shown(high.value)}"
            compared = order(low.value, high.value)
            if compared is None:
                self._fail(
                    f"The BETWEEN operator requires same data type for lower and upper bounds; {bounds}"
                )
            if compared > 0:
                self._fail(
                    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
                    + bounds
                )
        return Between(operand, low, high)

    def _in(self, operand: Operand) -> In:
        if not self._accept("("):
            self._syntax_error()
        options = [self._operand()]
        while self._accept(","):
            options.append(self._operand())
        if not self._accept(")"):
            self._syntax_error()
        if len(options) > MAX_OPERANDS:
            self._fail(
                f"The IN operator is provided with too many operands; number of operands: {len(options)}"
            )
        return In(operand, tuple(options))

    def _path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while True:
            if self._accept("."):
                parts.append(self._name())
            elif self._accept("["):
                place = self._peek()
                # No list is that long, and `int` raises an error for thousands of digits.
                if not place.isdigit() or len(place) > 9:
                    self._syntax_error()
                self._next += 1
                if not self._accept("]"):
                    self._syntax_error()
                parts.append(int(place))
            else:
                return Path(tuple(parts))

    def _name(self) -> str:
        token = self._peek()
        if token.startswith("#") and len(token) > 1:
            self._next += 1
            name = self._placeholders.name(token)
            if name is None:
                self._fail(
                    "An expression attribute name used in the document path is not defined; "
                    f"attribute name: {token}"
                )
            return name
        if not re.match("[A-Za-z_]", token) or token.upper() in _KEYWORDS:
            self._syntax_error()
        if token.upper() in RESERVED_WORDS:
            self._fail(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        self._next += 1
        return token

    def _operand(self) -> Operand:
        return self._as_operand(self._primary())

    def _as_operand(self, parsed: Operand | Condition) -> Operand:
        if isinstance(parsed, Path | Literal):
            return parsed
        if not isinstance(parsed, Function):
            self._syntax_error()
        if parsed.name != "size":
            self._misused(parsed)
        return parsed

    def _as_condition(self, parsed: Operand | Condition) -> Condition:
        if isinstance(parsed, Path | Literal):
            self._syntax_error()
        if isinstance(parsed, Function) and parsed.name == "size":
            self._misused(parsed)
        return parsed

    def _misused(self, function: Function) -> NoReturn:
        self._fail(
            f"The function is not allowed to be used this way in an expression; function: {function.name}"
        )

    def _check_distinct(self, operator: str, first: Operand, second: Operand) -> None:
        if isinstance(first, Path) and first == second:
            self._fail(
                "The first operand must be distinct from the remaining operands for this operator or "
                f"function; operator: {operator}, first operand: {first}"
            )

    def _check_type(self, operator: str, operand: Operand, allowed: tuple[str, ...]) -> None:
        """Refuse a literal of a type that an operator never accepts.

        Stored values of such types just do not match.
        """
        if isinstance(operand, Literal) and type_of(operand.value) not in allowed:
            self._wrong_type(operator, type_of(operand.value))

    def _wrong_type(self, operator: str, kind: str) -> NoReturn:
        self._fail(
            "Incorrect operand type for operator or function; "
            f"operator or function: {operator}, operand type: {kind}"
        )

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else _END

    def _peek_word(self) -> str:
        return self._peek().upper()

    def _accept(self, token: str) -> bool:
        found = self._peek() == token
        self._next += found
        return found

    def _accept_word(self, word: str) -> bool:
        found = self._peek_word() == word
        if found:
            self._count(word)
        return found

    def _count(self, token: str) -> None:
        """Consume an operator or function, and count it."""
        self._next += 1
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            self._fail(
                "The expression contains too many operators; "
                f"operator or function: {token}, operator count: {self._operators}"
            )

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._fail(f"The local cloud does not emulate more than {_MAX_DEPTH} levels of nesting")
        # Without `finally`, since an error ends the whole parser.
        yield
        self._depth -= 1

    def _expect_end(self) -> None:
        if self._next < len(self._tokens):
            self._syntax_error()

    def _syntax_error(self) -> NoReturn:
        first, last = max(self._next - 1, 0), min(self._next + 1, len(self._tokens) - 1)
        near = self._text[self._spans[min(first, last)][0] : self._spans[last][1]]
        self._fail(f'Syntax error; token: "{self._peek()}", near: "{near}"')

    def _fail(self, message: str) -> NoReturn:
        raise invalid(f"Invalid {self._kind}: {message}")


def _shown(value: Value) -> str:
    kind = type_of(value)
    return f"AttributeValue: {{{kind}:{value[kind]}}}"
