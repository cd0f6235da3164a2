"""Who may open the chat in a browser: token, cookie, the page's key, `Host` and `Origin`. Pure.

Any page in a browser can send requests to loopback, and any user of this machine can connect to it:

- The *token* is in the printed link alone. It becomes a cookie and a key, and the browser goes on to an
  address without it.
- The *cookie* is needed for every request. JavaScript cannot read it, and no request that another site causes
  has it.
- The *key* is needed for a chat. Cookies do not know ports: a browser also sends them to another server on
  this machine, which may be another user's. The page keeps the key in the storage of its origin, which
  includes the port.
- `Host` has to be the address of this server, so that no name that leads to 127.0.0.1 (DNS rebinding) is let
  in.
- `Origin` has to be this server's, so that no other page opens a WebSocket, which browsers do not prevent.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Final

HOST: Final = "127.0.0.1"
PROTOCOL: Final = "globalchat"
"""The subprotocol of the WebSocket. A page offers a second one: `KEY_PREFIX` and its key."""
KEY_PREFIX: Final = "key."
OPEN_THE_LINK: Final = "Open the link that `globalchat web` printed in this browser."

_SAME: Final = ("same-origin", "none")
"""The values of `Sec-Fetch-Site` of our own page, and of an address that the user typed."""


class AccessRefused(Exception):
    """A request is refused; the message says why and what to do."""


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """The three secrets of one run: the token of the link, the value of the cookie, and the page's key."""

    token: str
    cookie: str
    key: str

    @classmethod
    def make(cls, random: Callable[[], str] = token_urlsafe) -> "Secrets":
        """Return new ones."""
        return cls(random(), random(), random())


class Access:
    """Decides about requests to the server at a port.

    Attributes:
        cookie_name: Includes the port, so that two servers do not replace each other's cookies.
    """

    def __init__(self, secrets: Secrets, port: int) -> None:
        self._secrets = secrets
        self._host = f"{HOST}:{port}"
        self.cookie_name = f"globalchat-{port}"

    @property
    def origin(self) -> str:
        """The origin of the page."""
        return f"http://{self._host}"

    @property
    def link(self) -> str:
        """The address that lets a browser in."""
        return f"{self.origin}/?token={self._secrets.token}"

    @property
    def cookie(self) -> str:
        """The value of the cookie."""
        return self._secrets.cookie

    @property
    def entrance(self) -> str:
        """The address to which the link leads: the page, with its key in the part that is never sent."""
        return f"/#{self._secrets.key}"

    def check_address(self, headers: Mapping[str, str]) -> None:
        """Check that a request is for this server, and not from another page.

        Raises:
            AccessRefused: it is not.
        """
        if headers.get("Host") != self._host:
            raise AccessRefused(
                f"This server is {self.origin} and has no other name. {OPEN_THE_LINK} "
                "Over SSH, forward the same port."
            )
        origin = headers.get("Origin")
        if origin is not None and origin != self.origin:
            raise AccessRefused("Another page sent this request.")

    def check_token(self, token: str) -> None:
        """Check the token of a link.

        Raises:
            AccessRefused: it is not this run's.
        """
        if not _is_same(token, self._secrets.token):
            raise AccessRefused(f"This link is not, or no longer, valid. {OPEN_THE_LINK}")

    def check(self, headers: Mapping[str, str], cookie: str | None) -> None:
        """Check a request of the page, besides its address.

        Raises:
            AccessRefused: another page caused it, or it has no valid cookie.
        """
        if headers.get("Sec-Fetch-Site", "none") not in _SAME:
            raise AccessRefused(f"Another page sent this request. {OPEN_THE_LINK}")
        if not _is_same(cookie or "", self._secrets.cookie):
            raise AccessRefused(f"This browser is not let in. {OPEN_THE_LINK}")

    def check_socket(self, headers: Mapping[str, str]) -> None:
        """Check the request for a WebSocket, besides what `check` checks: `Origin` is required, and the key.

        Raises:
            AccessRefused: one of them is missing or wrong.
        """
        if headers.get("Origin") != self.origin:
            raise AccessRefused("Another page sent this request.")
        offered = [each.strip() for each in headers.get("Sec-WebSocket-Protocol", "").split(",")]
        keys = [each.removeprefix(KEY_PREFIX) for each in offered if each.startswith(KEY_PREFIX)]
        if len(keys) != 1 or not _is_same(keys[0], self._secrets.key):
            raise AccessRefused(f"This page has no valid key. {OPEN_THE_LINK}")


def _is_same(given: str, secret: str) -> bool:
    """Compare in a time that says nothing about the secret."""
    return hmac.compare_digest(given.encode(errors="replace"), secret.encode())
