"""Requests a running cloud's identity, status, faults and dead letters, and its end.

Plain HTTP on loopback, bypassing any proxy. All calls but `is_running` carry the admin token: only make them
on a state that `is_running`. The cloud proves its identity by a challenge: the secret of the state file never
crosses the wire, so another program on a reused port learns nothing from the request.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from globalchat.core.errors import Unreachable, UsageError
from globalchat.localcloud.json_text import JSON
from globalchat.localcloud.process.state import CloudState

_CHALLENGE = re.compile(r"[0-9a-f]{32,128}")


IDENTITY = "/_local/identity"
STATUS = "/_local/status"
STOP = "/_local/stop"
USE = "/_local/use"
FAULTS = "/_local/faults"
DEAD_LETTERS = "/_local/dead-letters"
CREDENTIALS = "/_local/credentials"
REDRIVE = "/_local/dead-letters/redrive"
TOKEN_HEADER = "X-Globalchat-Admin"
# An answer on loopback takes milliseconds: a cloud that needs longer hangs.
_TIMEOUT_SECONDS = 2.0
_REDRIVE_SECONDS = 60.0
# Bounded, since another program may have the port by now.
_LONGEST_ANSWER = 1 << 20
_LONGEST_DEAD_LETTERS = 256 << 20


def new_challenge() -> str:
    """Make a challenge: 32 random bytes in hex."""
    return secrets.token_hex(32)


def is_challenge(text: str) -> bool:
    """Return True if a text is a valid challenge."""
    return _CHALLENGE.fullmatch(text) is not None


def prove(nonce: str, challenge: str) -> str:
    """Make the answer that requires the nonce: HMAC-SHA256 in hex."""
    return hmac.new(nonce.encode(), challenge.encode(), hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    """Compare two secrets in constant time."""
    # A header may contain lone surrogates, which UTF-8 refuses otherwise.
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


class NoAnswer(Unreachable):
    """The port is closed, silent, another program's, or refuses the token; `cause` says which."""

    def __init__(self, cause: str) -> None:
        super().__init__("The local cloud does not answer; it may just have ended.")
        self.cause = cause


def is_running(state: CloudState) -> bool:
    """Return True if the cloud of this state answers and proves its identity."""
    challenge = new_challenge()
    try:
        answer = _call(state.control_port, "GET", f"{IDENTITY}?challenge={challenge}", {})
    except NoAnswer:
        return False
    proof = answer.get("proof")
    return isinstance(proof, str) and same(proof, prove(state.nonce, challenge))


def status(state: CloudState) -> Mapping[str, JSON]:
    """Return the status of the cloud.

    Raises:
        NoAnswer: the cloud ended meanwhile.
    """
    return _call(state.control_port, "GET", STATUS, _token(state))


def use(state: CloudState) -> None:
    """Reset the cloud's idle time.

    Raises:
        NoAnswer: the cloud ended meanwhile.
    """
    _call(state.control_port, "POST", USE, _token(state))


def stop(state: CloudState) -> None:
    """Ask the cloud to end; it answers before it does.

    Raises:
        NoAnswer: the cloud ended meanwhile.
    """
    _call(state.control_port, "POST", STOP, _token(state))


def faults(state: CloudState) -> list[Mapping[str, JSON]]:
    """Return the faults that are set, as `InjectedFault.document` describes them.

    Raises:
        NoAnswer: the cloud ended meanwhile.
    """
    return _objects(_call(state.control_port, "GET", FAULTS, _token(state)), "faults")


def set_faults(
    state: CloudState,
    texts: Sequence[str],
    *,
    source: str | None = None,
    target: str | None = None,
    region: str | None = None,
) -> list[Mapping[str, JSON]]:
    """Set faults (see `globalchat.localcloud.faults.parse`); return what is set then.

    Raises:
        UsageError: an unknown fault, amount or region.
        NoAnswer: the cloud ended meanwhile.
    """
    body: dict[str, JSON] = {"set": [*texts], "from": source, "to": target, "region": region}
    return _objects(_call(state.control_port, "POST", FAULTS, _token(state), body=body), "faults")


def clear_faults(state: CloudState, names: Sequence[str]) -> list[Mapping[str, JSON]]:
    """Clear the faults of these names, or all; return what is set then.

    Raises:
        UsageError: an unknown fault.
        NoAnswer: the cloud ended meanwhile.
    """
    body: dict[str, JSON] = {"names": [*names]}
    return _objects(_call(state.control_port, "DELETE", FAULTS, _token(state), body=body), "faults")


def sign_in(state: CloudState, person: str, *, seconds: float | None = None) -> Mapping[str, JSON]:
    """Return new credentials of a verified person, in the format of AWS's container credential endpoint.

    They end after `seconds`; None means the usual time.

    Raises:
        UsageError: no person can have this name, or no credentials last this long.
        NoAnswer: the cloud ended meanwhile.
    """
    body: dict[str, JSON] = {"person": person, "seconds": seconds}
    return _call(state.control_port, "POST", CREDENTIALS, _token(state), body=body)


def dead_letters(state: CloudState, *, detail: bool = False) -> list[Mapping[str, JSON]]:
    """Return the dead letters, oldest first in each queue; `detail` adds the messages' texts.

    Raises:
        NoAnswer: the cloud ended meanwhile.
    """
    path = f"{DEAD_LETTERS}?detail={int(detail)}"
    answer = _call(
        state.control_port,
        "GET",
        path,
        _token(state),
        seconds=_REDRIVE_SECONDS,
        longest=_LONGEST_DEAD_LETTERS,
    )
    return _objects(answer, "deadLetters")


def redrive(state: CloudState, queue: str | None = None) -> tuple[int, int]:
    """Redrive the dead letters of one queue (a name or ARN) or of all.

    Return the numbers of delivered and failed ones.

    Raises:
        UsageError: there is no such queue.
        NoAnswer: the cloud ended meanwhile, or takes too long.
    """
    path = REDRIVE if queue is None else f"{REDRIVE}?{urlencode({'queue': queue})}"
    answer = _call(state.control_port, "POST", path, _token(state), seconds=_REDRIVE_SECONDS)
    delivered, failed = answer.get("delivered"), answer.get("failed")
    if not isinstance(delivered, int) or not isinstance(failed, int):
        raise NoAnswer("no counts")
    return delivered, failed


def _token(state: CloudState) -> dict[str, str]:
    return {TOKEN_HEADER: state.admin_token}


def _objects(answer: Mapping[str, JSON], name: str) -> list[Mapping[str, JSON]]:
    items = answer.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _call(
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str],
    *,
    body: Mapping[str, JSON] | None = None,
    seconds: float | None = None,
    longest: int = _LONGEST_ANSWER,
) -> Mapping[str, JSON]:
    import http.client  # Imported here: it takes 12 ms, which no command needs if no cloud runs.

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds or _TIMEOUT_SECONDS)
    try:
        sent = None if body is None else json.dumps(body).encode()
        connection.request(method, path, body=sent, headers=dict(headers))
        response = connection.getresponse()
        read = response.read(longest)
        # Any other status is not this cloud's, or refuses the token.
        document = json.loads(read) if response.status in (200, 400) else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise NoAnswer(type(error).__name__) from None
    finally:
        connection.close()
    if isinstance(document, dict):
        if response.status == 200:
            return document
        message, remedy = document.get("error"), document.get("remedy")
        if isinstance(message, str) and isinstance(remedy, str):
            raise UsageError(message, remedy=remedy)
    raise NoAnswer(f"status {response.status}")
