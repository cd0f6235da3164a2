"""Asks a running cloud who it is, how it does, and to end: plain HTTP on loopback, past any proxy."""

import http.client
import json
from collections.abc import Mapping

from localcloud.definition import JSON
from localcloud.process import identity
from localcloud.process.state import CloudState

IDENTITY = "/_local/identity"
STATUS = "/_local/status"
STOP = "/_local/stop"
TOKEN_HEADER = "X-Globalchat-Admin"

_TIMEOUT_SECONDS = 2.0
_LONGEST_ANSWER = 1 << 20


class NoAnswer(Exception):
    """The port is dead, silent, somebody else's, or says no."""


def is_running(state: CloudState) -> bool:
    """Whether the cloud of this state answers, and proves that it is that cloud."""
    challenge = identity.new_challenge()
    try:
        answer = _call(state.control_port, "GET", f"{IDENTITY}?challenge={challenge}", {})
    except NoAnswer:
        return False
    proof = answer.get("proof")
    return isinstance(proof, str) and identity.same(proof, identity.prove(state.nonce, challenge))


def status(state: CloudState) -> Mapping[str, JSON]:
    """What the cloud says of itself. The call carries the token: only make it on a state that `is_running`.

    Raises:
        NoAnswer: the cloud ended meanwhile.
    """
    return _call(state.control_port, "GET", STATUS, {TOKEN_HEADER: state.admin_token})


def stop(state: CloudState) -> None:
    """Ask the cloud to end; it answers before it does. Only make the call on a state that `is_running`.

    Raises:
        NoAnswer: the cloud ended meanwhile.
    """
    _call(state.control_port, "POST", STOP, {TOKEN_HEADER: state.admin_token})


def _call(port: int, method: str, path: str, headers: Mapping[str, str]) -> Mapping[str, JSON]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, headers=dict(headers))
        response = connection.getresponse()
        body = response.read(_LONGEST_ANSWER)
        if response.status != 200:
            raise NoAnswer(f"status {response.status}")
        document = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(type(error).__name__) from None
    finally:
        connection.close()
    if not isinstance(document, dict):
        raise NoAnswer("not an object")
    return document
