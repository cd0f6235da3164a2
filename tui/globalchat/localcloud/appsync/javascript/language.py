"""What APPSYNC_JS lacks of JavaScript: single words, methods, globals and modules.

A file is refused when it is loaded, as AWS refuses it at deployment. `analysis` has the rules that need to
know what a name stands for.

Sources: the AppSync developer guide (`supported-features`) and the rules of `@aws-appsync/eslint-plugin`
2.0.2 (`no-disallowed-methods` has the methods). What neither names (`includes`, `parseInt`, `Array.isArray`)
is left as it is: AWS does not document it.
"""

from typing import Final

import tree_sitter

from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.parser import Import, Program, Source, leaves

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
"""What is lacking, by the type of a token in tree-sitter's grammar; a property's name has another type."""

_OPERATORS: Final = {"++": "the ++ operator", "--": "the -- operator", "~": "the ~ operator"}

CALLBACK_METHODS: Final = frozenset(
    (
        "every", "filter", "find", "findIndex", "findLast", "findLastIndex", "flatMap", "forEach", "map",
        "reduce", "reduceRight", "some",
    )
)  # fmt: skip
"""The array methods that take a function; nothing else does."""

STATIC: Final = {
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

ARRAY: Final = frozenset(
    ("copyWithin", "entries", "group", "groupToMap", "keys", "toLocaleString", "toString", "values")
)
STRING: Final = frozenset(
    (
        "charCodeAt", "localeCompare", "matchAll", "padEnd", "padStart", "repeat", "search",
        "toLocaleLowerCase", "toLocaleUpperCase", "valueOf",
    )
)  # fmt: skip
FUNCTION: Final = frozenset(("apply", "bind", "call"))

UNMISTAKABLE: Final = {
    **{name: f"method Function.{name}" for name in FUNCTION},
    **{name: f"method Array.{name}" for name in ("copyWithin", "groupToMap")},
    **{name: f"method String.{name}" for name in STRING - {"valueOf"}},
}
"""Methods that only one type has: refused on whatever they are called, but an object written in the file."""

GLOBALS: Final = frozenset(
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
"""Names that other hosts of JavaScript know, and APPSYNC_JS does not; other unknown names fail when met."""

MODULE: Final = "@aws-appsync/utils"
EXPORTS: Final = ("util", "extensions", "runtime")
HELPERS: Final = ("ai", "dynamodb", "rds")
"""The module's helper modules, for data sources that are not emulated."""


def check(source: Source) -> None:
    """Refuse what the language lacks, be the file a valid program or not.

    Raises:
        ScriptError: names the first such thing and its place.
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
    """Refuse imports of what there is not; the engine has no module loader.

    Raises:
        ScriptError: another module, or a name that the module does not export.
    """
    for each in program.imports:
        problem = _import_problem(each)
        if problem is not None:
            raise ScriptError(problem, file=file, line=each.node.line, column=each.node.column)


def _import_problem(statement: Import) -> str | None:
    module = statement.module
    if module in [f"{MODULE}/{helper}" for helper in HELPERS]:
        return f"not emulated: {module}, which serves other data sources"
    if module != MODULE:
        return f"only {MODULE} can be imported, not {module!r}"
    for imported, _ in statement.bindings:
        if imported != "*" and imported not in EXPORTS:
            return f"{MODULE} exports {', '.join(EXPORTS)}, not {imported}"
    return None


def _lacking(source: Source, token: tree_sitter.Node) -> str | None:
    kind, parent = token.type, token.parent
    within = parent.type if parent is not None else ""
    if token.prev_sibling is not None and token.prev_sibling.type == "as":
        return None  # An export's name outside.
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
