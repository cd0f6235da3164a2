"""What a shell may complete, as far as files of this machine tell: nothing is started and nobody is asked."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from globalchat.cli import profiles
from globalchat.cli.console.output import printable
from globalchat.client.profiles import LOCAL
from globalchat.core.errors import UserError
from globalchat.core.files import read_text, user_folders
from globalchat.core.text import sanitize

_PLAIN = re.compile(r"[\w@%+=:./-]+")

Words = Callable[[click.Context], Iterable[tuple[str, str | None]]]
"""The words that a parameter may take, each with a hint."""


def equip(command: click.Command) -> click.Command:
    """Let the parameters of a command, and of those below it, complete by their names; the same command."""
    for param in command.params:
        if param.name in COMPLETERS and param._custom_shell_complete is None:
            param._custom_shell_complete = _completer(COMPLETERS[param.name])
    if isinstance(command, click.Group):
        for each in command.commands.values():
            equip(each)
    return command


def regions(ctx: click.Context) -> Iterable[tuple[str, str | None]]:
    """The aliases of a profile's regions, and `auto`."""
    yield from _regions(_profile(ctx)).items()
    yield "auto", "the one that answers first"


def _ends(ctx: click.Context) -> Iterable[tuple[str, str | None]]:
    return _regions(_profile(ctx)).items()


def _profiles(_: click.Context) -> Iterable[tuple[str, str | None]]:
    from globalchat.client.profiles import names

    yield from ((name, None) for name in names(user_folders().config))
    yield LOCAL, "the local cloud"


def _channels(ctx: click.Context) -> Iterable[tuple[str, str | None]]:
    return ((name, None) for name in _known_channels(_profile(ctx)))


def _faults(_: click.Context) -> Iterable[tuple[str, str | None]]:
    from globalchat.localcloud.faults.model import KINDS

    return ((kind.name + ("=" if kind.unit else ""), kind.help) for kind in KINDS.values())


COMPLETERS: Mapping[str, Words] = {
    "profile": _profiles,
    "region": regions,
    "source": _ends,
    "target": _ends,
    "channel": _channels,
    "channels": _channels,
    "faults": _faults,
}
"""By the name of the parameter, which is the same in every command."""


def _completer(words: Words) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return matching(words, ctx, incomplete)

    return complete


def matching(words: Words, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return those of the words that go on as typed; none if a profile cannot be read, without a sentence.

    What a shell would have to quote is left out: bash puts a word into the line as it is.
    """
    found: list[CompletionItem] = []
    with suppress(UserError, OSError):
        found.extend(
            CompletionItem(word, help=hint and printable(hint))
            for word, hint in words(ctx)
            if word.startswith(incomplete) and _is_plain(word)
        )
    return found


def _is_plain(word: str) -> bool:
    return _PLAIN.fullmatch(word) is not None and sanitize(word, name=True) == word


def _profile(ctx: click.Context) -> str:
    return profiles.choose(ctx.params.get("profile"))


def _regions(profile: str) -> Mapping[str, str | None]:
    if profile == LOCAL:
        from globalchat.localcloud.process.regions import packaged

        return dict(packaged())
    return dict(profiles.region_names(profile))


def _known_channels(profile: str) -> list[str]:
    """What this machine deployed for the profile, else what the project has."""
    from globalchat.core.resources import resource

    return _deployed_channels(profile) or _channels_in(resource("cdk.json"))


def _deployed_channels(profile: str) -> list[str]:
    if profile == LOCAL:
        return []
    from globalchat.client.profiles import load
    from globalchat_infra.names import prefix_of

    folders = user_folders()
    first = next(iter(load(profile, folders.config).regions.values()))
    prefix = prefix_of(first.event_bus)
    return [] if prefix is None else _channels_in(folders.cache / "deploy" / prefix / "cdk.json")


def _channels_in(file: Path) -> list[str]:
    """The channels of a `cdk.json`; its checks would take longer than a key press may."""
    try:
        context = json.loads(read_text(file))["context"]["globalchat"]
        return [str(name) for name in context["channels"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
