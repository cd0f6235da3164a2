"""One endpoint for all services: a request in, a response out. No socket, no clock.

As on AWS, the signature's scope determines the service and the region.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from globalchat.core.clock import EpochClock
from globalchat.localcloud import iam, sigv4
from globalchat.localcloud.aws.model import (
    AwsCall,
    AwsError,
    AwsOperation,
    AwsRequest,
    AwsResponse,
    AwsService,
)
from globalchat.localcloud.aws.protocols import WireProtocol, protocol_of
from globalchat.localcloud.iam import AccessKey, Principal

GLOBAL: Final = frozenset({"sts"})
"""Services that may be signed for a region without any part of the deployment."""


def _new_request_id() -> str:
    return str(uuid.uuid4())


class AwsEndpoint:
    """Answers the calls of SDKs and the AWS CLI.

    Args:
        services: the emulated services.
        regions: the AWS regions of the deployment.
        access_keys: the access keys by their ids, read at each call.
        clock: epoch seconds.
        new_request_id: makes the id of an answer.
    """

    def __init__(
        self,
        services: Iterable[AwsService],
        *,
        regions: Collection[str],
        access_keys: Mapping[str, AccessKey],
        clock: EpochClock,
        new_request_id: Callable[[], str] = _new_request_id,
    ) -> None:
        self._services = {service.name: service for service in services}
        self._regions = regions
        self._access_keys = access_keys
        self._clock = clock
        self._new_request_id = new_request_id

    async def respond(self, request: AwsRequest, *, authorized: Callable[[], None]) -> AwsResponse:
        """Answer one request; `authorized` is called once its signature has been verified."""
        protocol, request_id = protocol_of(request), self._new_request_id()
        try:
            return await self._answer(protocol, request, request_id, authorized)
        except sigv4.SignatureError as error:
            code, status = protocol.refusals[error.problem]
            return protocol.error(AwsError(code, str(error), status=status), request_id)
        except AwsError as error:
            return protocol.error(error, request_id)

    async def _answer(
        self, protocol: WireProtocol, request: AwsRequest, request_id: str, authorized: Callable[[], None]
    ) -> AwsResponse:
        authorization = request.headers.get("authorization", "")
        if not authorization:
            code, status = protocol.no_token
            raise AwsError(code, "Request is missing Authentication Token", status=status)
        signature = sigv4.parse(authorization, request.headers)
        signed = sigv4.SignedRequest(request.method, request.target, request.headers, request.body)
        principal = sigv4.authenticate(signed, signature, self._access_keys, self._clock())
        # A valid signature counts as use, whatever its caller may do.
        authorized()
        service, operation = self._find(protocol, signature, request)
        call = AwsCall(signature.region, principal, protocol.parameters(request, operation))
        self._require_permission(protocol, service, operation, call)
        return protocol.result(await operation.handle(call), request_id, service, operation)

    def _find(
        self, protocol: WireProtocol, signature: sigv4.Signature, request: AwsRequest
    ) -> tuple[AwsService, AwsOperation]:
        service = self._services.get(signature.service)
        operation = None if service is None else protocol.find(service, request)
        if service is None or operation is None:
            name = f"{signature.service}:{protocol.called(request)}"
            raise protocol.unknown(f"The local cloud does not emulate {name[:200]}.")
        if signature.service not in GLOBAL and signature.region not in self._regions:
            there_are = ", ".join(sorted(self._regions))
            message = f"The local cloud has no region {signature.region}; it has {there_are}."
            raise AwsError("InvalidRegion", message)
        return service, operation

    def _require_permission(
        self, protocol: WireProtocol, service: AwsService, operation: AwsOperation, call: AwsCall
    ) -> None:
        if operation.resources is None:
            return
        action = f"{service.name}:{operation.name}"
        for resource in operation.resources(call):
            if not iam.evaluate(call.principal.statements, action=action, resource=resource):
                code, status = protocol.denied
                raise AwsError(code, _not_authorized(call.principal, action, resource), status=status)


def _not_authorized(principal: Principal, action: str, resource: str) -> str:
    return (
        f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
