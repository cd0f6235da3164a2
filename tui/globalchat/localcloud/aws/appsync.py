"""AWS AppSync: the evaluation of resolver code, and the environment variables of an API.

Sources: the API references of EvaluateCode, GetGraphqlApiEnvironmentVariables and
PutGraphqlApiEnvironmentVariables.
"""

import secrets
from collections.abc import Mapping, Sequence

from globalchat.core.clock import EpochClock
from globalchat.core.errors import UserError
from globalchat.localcloud.appsync.environment import ApiEnvironment, Environments
from globalchat.localcloud.appsync.evaluation import evaluate_code
from globalchat.localcloud.aws.model import AwsCall, AwsError, AwsOperation, AwsService, text
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Invalid
from globalchat.localcloud.resources.appsync import variables as check_variables

_RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
_VARIABLES = "/v1/apis/{apiId}/environmentVariables"


def service(clock: EpochClock, environments: Environments) -> AwsService:
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

    def find(call: AwsCall) -> ApiEnvironment:
        found = environments.get(_api_arn(call))
        if found is None:
            message = f"GraphQL API {text(call.parameters, 'apiId')[:200]} not found."
            raise AwsError("NotFoundException", message, status=404)
        return found

    async def get_variables(call: AwsCall) -> Mapping[str, JSON]:
        return {"environmentVariables": dict(find(call).variables)}

    async def put_variables(call: AwsCall) -> Mapping[str, JSON]:
        environment = find(call)
        try:
            environment.put(_variables(call))
        except UserError as error:  # The file cannot be written.
            raise AwsError("InternalFailureException", error.sentence, status=500) from None
        return {"environmentVariables": dict(environment.variables)}

    get, put = "GetGraphqlApiEnvironmentVariables", "PutGraphqlApiEnvironmentVariables"
    operations = (
        AwsOperation("EvaluateCode", evaluate, _account, route="POST /v1/dataplane-evaluatecode"),
        AwsOperation(get, get_variables, _path, route=f"GET {_VARIABLES}"),
        AwsOperation(put, put_variables, _path, route=f"PUT {_VARIABLES}"),
    )
    return AwsService("appsync", operations)


def _account(call: AwsCall) -> Sequence[str]:
    """Return the account as the resource, as in the developer guide's policy: the operation names no API."""
    return [f"arn:aws:appsync:{call.region}:{call.principal.account}:*"]


def _api_arn(call: AwsCall) -> str:
    return f"arn:aws:appsync:{call.region}:{call.principal.account}:apis/{text(call.parameters, 'apiId')}"


def _path(call: AwsCall) -> Sequence[str]:
    """Return the path of the call as the resource.

    The service authorization reference names none for the two calls; AppSync's refusals of such calls name
    this one (aws-samples/iam-identity-center-team, issue 145).
    """
    path = _VARIABLES.format(apiId=text(call.parameters, "apiId"))
    return [f"arn:aws:appsync:{call.region}:{call.principal.account}:{path}"]


def _variables(call: AwsCall) -> Mapping[str, str]:
    """Return the variables to put: all of them, since each call replaces those before.

    Raises:
        AwsError: AppSync would not take them.
    """
    given = call.parameters.get("environmentVariables")
    try:
        check_variables(given, "environmentVariables")
    except Invalid as error:
        raise AwsError("BadRequestException", f"Bad request: {error.reason}.") from None
    found = {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    try:
        "".join(found.values()).encode()
    except UnicodeEncodeError:
        raise AwsError("SerializationException", "A value has half of a surrogate pair.") from None
    return found
