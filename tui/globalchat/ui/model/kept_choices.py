"""What the user chose in the chat and finds again at the next start: name, region, channel, panels. Pure."""

# Little is imported here on purpose: the name is in the first frame, which must not wait for the chat.
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from globalchat.core.errors import ProfileError
from globalchat.ui.model.text import shown_name

if TYPE_CHECKING:
    from globalchat.client.profiles import Profile

_NICK, _REGION, _CHANNEL, _PANEL = "chosen:nick", "chosen:region", "chosen:channel", "panel:"
"""The keys in the stored state."""

_LONGEST_NICK = 32
"""UTF-16 code units of a name: the limit of our backends."""

_PLACE = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""The name of a region or a channel."""
_PANEL_NAME = re.compile("[a-z][a-z-]{0,19}")
_SHOWN = {"shown": True, "hidden": False}

CHANNELS, PEOPLE, LATENCY, BOTH = "channels", "people", "latency", "both"
"""The panels: the lists of channels and of people, the latencies, both regions side by side."""


class KeptChoices:
    """Keeps choices for the next start of the chat with the same profile.

    What is given on the command line takes precedence in that run, and is not kept. Damaged values are
    ignored.

    Attributes:
        changed: Called after a choice.
    """

    def __init__(self) -> None:
        self.changed: Callable[[], object] = bool
        self._values: dict[str, str] = {}
        self._panels: dict[str, bool] = {}

    @property
    def nick(self) -> str | None:
        """The name to write under."""
        return self._values.get(_NICK)

    @nick.setter
    def nick(self, nick: str) -> None:
        self._set(_NICK, nick)

    @property
    def region(self) -> str | None:
        """The alias of a region, which the profile may have lost since."""
        return self._values.get(_REGION)

    @region.setter
    def region(self, alias: str) -> None:
        self._set(_REGION, alias)

    @property
    def channel(self) -> str | None:
        """The open channel, which may have been removed since."""
        return self._values.get(_CHANNEL)

    @channel.setter
    def channel(self, channel: str) -> None:
        self._set(_CHANNEL, channel)

    def shows(self, panel: str, default: bool = False) -> bool:
        """Return True if a panel is to be shown; `default` is what holds without a choice."""
        return self._panels.get(panel, default)

    def show(self, panel: str, shown: bool) -> None:
        """Keep that a panel is shown, or is not."""
        if self._panels.get(panel) != shown:
            self._panels[panel] = shown
            self.changed()

    def kept(self) -> dict[str, str]:
        """Return what is stored."""
        panels = {_PANEL + name: "shown" if shown else "hidden" for name, shown in self._panels.items()}
        return self._values | panels

    def restore(self, kept: Mapping[str, str]) -> None:
        """Restore what an earlier run stored."""
        checks: dict[str, Callable[[str], object]] = {
            _NICK: _is_nick,
            _REGION: _PLACE.fullmatch,
            _CHANNEL: _PLACE.fullmatch,
        }
        self._values = {key: kept[key] for key, check in checks.items() if key in kept and check(kept[key])}
        panels = {key.removeprefix(_PANEL): value for key, value in kept.items() if key.startswith(_PANEL)}
        self._panels = {
            name: _SHOWN[value]
            for name, value in panels.items()
            if value in _SHOWN and _PANEL_NAME.fullmatch(name)
        }

    def _set(self, key: str, value: str) -> None:
        if self._values.get(key) != value:
            self._values[key] = value
            self.changed()


def first_region(profile: "Profile", given: str | None, last: str | None) -> tuple[str, str | None]:
    """Return the alias of the region to begin in, and a sentence if that of the last run is gone.

    It is the `given` one (an alias or AWS name), else that of the `last` run, else the profile's first.

    Raises:
        ProfileError: the profile has no region, or not the given one.
    """
    if not profile.regions:
        raise ProfileError(f'The profile "{profile.name}" has no region.', remedy="Deploy it again.")
    if given:
        return profile.resolve(given).alias, None
    first = next(iter(profile.regions))
    if last is None or last in profile.regions:
        return last or first, None
    gone, here = shown_name(last), shown_name(first)
    return first, f"The profile has no region {gone} any more: {here} is opened instead."


def _is_nick(text: str) -> bool:
    """Return True if the backend would accept a name; a file may have been edited."""
    try:
        length = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return bool(text.strip()) and "\x00" not in text and length <= _LONGEST_NICK
