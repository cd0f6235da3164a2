"""Amazon SQS, as far as inspecting, receiving and deleting dead letters needs it.

Sources: SQS API reference; developer guide, "Calculating the MD5 message digest for message attributes".
"""

import base64
import binascii
import hashlib
import json
import secrets
import struct
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from globalchat.core.clock import EpochClock
from globalchat.localcloud import json_text
from globalchat.localcloud.aws.model import AwsCall, AwsError, AwsOperation, AwsService, integer, text, texts
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.deliveries import DeadLetterQueues
from globalchat.localcloud.events.records import DeadLetter

VISIBILITY_SECONDS: Final = 30
"""The default seconds for which a received message is hidden from others."""

# AWS's limits: 12 hours, 10 messages, 20 seconds.
_VISIBILITY: Final = range(43_201)
_MESSAGES: Final = range(1, 11)
_WAIT: Final = range(21)


@dataclass(slots=True)
class _Reception:
    """When a message is visible again, when it was first received (epoch seconds), and how often."""

    visible_at: float
    first: float
    count: int = 0


class Queues:
    """The dead-letter queues of a deployment, with SQS's operations on them.

    Args:
        queues: the messages of the queues.
        base_url: this endpoint's URL, for the URLs of queues, to which some SDKs send requests.
        clock: epoch seconds.
    """

    def __init__(self, queues: DeadLetterQueues, *, base_url: str, clock: EpochClock) -> None:
        self._queues = queues
        self._base_url = base_url
        self._clock = clock
        self._received: dict[str, _Reception] = {}

    def service(self) -> AwsService:
        """Return the service."""
        return AwsService(
            "sqs",
            (
                AwsOperation("GetQueueUrl", self._get_queue_url, lambda call: [_arn(call, _name(call))]),
                AwsOperation("ReceiveMessage", self._receive_message, _queue_of),
                AwsOperation("DeleteMessage", self._delete_message, _queue_of),
                AwsOperation("PurgeQueue", self._purge_queue, _queue_of),
            ),
            target="AmazonSQS",
        )

    async def _get_queue_url(self, call: AwsCall) -> Mapping[str, JSON]:
        self._existing(_arn(call, _name(call)))
        return {"QueueUrl": f"{self._base_url}/{call.principal.account}/{_name(call)}"}

    async def _receive_message(self, call: AwsCall) -> Mapping[str, JSON]:
        """Return the visible messages at once: WaitTimeSeconds is checked, but ignored."""
        arn = self._existing(*_queue_of(call))
        limit = integer(call.parameters, "MaxNumberOfMessages", 1, _MESSAGES)
        hidden = integer(call.parameters, "VisibilityTimeout", VISIBILITY_SECONDS, _VISIBILITY)
        integer(call.parameters, "WaitTimeSeconds", 0, _WAIT)
        now, messages = self._clock(), list[JSON]()
        for message_id, dead_letter in self._messages(arn).items():
            reception = self._received.setdefault(message_id, _Reception(visible_at=now, first=now))
            if reception.visible_at <= now and len(messages) < limit:
                reception.visible_at, reception.count = now + hidden, reception.count + 1
                messages.append(_message(message_id, dead_letter, reception, call))
        # SQS leaves out an empty list.
        return {"Messages": messages} if messages else {}

    async def _delete_message(self, call: AwsCall) -> Mapping[str, JSON]:
        arn = self._existing(*_queue_of(call))
        message_id = _read_handle(text(call.parameters, "ReceiptHandle"))
        dead_letter = self._messages(arn).get(message_id)
        if dead_letter is not None:  # Otherwise it was deleted before, which is not an error.
            self._queues.remove(arn, dead_letter)
            self._received.pop(message_id, None)
        return {}

    async def _purge_queue(self, call: AwsCall) -> Mapping[str, JSON]:
        arn = self._existing(*_queue_of(call))
        for message_id, dead_letter in self._messages(arn).items():
            self._queues.remove(arn, dead_letter)
            self._received.pop(message_id, None)
        return {}

    def _existing(self, arn: str) -> str:
        if arn not in self._queues.messages:
            raise AwsError(
                "com.amazonaws.sqs#QueueDoesNotExist",
                "The specified queue does not exist.",
                query_code="AWS.SimpleQueueService.NonExistentQueue",
            )
        return arn

    def _messages(self, arn: str) -> dict[str, DeadLetter]:
        """Return the messages of a queue by id, oldest first; forget those that are gone."""
        found: dict[str, DeadLetter] = {}
        for dead_letter in self._queues.messages[arn]:
            number = 0  # An event that was delivered twice may be in the queue twice, with the same time.
            while (message_id := _message_id(arn, dead_letter, number)) in found:
                number += 1
            found[message_id] = dead_letter
        prefix = _id_of_queue(arn)
        for message_id in [each for each in self._received if each.startswith(prefix) and each not in found]:
            del self._received[message_id]
        return found


def _name(call: AwsCall) -> str:
    return text(call.parameters, "QueueName")


def _arn(call: AwsCall, name: str) -> str:
    return f"arn:aws:sqs:{call.region}:{call.principal.account}:{name}"


def _queue_of(call: AwsCall) -> list[str]:
    """Return the ARN of the queue whose URL a call names: the last part of it is the queue's name."""
    return [_arn(call, text(call.parameters, "QueueUrl").rpartition("/")[2])]


def _id_of_queue(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()[:8]


def _message_id(arn: str, dead_letter: DeadLetter, number: int) -> str:
    """Make the id of a message in the form of a UUID, the same at each receipt.

    `number` distinguishes equal dead letters.
    """
    rule = dead_letter.attributes.get("RULE_ARN", "")
    parts = [dead_letter.event.id, rule, dead_letter.target_id, dead_letter.sent_at, number]
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    # It starts with its queue's id, by which `_messages` finds what it has to forget.
    return _id_of_queue(arn) + str(uuid.UUID(bytes=digest[:16], version=4))[8:]


def _message(message_id: str, dead_letter: DeadLetter, reception: _Reception, call: AwsCall) -> JSON:
    body = json_text.write(dead_letter.event.document)
    message: dict[str, JSON] = {
        "MessageId": message_id,
        "ReceiptHandle": _new_handle(message_id),
        "MD5OfBody": _md5(body.encode("utf-8", "replace")),
        "Body": body,
    }
    if attributes := _chosen(dead_letter.attributes, texts(call.parameters, "MessageAttributeNames")):
        message["MessageAttributes"] = {
            name: {"StringValue": value, "DataType": "String"} for name, value in attributes.items()
        }
        message["MD5OfMessageAttributes"] = _md5_of_attributes(attributes)
    asked = {
        *texts(call.parameters, "AttributeNames"),
        *texts(call.parameters, "MessageSystemAttributeNames"),
    }
    system = {
        "SentTimestamp": str(int(dead_letter.sent_at * 1000)),
        "ApproximateReceiveCount": str(reception.count),
        "ApproximateFirstReceiveTimestamp": str(int(reception.first * 1000)),
    }
    if shown := {name: value for name, value in system.items() if asked & {name, "All"}}:
        message["Attributes"] = dict(shown)
    return message


def _chosen(attributes: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """Return the attributes that a call asks for: by name, by `prefix.*`, or all."""

    def is_asked(attribute: str) -> bool:
        return any(
            name in ("All", ".*", attribute) or (name.endswith(".*") and attribute.startswith(name[:-1]))
            for name in names
        )

    return {name: value for name, value in attributes.items() if is_asked(name)}


def _md5(data: bytes) -> str:
    # The protocol requires MD5, which Python refuses on FIPS systems without this argument.
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _md5_of_attributes(attributes: Mapping[str, str]) -> str:
    encoded = bytearray()
    for name in sorted(attributes):
        for part in (name, "String"):
            encoded += struct.pack(">I", len(part.encode())) + part.encode()
        value = attributes[name].encode("utf-8", "replace")
        # 1 is the type of values that are text.
        encoded += b"\x01" + struct.pack(">I", len(value)) + value
    return _md5(bytes(encoded))


def _new_handle(message_id: str, new_token: Callable[[int], str] = secrets.token_hex) -> str:
    # A new one at each receipt, as on AWS.
    return base64.b64encode(f"{message_id} {new_token(8)}".encode()).decode()


def _read_handle(handle: str) -> str:
    """Return the id of the message that a receipt handle is for.

    Raises:
        AwsError: it is not a handle.
    """
    try:
        message_id, _, token = base64.b64decode(handle, validate=True).decode().partition(" ")
    except (binascii.Error, ValueError):
        message_id = token = ""
    if not message_id or not token:
        message = f'The input receipt handle "{handle[:100]}" is not a valid receipt handle.'
        raise AwsError(
            "com.amazonaws.sqs#ReceiptHandleIsInvalid", message, query_code="ReceiptHandleIsInvalid"
        )
    return message_id
