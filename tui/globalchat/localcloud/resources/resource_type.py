"""What a resource type is: a shape for its properties, and what `Ref` and `Fn::GetAtt` answer for it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from globalchat.localcloud.resources.shape import Properties, Shape

_LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"
_UPPER = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which resource: all generated ids and names follow from it, so they are the same at every start.

    `base_url` is where its region listens, such as `http://127.0.0.1:5001`.
    """

    stack: str
    logical_id: str
    region: str
    account: str
    base_url: str

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """An ARN in this account and region (`region=""` for a global service)."""
        where = self.region if region is None else region
        return f"arn:aws:{service}:{where}:{self.account}:{resource}"

    def token(self, length: int, purpose: str = "") -> str:
        """Lower-case letters and digits that look random; another purpose gives another token."""
        return self._characters(_LOWER, length, purpose)

    def generated_name(self, limit: int) -> str:
        """The name that CloudFormation gives an unnamed resource: stack, logical id, random part."""
        suffix = self._characters(_UPPER, 12, "name")
        room = limit - len(suffix) - 2
        logical_id = self.logical_id[: max(room // 2, room - len(self.stack))]
        return f"{self.stack[: room - len(logical_id)]}-{logical_id}-{suffix}"

    def _characters(self, alphabet: str, length: int, purpose: str) -> str:
        seed = "/".join((self.account, self.region, self.stack, self.logical_id, purpose))
        number = int.from_bytes(hashlib.sha512(seed.encode()).digest(), "big")
        characters = []
        for _ in range(length):
            number, digit = divmod(number, len(alphabet))
            characters.append(alphabet[digit])
        return "".join(characters)


@dataclass(frozen=True, slots=True)
class Values:
    """What a resource's `Ref` is, and its attributes."""

    ref: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One resource type; `values` gets properties that passed `shape`."""

    name: str
    shape: Shape
    values: Callable[[Identity, Properties], Values]
