"""AWS Security Token AwsService: who calls."""

from collections.abc import Mapping
from typing import Final

from globalchat.localcloud.aws.model import AwsCall, AwsOperation, AwsService
from globalchat.localcloud.definition import JSON


async def _get_caller_identity(call: AwsCall) -> Mapping[str, JSON]:
    principal = call.principal
    return {"Arn": principal.arn, "UserId": principal.user_id, "Account": principal.account}


SERVICE: Final = AwsService(
    name="sts",
    # It takes no permission, and none can be denied (STS API reference, GetCallerIdentity).
    operations=(AwsOperation("GetCallerIdentity", _get_caller_identity, resources=None),),
    namespace="https://sts.amazonaws.com/doc/2011-06-15/",
)
