"""boto3's clients for the AWS endpoint of a local cloud, called off the event loop."""

import asyncio
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from globalchat.localcloud.server.cloud import LocalCloud

_CONFIG = Config(retries={"total_max_attempts": 1}, proxies={}, connect_timeout=5, read_timeout=10)

_SESSION = boto3.session.Session()
"""Keeps what it has loaded of the services: each takes a second."""


@dataclass(frozen=True)
class AwsClients:
    """Calls that are signed as the local administrator, unless other credentials are given."""

    cloud: LocalCloud
    authority: str | None = None
    """The file with the certificate of the authority to trust, if the cloud speaks TLS."""

    async def call(
        self,
        service: str,
        operation: str,
        /,
        *,
        region: str = "us-west-2",
        credentials: dict[str, str] | None = None,
        **parameters: object,
    ) -> dict[str, Any]:
        """Call an operation; its answer without the metadata."""
        given = {
            "aws_access_key_id": self.cloud.admin.access_key,
            "aws_secret_access_key": self.cloud.admin.secret_key,
            **(credentials or {}),
        }

        client = _SESSION.client(
            service,
            region_name=region,
            endpoint_url=self.cloud.aws_url,
            config=_CONFIG,
            verify=self.authority,
            **given,
        )
        answer = await asyncio.to_thread(getattr(client, operation), **parameters)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    async def refusal(self, service: str, operation: str, /, **more: Any) -> tuple[str, int, str]:  # noqa: ANN401
        """Call an operation that fails; code, HTTP status and message of its error."""
        try:
            await self.call(service, operation, **more)
        except ClientError as error:
            response = error.response
            status = response["ResponseMetadata"]["HTTPStatusCode"]
            return response["Error"]["Code"], status, response["Error"]["Message"]
        raise AssertionError("it was not refused")
