"""Sample events for the patterns of rules: for each pattern some match and some do not."""

from collections.abc import Iterator, Sequence
from typing import Final

from globalchat.localcloud.definition import JSON

ACCOUNT: Final = "123456789012"
"""The account of all samples, which AWS uses in examples."""


def sample_events(region: str, regions: Sequence[str]) -> Iterator[tuple[str, JSON]]:
    """Yield named events as a bus in `region` may receive them. `regions` are those of the deployment."""
    # With only one region, any other serves as the sender.
    elsewhere = next((each for each in regions if each != region), "eu-west-1")
    detail: dict[str, JSON] = {
        "id": "draft-1",
        "name": "cars",
        "message": "hello",
        "sender": "ana",
        "region": region,
        "sentAt": "2026-01-02T03:04:05.678Z",
    }
    yield "a message of this region", _event(region, detail)
    yield "a message of another region", _event(elsewhere, {**detail, "region": elsewhere})
    yield "a message without a sender", _event(region, _without(detail, "sender"))
    yield "a message with an author", _event(region, {**detail, "author": "ana@example.com"})
    yield "a message with more fields", _event(region, {**detail, "author": None, "extra": [1, {"a": "b"}]})
    yield "a repaired message", _event(region, detail, kind="message repaired")
    for name in ("id", "name", "message", "region", "sentAt"):
        yield f"a message without {name}", _event(region, _without(detail, name))
    yield "a message whose id is null", _event(region, {**detail, "id": None})
    yield "a message whose text is a number", _event(region, {**detail, "message": 1})
    yield "a message with nothing in it", _event(region, {})
    yield "another detail type", _event(region, detail, kind="message deleted")
    yield "another source", _event(region, detail, source="aws.ec2")
    yield "a source with another case of letters", _event(region, detail, source="GlobalChat")


def _event(
    region: str, detail: dict[str, JSON], *, source: str = "globalchat", kind: str = "message published"
) -> JSON:
    """Return an event with every field that TestEventPattern requires."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": "2026-01-02T03:04:05Z",
        "region": region,
        "resources": [],
        "detail": dict(detail),
    }


def _without(detail: dict[str, JSON], name: str) -> dict[str, JSON]:
    return {key: value for key, value in detail.items() if key != name}
