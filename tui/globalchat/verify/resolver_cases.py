"""The cases of each resolver: the contexts in which its two handlers are evaluated.

Ids in a case do not look like AppSync's, since generated ids are masked in comparisons.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from globalchat.localcloud.definition import JSON

Handler = Literal["request", "response"]

_API_KEY: Final[Mapping[str, JSON]] = {
    "request": {"headers": {"user-agent": "globalchat"}, "domainName": None}
}
_OK: Final[Mapping[str, JSON]] = {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}
_ARRIVAL: Final = "01CASE00000000000000000000"
_ACCOUNT: Final = "123456789012"


@dataclass(frozen=True, slots=True)
class CaseSettings:
    """The environment variables of the API whose resolvers are asked about (`ctx.env`)."""

    variables: Mapping[str, str]

    @property
    def channel(self) -> str:
        """An existing channel."""
        return self.variables.get("CHANNELS", "cars").split(",")[0]

    @property
    def limits(self) -> Mapping[str, int]:
        """The longest values that publish accepts, by the name of the argument."""
        limits: Mapping[str, int] = json.loads(self.variables.get("LIMITS", "{}"))
        return {"message": 2000, "sender": 32, "id": 64, **limits}


@dataclass(frozen=True, slots=True)
class Case:
    """One evaluation of a handler. `is_refused` is True if the resolver ends it with an error."""

    name: str
    function: Handler
    context: Mapping[str, JSON] = field(repr=False)
    is_refused: bool = False


def cases_of(place: str, settings: CaseSettings) -> tuple[Case, ...]:
    """Return the cases of the resolver of a field, such as `Mutation.publish`; none if it has no cases."""
    make = CASES.get(place)
    return () if make is None else tuple(make(_Contexts(place, settings)))


class _Contexts:
    """Makes the contexts of one resolver's cases."""

    def __init__(self, place: str, settings: CaseSettings) -> None:
        self.settings = settings
        self._parent_type, _, self._field = place.partition(".")

    def request(
        self, name: str, arguments: Mapping[str, JSON], *, refused: bool = False, **more: JSON
    ) -> Case:
        """Return a case of the request handler; `more` is the rest of the context besides the arguments."""
        return Case(name, "request", self._context(arguments, more), refused)

    def response(
        self, name: str, arguments: Mapping[str, JSON], *, refused: bool = False, **more: JSON
    ) -> Case:
        """Return a case of the response handler; `more` contains the data source's result."""
        return Case(name, "response", self._context(arguments, more), refused)

    def _context(self, arguments: Mapping[str, JSON], more: Mapping[str, JSON]) -> Mapping[str, JSON]:
        info: dict[str, JSON] = {
            "fieldName": self._field,
            "parentTypeName": self._parent_type,
            "variables": {},
            "selectionSetList": ["id", "name", "message"],
            "selectionSetGraphQL": "{\n  id\n  name\n  message\n}",
        }
        return {
            "arguments": dict(arguments),
            "identity": None,
            "info": info,
            "stash": {},
            "env": dict(self.settings.variables),
            **_API_KEY,
            **more,
        }


def _publish(make: _Contexts) -> Iterator[Case]:
    name, limits = make.settings.channel, make.settings.limits
    draft: dict[str, JSON] = {"name": name, "message": "hello", "id": "draft-1", "sender": "ana"}
    yield make.request("all arguments", draft)
    yield make.request("no id and no sender", {"name": name, "message": "hello"})
    yield make.request("id and sender null", {"name": name, "message": "hello", "id": None, "sender": None})
    for caller, identity in _signed(make.settings).items():
        yield make.request(f"signed by {caller}", draft, identity=identity)
    yield make.request(
        "text with quotes, breaks and emoji", {**draft, "message": "a \"b\" \\ 'c'\n\t{} 👍🏽 é"}
    )
    yield make.request("text of the greatest length", {**draft, "message": "x" * limits["message"]})
    yield make.request("emoji of the greatest length", {**draft, "message": "👍" * (limits["message"] // 2)})
    yield from _refused_drafts(make, draft)
    message: JSON = {**draft, "region": "us-west-2", "sentAt": "2026-01-02T03:04:05.678Z"}
    stash: JSON = {"message": message}
    yield make.response("accepted", draft, result=dict(_OK), stash=stash)
    for code in ("InternalFailure", "ThrottlingException", "MalformedDetail"):
        entry: JSON = {"ErrorCode": code, "ErrorMessage": "Not now."}
        result: JSON = {"FailedEntryCount": 1, "Entries": [entry]}
        yield make.response(f"entry refused: {code}", draft, refused=True, result=result, stash=stash)
    error: JSON = {"message": "Access denied", "type": "AccessDeniedException"}
    yield make.response("call failed", draft, refused=True, result=None, error=error, stash=stash)


def _refused_drafts(make: _Contexts, draft: Mapping[str, JSON]) -> Iterator[Case]:
    """Yield drafts that publish refuses, including some just beyond a limit."""
    limits = make.settings.limits
    changes: Mapping[str, Mapping[str, JSON]] = {
        "unknown channel": {"name": "no-such-channel"},
        "empty text": {"message": ""},
        "blank text": {"message": " \t\n\u2003"},
        "text too long": {"message": "x" * (limits["message"] + 1)},
        "emoji too long": {"message": "👍" * (limits["message"] // 2) + "x"},
        "text with a NUL": {"message": "a\0b"},
        "id too long": {"id": "x" * (limits["id"] + 1)},
        "id with a blank": {"id": "a b"},
        "id with a line break at its end": {"id": "a\n"},
        "empty id": {"id": ""},
        "blank sender": {"sender": " "},
        "sender too long": {"sender": "x" * (limits["sender"] + 1)},
    }
    for name, change in changes.items():
        yield make.request(name, {**draft, **change}, refused=True)


def _publish_from_bus(make: _Contexts) -> Iterator[Case]:
    message: dict[str, JSON] = {
        "id": "draft-1",
        "name": make.settings.channel,
        "message": "hello",
        "region": "ap-southeast-2",
        "sentAt": "2026-01-02T03:04:05.678Z",
    }
    role = make.settings.variables.get("BROADCAST_ROLE", "")
    identity = _iam(role, "session")
    yield make.request("with a sender", {**message, "sender": "ana"}, identity=identity)
    yield make.request("without a sender", message, identity=identity)
    yield make.request("with an author", {**message, "author": "ana@example.com"}, identity=identity)
    yield make.request("another role", message, identity=_iam("Admin", "session"), refused=True)
    yield make.request("a session of that name", message, identity=_iam("Admin", role), refused=True)
    yield make.request("a longer name", message, identity=_iam(f"{role}er", "session"), refused=True)
    yield make.request("a key", message, refused=True)
    # Without history the resolver returns the result, with history the arguments and the stash's cursor.
    stored: JSON = {**message, "arrival": _ARRIVAL, "expires": 1_800_000_000}
    stash: JSON = {"arrival": _ARRIVAL}
    yield make.response("delivered", message, identity=identity, result=stored, stash=stash)
    error: JSON = {"message": "Slow down", "type": "DynamoDB:ProvisionedThroughputExceededException"}
    yield make.response("not stored", message, identity=identity, result=None, error=error, stash=stash)


def _history(make: _Contexts) -> Iterator[Case]:
    channel: dict[str, JSON] = {"name": make.settings.channel}
    off = make.settings.variables.get("HISTORY_DAYS") == "0"
    yield make.request("the end", channel, refused=off)
    yield make.request("after a cursor", {**channel, "after": _ARRIVAL, "limit": 100}, refused=off)
    yield make.request("before a cursor", {**channel, "before": _ARRIVAL, "after": None}, refused=off)
    for limit in (-1, 0, 1, 101):
        yield make.request(f"a limit of {limit}", {**channel, "limit": limit}, refused=off)
    refused: Mapping[str, Mapping[str, JSON]] = {
        "unknown channel": {"name": "no-such-channel"},
        "both cursors": {"after": _ARRIVAL, "before": _ARRIVAL},
        "an empty cursor": {"after": ""},
        "a short cursor": {"before": _ARRIVAL[1:]},
        "a cursor with a line break at its end": {"after": f"{_ARRIVAL}\n"},
        "a cursor of other letters": {"after": _ARRIVAL.lower()},
        "a cursor with a letter that is left out": {"before": f"{_ARRIVAL[1:]}U"},
    }
    for name, change in refused.items():
        yield make.request(name, {**channel, **change}, refused=True)
    if not off:
        yield from _history_answers(make, channel)


def _history_answers(make: _Contexts, channel: Mapping[str, JSON]) -> Iterator[Case]:
    """Yield results of DynamoDB in the order of reading; one item has expired long ago."""
    items: list[JSON] = [
        {"id": "m-1", **channel, "message": "one", "arrival": _ARRIVAL, "expires": 9_999_999_999},
        {"id": "m-2", **channel, "message": "two", "arrival": f"{_ARRIVAL[:-1]}Z", "expires": 1},
        {
            "id": "m-3",
            **channel,
            "message": "three",
            "arrival": f"{_ARRIVAL[:-2]}Z0",
            "expires": 9_999_999_999,
        },
    ]
    page: JSON = {"items": items, "nextToken": "more"}
    yield make.response("a page backwards", channel, result=page)
    yield make.response("a page forwards", {**channel, "after": _ARRIVAL}, result=page)
    yield make.response("the last page", channel, result={"items": items[:1], "nextToken": None})
    yield make.response("nothing", channel, result={"items": [], "nextToken": None})
    error: JSON = {"message": "Not now", "type": "DynamoDB:DynamoDbException"}
    yield make.response("not read", channel, refused=True, result=None, error=error)


def _channel_only(make: _Contexts) -> Iterator[Case]:
    """Yield the cases of a field whose one argument is a channel."""
    name = make.settings.channel
    yield make.request("a channel", {"name": name})
    yield make.request("unknown channel", {"name": "no-such-channel"}, refused=True)
    yield make.request("another case of letters", {"name": name.upper()}, refused=True)
    yield make.response("a channel", {"name": name}, result={"name": name})


def _unsubscribe(make: _Contexts) -> Iterator[Case]:
    """Yield the cases of `unsubscribe`, which also takes a channel that was removed."""
    name = make.settings.channel
    yield make.request("a channel", {"name": name})
    yield make.request("a removed channel", {"name": "no-such-channel"})
    yield make.request("another case of letters", {"name": name.upper()}, refused=True)
    yield make.request("a line break at its end", {"name": f"{name}\n"}, refused=True)
    yield make.response("a channel", {"name": name}, result={"name": name})


def _without_arguments(make: _Contexts) -> Iterator[Case]:
    yield make.request("no arguments", {})
    yield make.response("answer", {}, result=["cars", "tech"])


def _whoami(make: _Contexts) -> Iterator[Case]:
    yield make.request("a key", {})
    for caller, identity in _signed(make.settings).items():
        yield make.request(caller, {}, identity=identity)
    yield make.response("a person", {}, result="ana@example.com")
    yield make.response("a key", {}, result=None)


def _signed(settings: CaseSettings) -> Mapping[str, JSON]:
    """Return `ctx.identity` of callers of each kind, by what they are called."""
    account = settings.variables.get("ACCOUNT", _ACCOUNT)
    verified = settings.variables.get("VERIFIED_ROLES", "").split(" ")[0]
    person = verified.replace("*", "Chat_0123456789abcdef") or "People"
    return {
        "a user": _identity(f"arn:aws:iam::{account}:user/staff/ana", "AIDASAMPLE", account),
        "the root user": _identity(f"arn:aws:iam::{account}:root", account, account),
        "a role": _iam("Admin", "ana@example.com", account),
        "a person": _iam(person, "ana@example.com", account),
        "a person of another account": _iam(person, "ana@example.com", "210987654321"),
        "a session named as a role": _iam("Admin", person, account),
        "a federated user": _identity(
            f"arn:aws:sts::{account}:federated-user/ana", f"{account}:ana", account
        ),
    }


def _iam(role: str, session: str, account: str = _ACCOUNT) -> JSON:
    """Return `ctx.identity` of a session of a role."""
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
    return _identity(arn, f"AROASAMPLE:{session}", account)


def _identity(arn: str, username: str, account: str) -> JSON:
    """Return `ctx.identity` of a caller (AppSync developer guide, "Resolver context object reference")."""
    return {
        "accountId": account,
        "cognitoIdentityPoolId": None,
        "cognitoIdentityId": None,
        "sourceIp": ["192.0.2.1"],
        "username": username,
        "userArn": arn,
        "cognitoIdentityAuthType": None,
        "cognitoIdentityAuthProvider": None,
    }


CASES: Final[Mapping[str, Callable[[_Contexts], Iterator[Case]]]] = {
    "Query.channels": _without_arguments,
    "Query.history": _history,
    "Query.limits": _without_arguments,
    "Query.whoami": _whoami,
    "Mutation.publish": _publish,
    "Mutation.publishFromBus": _publish_from_bus,
    "Mutation.unsubscribe": _unsubscribe,
    "Subscription.subscribe": _channel_only,
}
"""The functions that make the cases of each field's resolver."""
