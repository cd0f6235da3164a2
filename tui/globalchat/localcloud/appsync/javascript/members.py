"""Every member that AWS documents of what a resolver sees, and whether it is emulated.

Source: the types of `@aws-appsync/utils` 2.1.1 and the AppSync developer guide. A member that is not emulated
is refused by name when a file is loaded, and where an expression hides it (`util['xml']`), when it is met.
Tests compare these lists with the runtime and with the documentation.
"""

from typing import Final

EMULATED: Final = (
    "ctx.args", "ctx.arguments", "ctx.env", "ctx.error", "ctx.identity", "ctx.info.fieldName",
    "ctx.info.parentTypeName", "ctx.info.selectionSetGraphQL", "ctx.info.selectionSetList",
    "ctx.info.variables", "ctx.prev", "ctx.request.domainName", "ctx.request.headers", "ctx.result",
    "ctx.source", "ctx.stash", "extensions.invalidateSubscriptions", "extensions.setSubscriptionFilter",
    "extensions.setSubscriptionInvalidationFilter", "runtime.earlyReturn", "util.appendError",
    "util.authType", "util.autoId", "util.autoKsuid", "util.autoUlid", "util.base64Decode",
    "util.base64Encode", "util.error", "util.escapeJavaScript", "util.matches", "util.unauthorized",
    "util.urlDecode", "util.urlEncode", "util.math.maxVal", "util.math.minVal", "util.math.randomDouble",
    "util.math.randomWithinRange", "util.math.roundNum", "util.str.normalize",
    "util.time.epochMilliSecondsToFormatted", "util.time.epochMilliSecondsToISO8601",
    "util.time.epochMilliSecondsToSeconds", "util.time.nowEpochMilliSeconds", "util.time.nowEpochSeconds",
    "util.time.nowFormatted", "util.time.nowISO8601", "util.time.parseFormattedToEpochMilliSeconds",
    "util.time.parseISO8601ToEpochMilliSeconds", "util.transform.toSubscriptionFilter",
)  # fmt: skip
"""Members that work here."""

NOT_EMULATED: Final = (
    "extensions.evictFromApiCache", "util.dynamodb.fromS3ObjectJson", "util.dynamodb.toBinary",
    "util.dynamodb.toBinarySet", "util.dynamodb.toBoolean", "util.dynamodb.toDynamoDB",
    "util.dynamodb.toList", "util.dynamodb.toMap", "util.dynamodb.toMapValues", "util.dynamodb.toNull",
    "util.dynamodb.toNumber", "util.dynamodb.toNumberSet", "util.dynamodb.toS3Object",
    "util.dynamodb.toString", "util.dynamodb.toStringSet", "util.http.addResponseHeader",
    "util.http.addResponseHeaders", "util.http.copyHeaders", "util.rds.toJsonObject",
    "util.transform.toDynamoDBConditionExpression", "util.transform.toDynamoDBFilterExpression",
    "util.transform.toElasticsearchQueryDSL", "util.xml.toJsonString", "util.xml.toMap",
)  # fmt: skip
"""Members that serve other data sources, the cache or response headers: `not emulated: util.dynamodb`."""


def problem(path: str) -> str | None:
    """Return what is wrong with a member such as `util.time.nowISO8601`, None if it works here."""

    def is_in(members: tuple[str, ...]) -> bool:
        return any(f"{known}.".startswith(f"{path}.") or path.startswith(f"{known}.") for known in members)

    if is_in(EMULATED):
        return None
    if is_in(NOT_EMULATED):
        return f"not emulated: {path}"
    return f"not emulated: {path}, which AWS does not document"
