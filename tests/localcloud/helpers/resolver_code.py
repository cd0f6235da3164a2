"""The code of resolvers that a test writes."""

# One case a line, whatever its length.
# ruff: noqa: E501

RESPONSE = "export function response(ctx) { return ctx.result; }"


def returning(expression: str) -> str:
    return f"import {{ util, extensions, runtime }} from '@aws-appsync/utils';\nexport function request(ctx) {{ return {{ payload: {expression} }}; }}\n{RESPONSE}"


def doing(statements: str) -> str:
    return f"import {{ util, extensions, runtime }} from '@aws-appsync/utils';\nexport function request(ctx) {{\n  {statements}\n  return {{ payload: null }};\n}}\n{RESPONSE}"
