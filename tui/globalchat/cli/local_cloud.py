"""Starts or joins the local cloud, and makes the profile `local`."""

import getpass
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from globalchat.client.profiles import LOCAL, Profile, RegionEndpoint, Signer
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Unreachable
from globalchat.core.files import user_folders
from globalchat.localcloud.interfaces import RegionAddress
from globalchat.localcloud.process import control_client, launch
from globalchat.localcloud.process.launch import Note
from globalchat.localcloud.process.state import CloudState

TRUST_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
"""The variables that name the file with the authorities that a client trusts.

For Python and Go, the requests library, AWS's SDK for Python and its command line, curl, and Node.js, in this
order. The last adds to the public authorities, the others replace them.
"""


def folder() -> Path:
    """Return the folder with the state of this user's local cloud."""
    return user_folders().state / "local-cloud"


def join(note: Note) -> CloudState:
    """Start the local cloud in the background, or join a running one.

    Raises:
        Unreachable: one runs, but does not answer.
        UserError: it cannot start.
    """
    return launch.ensure(folder(), note=note)


def require_running() -> CloudState:
    """Return the running local cloud.

    Raises:
        Unreachable: none does, or it does not answer.
    """
    running = launch.look(folder())
    if running is None:
        raise Unreachable("No local cloud runs.", remedy="Start it with `globalchat local up`.")
    return running


def profile(state: CloudState, person: str | None = None) -> Profile:
    """Return the profile `local`, where requests have the API key, or are signed by a person of this name.

    Where there is no API key, the person of a command without one has the name of its user's login.

    Raises:
        UsageError: no person can have this name.
    """
    if person is None:
        return profile_of(state.regions, signer=PersonSigner(state, login_name()))
    signer = PersonSigner(state, person)
    signer()  # Here, where a name that no person can have is a mistake in the command line.
    return replace(
        profile_of((replace(each, api_key="") for each in state.regions), signer=signer), person=person
    )


def profile_of(regions: Iterable[RegionAddress], *, signer: Signer | None = None) -> Profile:
    """Return the profile `local` for the regions of a state file, or of a cloud in this process.

    `signer` finds the credentials for regions without an API key.
    """
    return Profile(
        LOCAL,
        {
            each.alias: RegionEndpoint(
                alias=each.alias,
                region=each.region,
                graphql_url=each.graphql_url,
                realtime_url=each.realtime_url,
                api_id=each.api_id,
                event_bus=each.event_bus,
                api_key=each.api_key,
                auth="apiKey" if each.api_key else "iam",
                signer=None if each.api_key else signer,
            )
            for each in regions
        },
    )


class PersonSigner:
    """Signs in as a verified person of the local cloud, again before the credentials end."""

    def __init__(self, state: CloudState, name: str) -> None:
        self._state = state
        self._name = name
        self._identity = (state.nonce, name)
        self._held: Credentials | None = None
        self._refused: Credentials | None = None

    def __call__(self) -> Credentials:
        """Return credentials that are valid for at least a minute.

        Raises:
            UserError: the cloud has ended, or no person can have this name.
        """
        soon = datetime.now(UTC) + timedelta(minutes=1)
        held = self._held
        if held is None or held == self._refused or (held.expires is not None and held.expires < soon):
            held = self._held = person(self._state, self._name)
        return held

    def discard(self, refused: Credentials, *, expired: bool) -> None:  # noqa: ARG002 - of any signer
        """Sign in again instead of using these."""
        self._refused = refused

    def __eq__(self, other: object) -> bool:
        """Return True for the same person of the same run of the cloud: another run has other keys."""
        return isinstance(other, PersonSigner) and self._identity == other._identity

    def __hash__(self) -> int:
        """Return a hash, as `__eq__` needs."""
        return hash(self._identity)


def login_name() -> str:
    """Return the name of this machine's user as a person of the local cloud can have it."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):  # neither a variable nor an entry in the user database
        name = ""
    # The characters and the length of a session name (STS API reference, AssumeRole).
    kept = re.sub(r"[^\w+=,.@-]", "", name, flags=re.ASCII)[:64]
    return kept if len(kept) > 1 else "local-user"


def person(state: CloudState, name: str, *, seconds: float | None = None) -> Credentials:
    """Return new credentials of a verified person of the local cloud; None lets them last as usual.

    Raises:
        UsageError: no person can have this name, or no credentials last this long.
        Unreachable: the cloud ended meanwhile.
    """
    answer = control_client.sign_in(state, name, seconds=seconds)
    access, secret, token = (str(answer[key]) for key in ("AccessKeyId", "SecretAccessKey", "Token"))
    return Credentials(access, secret, token, datetime.fromisoformat(str(answer["Expiration"])))


def administrator(state: CloudState) -> Credentials:
    """Return the credentials of the local cloud's administrator."""
    return Credentials(state.access_key_id, state.secret_access_key)
