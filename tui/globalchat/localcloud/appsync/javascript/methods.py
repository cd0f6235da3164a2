"""Which methods and globals of JavaScript APPSYNC_JS lacks.

Sources: the AppSync developer guide (`supported-features`) and the list of `@aws-appsync/eslint-plugin` 2.0.2
(`no-disallowed-methods`). What neither names (`includes`, `parseInt`, `Array.isArray`) is left as it is: AWS
does not document it.
"""

from typing import Final

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
