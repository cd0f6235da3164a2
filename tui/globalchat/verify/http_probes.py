"""Probes of a region's API over HTTP: one for each unverified behaviour that a few requests show."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from globalchat.client.network import open_tls, proxy_of
from globalchat.core.net import host_and_port, host_of
from globalchat.localcloud.definition import JSON
from globalchat.verify.answers import Inconclusive
from globalchat.verify.probe_target import JSON_TYPE, Observation, ProbeTarget

MEBIBYTE: Final = 1024 * 1024
TOKENS: Final = 15_000
"""The most tokens of a document that graphql-java reads."""
# As long as a real one, so that only the signature is wrong.
WRONG_SECRET: Final = "wrongWRONGwrongWRONGwrongWRONGwrongWRONG"
_QUERY: Final = "{ __typename }"
_ABSENT: Final = "x-globalchat-absent"
_CORS: Final = (
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
)


async def incomplete_authorization(target: ProbeTarget) -> Observation:
    """Send incomplete signatures, and one over a header that is not sent."""
    body = json.dumps({"query": _QUERY})
    without = {"authorization": "AWS4-HMAC-SHA256 SignedHeaders=host;x-amz-date"}
    signed = target.signed(body, credentials=target.signer(), headers={**JSON_TYPE, _ABSENT: "1"})
    lacking = {name: value for name, value in signed.items() if name.lower() != _ABSENT}
    return {
        "no credential": await _refusal(target, body, {**JSON_TYPE, **without}),
        "signed header absent": await _refusal(target, body, lacking),
    }


async def signature_scope(target: ProbeTarget) -> Observation:
    """Send a signature for another region than the API's."""
    other = "eu-west-1" if target.endpoint.region != "eu-west-1" else "us-east-1"
    body = json.dumps({"query": _QUERY})
    elsewhere = replace(target.endpoint, region=other)
    signed = target.signed(body, credentials=target.signer(), endpoint=elsewhere)
    return await _refusal(target, body, signed)


async def token_limit(target: ProbeTarget) -> Observation:
    """Send a document with more tokens than graphql-java reads: an alias of a field has three."""
    fields = " ".join(f"a{number}: __typename" for number in range(TOKENS // 3 + 1))
    answer = await target.graphql(f"{{ {fields} }}")
    return {**answer.observation(), "messages": [each.get("message") for each in answer.errors]}


async def body_limit(target: ProbeTarget) -> Observation:
    """Send a body just above a mebibyte."""
    body = json.dumps({"query": _QUERY, "variables": {"a": "x" * MEBIBYTE}})
    return (await target.request(body, target.authorization(body))).observation()


async def late_body(target: ProbeTarget) -> Observation:
    """Send the head of a request without its body; observe if and how it ends."""
    url = target.endpoint.graphql_url
    headers = {**target.key_headers(), **JSON_TYPE, "host": host_of(url), "content-length": "10"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    try:
        reader, writer = await _open(url)
    except OSError as error:
        raise Inconclusive(f"no connection ({type(error).__name__})") from None
    try:
        writer.write(f"POST /graphql HTTP/1.1\r\n{head}\r\n".encode())
        async with asyncio.timeout(target.seconds):
            answer = await reader.read()
    except TimeoutError:
        return {"ends": False}
    except ConnectionError:
        return {"ends": True, "status": None}
    finally:
        writer.transport.abort()
    status = answer.split(b" ", 2)[1:2]
    return {"ends": True, "status": int(status[0]) if status and status[0].isdigit() else None}


async def http_subscription(target: ProbeTarget) -> Observation:
    """Subscribe by a POST."""
    document = "subscription Probe($name: String!) { subscribe(name: $name) { id } }"
    return (await target.graphql(document, {"name": target.channel})).observation()


async def unknown_path(target: ProbeTarget) -> Observation:
    """Call an unknown path and an unknown method, and make a browser's preflight request."""
    body = json.dumps({"query": _QUERY})
    key = target.authorization(body)
    preflight = {
        "origin": "https://example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key,content-type",
    }
    allowed = await target.request("", preflight, method="OPTIONS")
    headers = {name.lower(): value for name, value in allowed.headers.items()}
    return {
        "path": (await target.request(body, key, path="/no-such-path")).status,
        "method": (await target.request(body, key, method="PUT")).status,
        "preflight": {"status": allowed.status, **{name: headers.get(name) for name in _CORS}},
    }


async def graphql_content_type(target: ProbeTarget) -> Observation:
    """Send JSON, and a bare document, as application/graphql."""
    bodies = {"json": json.dumps({"query": _QUERY}), "document": _QUERY}
    kind = {"content-type": "application/graphql"}
    return {
        name: (await target.request(body, target.authorization(body, kind))).observation()
        for name, body in bodies.items()
    }


async def other_content_types(target: ProbeTarget) -> Observation:
    """Send JSON with content types other than JSON's."""
    body = json.dumps({"query": _QUERY})
    found: Observation = {}
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        headers = target.authorization(body, {"content-type": kind})
        found[kind] = (await target.request(body, headers)).observation()
    return found


async def introspected_comments(target: ProbeTarget) -> Observation:
    """Read the descriptions of a type's fields: the `#` comments of the schema, if AppSync keeps them."""
    answer = await target.graphql('{ __type(name: "Message") { fields { name description } } }')
    data = answer.document.get("data")
    kind = data.get("__type") if isinstance(data, dict) else None
    fields = kind.get("fields") if isinstance(kind, dict) else None
    if not isinstance(fields, list):
        raise Inconclusive("the API answers no introspection")
    described = [each for each in fields if isinstance(each, dict) and each.get("description")]
    return {"fields have descriptions": bool(described)}


async def _refusal(target: ProbeTarget, body: str, headers: Mapping[str, str]) -> Observation:
    answer = await target.request(body, headers)
    types: list[JSON] = [each.get("errorType") for each in answer.errors]
    return {"status": answer.status, "errorTypes": types}


async def _open(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if url.startswith("https:"):
        return await open_tls(url, proxy_of(url))
    return await asyncio.open_connection(*host_and_port(url))
