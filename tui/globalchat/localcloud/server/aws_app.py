"""The HTTP server of the AWS endpoint: hands requests to it, and responses back."""

import asyncio
from typing import Final

from aiohttp import web

from globalchat.localcloud.aws.endpoint import AwsEndpoint
from globalchat.localcloud.aws.model import AwsError, AwsRequest, AwsResponse
from globalchat.localcloud.aws.protocols import protocol_of
from globalchat.localcloud.server.accepting import connection_of
from globalchat.localcloud.server.http import BODY_SECONDS
from globalchat.localcloud.usage import Usage

MAX_BODY: Final = 2 * 1024 * 1024
"""Bytes of a request: more than the largest PutEvents, whose own limit is then named."""


def aws_app(endpoint: AwsEndpoint, usage: Usage) -> web.Application:
    """Make the application. Only requests whose signature is good count as use."""

    async def handle(request: web.Request) -> web.Response:
        connection = connection_of(request)
        connection.requested()

        def authorized() -> None:
            connection.authorized()
            usage.touch()

        head = AwsRequest(request.method, request.raw_path, _headers(request), b"")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            late = _refuse(head, AwsError("RequestTimeout", "The body did not arrive in time.", status=408))
            late.force_close()
            return late
        except web.HTTPRequestEntityTooLarge:
            message = f"The body is larger than {MAX_BODY} bytes."
            return _refuse(head, AwsError("RequestEntityTooLargeException", message, status=413))
        except web.RequestPayloadError:
            return _refuse(head, AwsError("SerializationException", "The body cannot be decoded."))
        whole = AwsRequest(head.method, head.target, head.headers, body)
        return _send(await endpoint.respond(whole, authorized=authorized))

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _headers(request: web.Request) -> dict[str, str]:
    """Return headers by lower-case name; those that came several times joined, as signatures want them."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    return headers


def _refuse(head: AwsRequest, error: AwsError) -> web.Response:
    return _send(protocol_of(head).error(error, ""))


def _send(response: AwsResponse) -> web.Response:
    return web.Response(status=response.status, headers=response.headers, body=response.body)
