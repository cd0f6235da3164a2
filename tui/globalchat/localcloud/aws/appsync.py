"""AWS AppSync: EvaluateCode, which runs a resolver's code without an API.

Source: AppSync API reference, EvaluateCode.
"""

import secrets
from collections.abc import Mapping, Sequence

from globalchat.core.clock import EpochClock
from globalchat.localcloud.appsync.evaluation import evaluate_code
from globalchat.localcloud.aws.model import AwsCall, AwsError, AwsOperation, AwsService, text
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Invalid

_RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}


def service(clock: EpochClock) -> AwsService:
    """Return the service; `clock` is the time that evaluated code sees."""

    async def evaluate(call: AwsCall) -> Mapping[str, JSON]:
        parameters = call.parameters
        if parameters.get("runtime") != _RUNTIME:
            raise AwsError("BadRequestException", "The only runtime is APPSYNC_JS 1.0.0.")
        code, context, function = (text(parameters, name) for name in ("code", "context", "function"))
        try:
            return evaluate_code(code, context, function, clock=clock, entropy=secrets.token_bytes)
        except Invalid as error:
            raise AwsError("BadRequestException", f"Bad request: {error.reason}.") from None

    def account(call: AwsCall) -> Sequence[str]:
        """Return the account, as the developer guide's policy: the operation takes no API."""
        return [f"arn:aws:appsync:{call.region}:{call.principal.account}:*"]

    operation = AwsOperation("EvaluateCode", evaluate, account, route="POST /v1/dataplane-evaluatecode")
    return AwsService("appsync", (operation,))
