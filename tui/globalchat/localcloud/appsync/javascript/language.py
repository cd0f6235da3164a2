"""The limits of APPSYNC_JS that show in single words, imports and member names, and the existing members.

A file is refused when it is loaded, as AWS refuses it at deployment. `analysis` has the rules that depend on
the meaning of a name.

Sources: the AppSync developer guide (`supported-features`), the types of `@aws-appsync/utils` 2.1.1, and the
rules of `@aws-appsync/eslint-plugin` 2.0.2 (`no-disallowed-methods` has the methods). Everything that neither
mentions (`includes`, `parseInt`, `Array.isArray`) is allowed, as AWS does not document it.
"""

from typing import Final

import tree_sitter

from globalchat.localcloud.appsync.javascript.parser import (
    ImportStatement,
    Program,
    ScriptError,
    Source,
    leaves,
)

MAX_BYTES: Final = 32_768

_KEYWORDS: Final = {
    "while": "while loops",
    "do": "do loops",
    "try": "try statements",
    "catch": "catch clauses",
    "finally": "finally clauses",
    "throw": "throw statements (util.error stops with an error)",
    "class": "classes",
    "extends": "classes",
    "super": "classes",
    "this": "this",
    "private_property_identifier": "classes",
    "continue": "continue statements",
    "await": "await",
    "yield": "generators",
    "instanceof": "the instanceof operator",
    "new": "the new operator",
    "with": "with statements",
    "debugger": "debugger statements",
}
"""Missing features by the type of a token in tree-sitter's grammar; a property's name has another type."""

_OPERATORS: Final = {"++": "the ++ operator", "--": "the -- operator", "~": "the ~ operator"}

CALLBACK_METHODS: Final = frozenset(
    (
        "every", "filter", "find", "findIndex", "findLast", "findLastIndex", "flatMap", "forEach", "map",
        "reduce", "reduceRight", "some",
    )
)  # fmt: skip
"""The array methods that take a function; nothing else may."""

MISSING_STATIC_METHODS: Final = {
    "Object": frozenset(
        (
            "create", "defineProperties", "defineProperty", "freeze", "getOwnPropertyDescriptor",
            "getOwnPropertyDescriptors", "getOwnPropertyNames", "getOwnPropertySymbols", "getPrototypeOf",
            "hasOwnProperty", "is", "isExtensible", "isFrozen", "isPrototypeOf", "isSealed",
            "preventExtensions", "propertyIsEnumerable", "seal", "setPrototypeOf", "toLocaleString",
            "toString", "valueOf",
        )
    ),
    "Array": frozenset(("from", "fromAsync", "of")),
    "String": frozenset(("fromCharCode", "fromCodePoint", "raw")),
}  # fmt: skip
"""Methods of the constructors, by constructor."""

MISSING_ARRAY_METHODS: Final = frozenset(
    ("copyWithin", "entries", "group", "groupToMap", "keys", "toLocaleString", "toString", "values")
)
MISSING_STRING_METHODS: Final = frozenset(
    (
        "charCodeAt", "localeCompare", "matchAll", "padEnd", "padStart", "repeat", "search",
        "toLocaleLowerCase", "toLocaleUpperCase", "valueOf",
    )
)  # fmt: skip
MISSING_FUNCTION_METHODS: Final = frozenset(("apply", "bind", "call"))

MISSING_METHODS_OF_ONE_TYPE: Final = {
    **{name: f"method Function.{name}" for name in MISSING_FUNCTION_METHODS},
    **{name: f"method Array.{name}" for name in ("copyWithin", "groupToMap")},
    **{name: f"method String.{name}" for name in MISSING_STRING_METHODS - {"valueOf"}},
}
"""Methods that only one type has: refused on any receiver except an object that is written in the file."""

MISSING_GLOBALS: Final = frozenset(
    (
        "AbortController", "AggregateError", "ArrayBuffer", "AsyncDisposableStack", "AsyncFunction",
        "Atomics", "BigInt", "BigInt64Array", "BigUint64Array", "Buffer", "DOMException", "DataView",
        "Date", "DisposableStack", "FinalizationRegistry", "Float16Array", "Float32Array", "Float64Array",
        "Function", "Int16Array", "Int32Array", "Int8Array", "Intl", "Iterator", "Map", "Promise", "Proxy",
        "Reflect", "RegExp", "Set", "SharedArrayBuffer", "SuppressedError", "Symbol", "URL",
        "URLSearchParams", "Uint16Array", "Uint32Array", "Uint8Array", "Uint8ClampedArray", "WeakMap",
        "WeakRef", "WeakSet", "WebSocket", "XMLHttpRequest", "__appsync", "__tick", "atob", "btoa",
        "clearInterval", "clearTimeout", "crypto", "document", "escape", "eval", "exports", "fetch",
        "global", "globalThis", "module", "performance", "process", "queueMicrotask", "require", "self",
        "setImmediate", "setInterval", "setTimeout", "structuredClone", "unescape", "window",
    )
)  # fmt: skip
"""Globals of other JavaScript hosts that APPSYNC_JS lacks; other unknown names fail at run time."""

MODULE: Final = "@aws-appsync/utils"
EXPORTS: Final = ("util", "extensions", "runtime")
HELPERS: Final = {
    "ai": (),
    "dynamodb": ("put", "query"),
    "rds": (),
}  # fmt: skip
"""The module's helper modules, and their functions that are emulated."""

EMULATED_MEMBERS: Final = (
    "ctx.args", "ctx.arguments", "ctx.env", "ctx.error", "ctx.identity", "ctx.info.fieldName",
    "ctx.info.parentTypeName", "ctx.info.selectionSetGraphQL", "ctx.info.selectionSetList",
    "ctx.info.variables", "ctx.prev", "ctx.request.domainName", "ctx.request.headers", "ctx.result",
    "ctx.source", "ctx.stash", "extensions.invalidateSubscriptions", "extensions.setSubscriptionFilter",
    "extensions.setSubscriptionInvalidationFilter", "runtime.earlyReturn", "util.appendError",
    "util.authType", "util.autoId", "util.autoKsuid", "util.autoUlid", "util.base64Decode",
    "util.base64Encode", "util.error", "util.escapeJavaScript", "util.matches", "util.unauthorized",
    "util.urlDecode", "util.urlEncode", "util.dynamodb.toBoolean", "util.dynamodb.toDynamoDB",
    "util.dynamodb.toList", "util.dynamodb.toMap", "util.dynamodb.toMapValues", "util.dynamodb.toNull",
    "util.dynamodb.toNumber", "util.dynamodb.toNumberSet", "util.dynamodb.toString",
    "util.dynamodb.toStringSet", "util.math.maxVal", "util.math.minVal", "util.math.randomDouble",
    "util.math.randomWithinRange", "util.math.roundNum", "util.str.normalize",
    "util.time.epochMilliSecondsToFormatted", "util.time.epochMilliSecondsToISO8601",
    "util.time.epochMilliSecondsToSeconds", "util.time.nowEpochMilliSeconds", "util.time.nowEpochSeconds",
    "util.time.nowFormatted", "util.time.nowISO8601", "util.time.parseFormattedToEpochMilliSeconds",
    "util.time.parseISO8601ToEpochMilliSeconds", "util.transform.toSubscriptionFilter",
)  # fmt: skip
"""Members of AWS's module that are emulated."""
REFUSED_MEMBERS: Final = (
    "extensions.evictFromApiCache", "util.dynamodb.fromS3ObjectJson", "util.dynamodb.toBinary",
    "util.dynamodb.toBinarySet", "util.dynamodb.toS3Object", "util.http.addResponseHeader",
    "util.http.addResponseHeaders", "util.http.copyHeaders", "util.rds.toJsonObject",
    "util.transform.toDynamoDBConditionExpression", "util.transform.toDynamoDBFilterExpression",
    "util.transform.toElasticsearchQueryDSL", "util.xml.toJsonString", "util.xml.toMap",
)  # fmt: skip
"""Members that serve other data sources, the cache or response headers.

They are refused by name when a file is loaded (`not emulated: util.xml`) and, where an expression hides
them (`util['xml']`), at run time. Tests compare these lists with the runtime and with the documentation.
"""


def check(source: Source) -> None:
    """Refuse keywords that the language lacks, even in a file that is not a valid program.

    Raises:
        ScriptError: names the first one and its place.
    """
    if source.size > MAX_BYTES:
        message = f"a file has at most {MAX_BYTES} bytes, this one has {source.size}"
        raise ScriptError(message, file=source.file)
    for token in leaves(source.root):
        if token.type == "hash_bang_line":
            raise source.error("a resolver file has no hashbang line (#!); remove it", token)
        lacking = _lacking(source, token)
        if lacking is not None:
            raise source.error(f"APPSYNC_JS has no {lacking}", token)


def check_imports(program: Program, file: str) -> None:
    """Refuse imports other than of AWS's module; the engine has no module loader.

    Raises:
        ScriptError: another module, or a name that the module does not export.
    """
    for each in program.imports:
        problem = _import_problem(each)
        if problem is not None:
            is_gap = _helper(each.module) is not None
            raise ScriptError(problem, file=file, line=each.node.line, column=each.node.column, is_gap=is_gap)


def _import_problem(statement: ImportStatement) -> str | None:
    module = statement.module
    helper = _helper(module)
    if helper is not None:
        if not HELPERS[helper]:
            return f"not emulated: {module}, which serves other data sources"
        lacking = [name for name, _ in statement.bindings if name not in ("*", *HELPERS[helper])]
        return f"not emulated: {module}, {lacking[0]}" if lacking else None
    if module != MODULE:
        return f"only {MODULE} can be imported, not {module!r}"
    for imported, _ in statement.bindings:
        if imported != "*" and imported not in EXPORTS:
            return f"{MODULE} exports {', '.join(EXPORTS)}, not {imported}"
    return None


def _helper(module: str) -> str | None:
    """Return which helper module of AWS's a module is."""
    owner, _, helper = module.rpartition("/")
    return helper if owner == MODULE and helper in HELPERS else None


def export_path(module: str, imported: str) -> str:
    """Return what an import stands for: `util`, `/dynamodb`, `/dynamodb.put`; empty for the whole module."""
    name = "" if imported == "*" else imported
    helper = _helper(module)
    return name if helper is None else f"/{helper}.{name}".rstrip(".")


def _lacking(source: Source, token: tree_sitter.Node) -> str | None:
    # Tokens are checked, not nodes: a file that tree-sitter cannot parse has no reliable nodes.
    kind, parent = token.type, token.parent
    within = parent.type if parent is not None else ""
    if token.prev_sibling is not None and token.prev_sibling.type == "as":
        return None  # An export's name outside.
    # Keywords as names of properties (`a.class`) have the type of a property's name.
    if kind in _KEYWORDS:
        return _KEYWORDS[kind]
    if kind in _OPERATORS:
        return _OPERATORS[kind]
    match kind:
        case "/" if within == "regex":
            return "regular expression literals (util.matches takes a pattern)"
        case "for" if within == "for_statement":
            return "for loops of three parts (for…of and for…in exist)"
        case "*" if within.startswith("generator_function") or within == "method_definition":
            return "generators"
        case "in" if within != "for_in_statement":
            return "in operator outside of for…in"
        case "async":
            return "async functions"
        case "{" if within == "object" and parent is not None and _begins_block(parent):
            return "labels (this { begins a block; an object there needs parentheses)"
        case "statement_identifier" if within == "labeled_statement":
            return "labels"
        case "import" if within in ("import", "meta_property"):
            return "import() and import.meta"
        case "identifier" if "\\" in source.text_of(token):
            return "escapes in names"
    return None


def _begins_block(node: tree_sitter.Node) -> bool:
    """Return True if tree-sitter reads an object where JavaScript reads a block, with a label in it.

    That is where a statement begins, or the body of an arrow function: `() => { a: 1 }`.
    """
    while node.parent is not None and node.parent.start_byte == node.start_byte:
        node = node.parent
        if node.type == "expression_statement":
            return True
    outer = node.parent
    return outer is not None and outer.type == "arrow_function" and outer.child_by_field_name("body") == node


def member_problem(path: str) -> str | None:
    """Return the problem with a member such as `util.xml`; None if it is emulated."""

    def is_in(members: tuple[str, ...]) -> bool:
        return any(f"{known}.".startswith(f"{path}.") or path.startswith(f"{known}.") for known in members)

    if path.startswith("/"):
        helper, _, function = path[1:].partition(".")
        is_emulated = function in ("", *HELPERS[helper])
        return None if is_emulated else f"not emulated: {MODULE}/{helper}, {function}"
    if is_in(EMULATED_MEMBERS):
        return None
    if is_in(REFUSED_MEMBERS):
        return f"not emulated: {path}"
    return f"not emulated: {path}, which AWS does not document"
