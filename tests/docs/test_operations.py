"""The commands of `docs/operations.md` that the local cloud's AWS endpoint emulates are run against it."""

import asyncio
import json
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from globalchat.localcloud.aws.services import services
from globalchat.localcloud.definition import CloudDefinition
from globalchat.localcloud.events.deliveries import DirectDelivery, Failure, Route
from globalchat.localcloud.events.event_bridge import EventBridge
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from tests.docs.helpers.pages import blocks
from tests.localcloud.helpers.cloud_client import listening, publish
from tests.paths import ROOT

PAGE = ROOT / "docs" / "operations.md"
_CALL = re.compile(r"\baws ([a-z-]+) ([a-z-]+)")
_EMULATED = {
    (service.name, re.sub(r"(?<!^)(?=[A-Z])", "-", operation.name).lower())
    for service in services(
        EventBridge(CloudDefinition(regions=(), roles={})),
        base_url="",
        clock=time.time,
    )
    for operation in service.operations
}


def calls(block: str) -> set[tuple[str, str]]:
    """The calls of AWS's command line in a block."""
    return {(service, operation) for service, operation in _CALL.findall(block)}


WITH_CALLS = [block for block in blocks(PAGE) if calls(block)]
RUN = [block for block in WITH_CALLS if calls(block) <= _EMULATED]


def test_what_is_not_run_calls_services_that_are_not_emulated() -> None:
    services_not_run = {service for block in WITH_CALLS if block not in RUN for service, _ in calls(block)}
    assert services_not_run == {
        "cloudformation",
        "cloudwatch",
        "iam",
        "logs",
        "resourcegroupstaggingapi",
        "service-quotas",
        "sso-admin",
    }
    assert len(RUN) == 3


def folder_with_aws(folder: Path, start: str) -> str:
    """Write a program `aws` that begins with these words; return the PATH that leads to it first."""
    folder.mkdir()
    command = folder / "aws"
    command.write_text(f'#!/bin/sh\n{start} "$@"\n')
    command.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def imitation(tmp_path: Path) -> str:
    """The PATH on which `aws` is one on botocore, which starts in half the time of the real one."""
    words = f"PYTHONPATH={ROOT} exec {sys.executable} -m tests.docs.helpers.aws_cli"
    return folder_with_aws(tmp_path / "imitation", words)


@pytest.fixture
def path(imitation: str, tmp_path: Path) -> str:
    """The PATH on which `aws` is the real one, or if it is not installed that imitation."""
    real = shutil.which("aws")
    # Version 1 ignores the variable for SQS.
    start = f'exec {real} --endpoint-url "$AWS_ENDPOINT_URL"'
    return imitation if real is None else folder_with_aws(tmp_path / "real", start)


class LostDeliveries(DirectDelivery):
    """Stops the next deliveries from Oregon to a region permanently."""

    def __init__(self) -> None:
        self.pending = 0
        self.target = "us-west-2"

    def failure_for(self, route: Route) -> Failure | None:
        if not self.pending or (route.from_region, route.to_region) != ("us-west-2", self.target):
            return None
        self.pending -= 1
        return Failure("SDK_CLIENT_ERROR", "lost on purpose")


@pytest.fixture
def lost() -> LostDeliveries:
    """The cloud's interceptor."""
    return LostDeliveries()


@pytest.fixture
async def cloud(lost: LostDeliveries) -> AsyncIterator[LocalCloud]:
    """A local cloud with one dead letter in Oregon's broadcast queue."""
    async with LocalCloud.open(options=CloudOptions(interceptor=lost)) as opened:
        lost.pending = 1
        await publish(opened.region("oregon"), "lost")
        await opened.events.settled()
        assert letters(opened) == ["globalchat-broadcast-dlq"]
        yield opened


def letters(cloud: LocalCloud) -> list[str]:
    """The names of the queues in which letters are, once for each letter."""
    return [arn.rpartition(":")[2] for arn, each in cloud.events.dead_letters.items() for _ in each]


async def run(script: str, path: str, cloud: LocalCloud) -> str:
    """Run a script of the page in a shell, in which the local cloud is AWS; its standard output."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "PATH": path,
        "AWS_ACCESS_KEY_ID": cloud.admin.access_key,
        "AWS_SECRET_ACCESS_KEY": cloud.admin.secret_key,
        "AWS_ENDPOINT_URL": cloud.aws_url,
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    process = await asyncio.create_subprocess_exec(
        *("bash", "-eu", "-c", script),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    async with asyncio.timeout(240):
        out, error = await process.communicate()
    assert (process.returncode, error.decode()) == (0, "")
    return out.decode()


async def test_dead_letters_are_looked_at_and_purged(path: str, cloud: LocalCloud) -> None:
    look, purge, _ = RUN
    [[body, attributes]] = json.loads(await run(look, path, cloud))
    assert json.loads(body)["detail"]["message"] == "lost"
    assert attributes["ERROR_MESSAGE"] == {"StringValue": "lost on purpose", "DataType": "String"}
    assert letters(cloud)
    await run(f"url={cloud.aws_url}/000000000000/globalchat-broadcast-dlq\n{purge}", path, cloud)
    assert not letters(cloud)


async def test_a_broadcast_that_failed_is_repaired_in_its_region_alone(path: str, cloud: LocalCloud) -> None:
    *_, redrive = RUN
    oregon, sydney = cloud.region("oregon"), cloud.region("sydney")
    async with listening(oregon) as here, listening(sydney) as there:
        await run(redrive, path, cloud)
        assert await here.text() == "lost"
        await cloud.events.settled()
        # Sydney had it by the relay: it gets the next message, and nothing before it.
        await publish(oregon, "next")
        assert await there.text() == await here.text() == "next"
    assert not letters(cloud)


async def test_a_relay_that_failed_is_repaired_in_the_other_region_alone(
    imitation: str, cloud: LocalCloud, lost: LostDeliveries
) -> None:
    *_, redrive = RUN
    oregon, sydney = cloud.region("oregon"), cloud.region("sydney")
    lost.pending, lost.target = 1, sydney.region
    async with listening(oregon) as here, listening(sydney) as there:
        await publish(oregon, "not relayed")
        await cloud.events.settled()
        assert await here.text() == "not relayed"
        # The same commands for another queue.
        script = redrive.replace("queue=globalchat-broadcast-dlq", "queue=globalchat-relay-dlq")
        await run(script, imitation, cloud)
        assert await there.text() == "not relayed"
        await cloud.events.settled()
        await publish(oregon, "next")
        assert await there.text() == await here.text() == "next"
    assert letters(cloud) == ["globalchat-broadcast-dlq"]
