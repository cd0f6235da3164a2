"""Reads GraphQL requests out of HTTP bodies and query strings."""

import json
from collections.abc import Mapping

from globalchat.localcloud import json_text
from globalchat.localcloud.appsync.model import GraphQLRequest
from globalchat.localcloud.definition import JSON


class MalformedRequest(Exception):
    """A body that is no GraphQL request (HTTP 400). The message is AppSync's."""


def parse_request(body: bytes, *, is_document: bool = False) -> GraphQLRequest:
    """Read `{"query", "variables"?, "operationName"?}`.

    Args:
        body: JSON text.
        is_document: the body's type is `application/graphql`: it may be the document itself. AppSync takes
            that type (graphql-over-http#81), but whether with JSON or with a document is not known.

    Raises:
        MalformedRequest: it is empty, no JSON, or of another shape.
    """
    if not body.strip():
        raise MalformedRequest("Request body is empty.")
    try:
        return _request(_load(body))
    except MalformedRequest:
        if not is_document:
            raise
    return _request({"query": body.decode("utf-8", "replace")})


def parse_query_string(query: Mapping[str, str]) -> GraphQLRequest:
    """Read the parameters `query`, `variables` (JSON text) and `operationName`.

    Raises:
        MalformedRequest: there is no query, or the variables are no JSON object.
    """
    variables = query.get("variables") or "{}"
    return _request(
        {
            "query": query.get("query"),
            "variables": _load(variables.encode("utf-8", "replace")),
            "operationName": query.get("operationName"),
        }
    )


def _load(text: bytes) -> JSON:
    try:
        return json_text.read(text.decode(json.detect_encoding(text), "surrogatepass"))
    except ValueError:
        raise MalformedRequest("Unable to parse GraphQL query.") from None


def _request(value: JSON) -> GraphQLRequest:
    if isinstance(value, dict):
        query, variables, name = value.get("query"), value.get("variables"), value.get("operationName")
        if (
            isinstance(query, str)
            and query.strip()
            and isinstance(variables, dict | None)
            and isinstance(name, str | None)
        ):
            return GraphQLRequest(query, variables or {}, name)
    raise MalformedRequest("Unable to parse GraphQL query.")
