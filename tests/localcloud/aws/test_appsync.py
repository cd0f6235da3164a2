"""AppSync's operations on variables where the local cloud cannot keep what is put."""

from pathlib import Path

import pytest

from globalchat.localcloud.appsync.environment import Environments
from globalchat.localcloud.aws import appsync
from globalchat.localcloud.aws.model import AwsCall, AwsError
from globalchat.localcloud.iam import Principal


async def test_variables_that_cannot_be_kept_are_an_error_of_the_service(tmp_path: Path) -> None:
    environments = Environments(tmp_path / "gone" / "environment.json")
    environments.add("arn:aws:appsync:us-west-2:1:apis/a", {"CHANNELS": "tech"})
    service = appsync.service(lambda: 0.0, environments)
    put = next(each for each in service.operations if each.name.startswith("Put"))
    call = AwsCall(
        "us-west-2",
        Principal("arn:aws:iam::1:user/ana", "id", "1"),
        {"apiId": "a", "environmentVariables": {"CHANNELS": "ops"}},
    )
    with pytest.raises(AwsError) as raised:
        await put.handle(call)
    assert (raised.value.code, raised.value.status) == ("InternalFailureException", 500)
    assert environments.get("arn:aws:appsync:us-west-2:1:apis/a") is not None
