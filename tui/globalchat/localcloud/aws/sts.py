"""AWS Security Token Service: who calls."""

from collections.abc import Mapping
from typing import Final

from globalchat.localcloud.aws.model import Call, Operation, Service
from globalchat.localcloud.definition import JSON


async def _get_caller_identity(call: Call) -> Mapping[str, JSON]:
    principal = call.principal
    return {"Arn": principal.arn, "UserId": principal.user_id, "Account": principal.account}


SERVICE: Final = Service(
    name="sts",
    # It takes no permission, and none can be denied (STS API reference, GetCallerIdentity).
    operations=(Operation("GetCallerIdentity", _get_caller_identity, resources=None),),
    namespace="https://sts.amazonaws.com/doc/2011-06-15/",
)
