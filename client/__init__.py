"""The client of the backend: profiles, messages, and the session. No interface, no Textual.

Names are loaded on first use, so that reading a profile costs no import of gql.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from client.api import Api
    from client.chat import Chat, connect
    from client.credentials import Credentials
    from client.errors import ClientError, ProfileError, Refused, Unauthorized, Unreachable
    from client.messages import Backend, Draft, Limits, Message
    from client.profiles import Profile, RegionEndpoint
    from client.session import Session, SessionOptions
    from client.watch import Paired, Unpaired, Watch

__all__ = [
    "Api",
    "Backend",
    "Chat",
    "ClientError",
    "Credentials",
    "Draft",
    "Limits",
    "Message",
    "Paired",
    "Profile",
    "ProfileError",
    "Refused",
    "RegionEndpoint",
    "Session",
    "SessionOptions",
    "Unauthorized",
    "Unpaired",
    "Unreachable",
    "Watch",
    "connect",
]

_HOMES = {
    "client.api": ("Api",),
    "client.chat": ("Chat", "connect"),
    "client.credentials": ("Credentials",),
    "client.errors": ("ClientError", "ProfileError", "Refused", "Unauthorized", "Unreachable"),
    "client.messages": ("Backend", "Draft", "Limits", "Message"),
    "client.profiles": ("Profile", "RegionEndpoint"),
    "client.session": ("Session", "SessionOptions"),
    "client.watch": ("Paired", "Unpaired", "Watch"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
