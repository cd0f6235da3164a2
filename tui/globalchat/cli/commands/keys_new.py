"""`globalchat keys revoke`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.deployment.options import yes
from globalchat.core.errors import UsageError

if TYPE_CHECKING:
    from globalchat_infra.deployer.keys import ApiKey

SHORTEST_START = 4
"""Characters of a fingerprint that may stand for all twelve."""


HELP = """End keys now, for good; KEY is what `globalchat keys list` shows of one, or how it starts.

The key that the profile uses is left alone: `globalchat keys rotate --grace 0` replaces and ends it.

\b
Examples:
  globalchat keys revoke 42b063960c1f
  globalchat keys revoke --replaced --yes
"""


@click.command("revoke", cls=Command, help=HELP)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--replaced", is_flag=True, help="All keys that a rotation has replaced.")
@options.aws_profile
@yes
@options.profile
def command(
    keys: tuple[str, ...], replaced: bool, aws_profile: str | None, yes: bool, profile: str | None
) -> int:
    """Run `globalchat keys revoke`."""
    from globalchat.cli.console.output import narrate
    from globalchat.cli.deployment.person import asker
    from globalchat.cli.deployment.principal import introduce_to
    from globalchat.cli.deployment.profile import deployed
    from globalchat_infra import names
    from globalchat_infra.deployer import keys as api_keys
    from globalchat_infra.deployer.aws import Aws

    if not keys and not replaced:
        raise UsageError(
            "No key is named.", remedy="Name one as `globalchat keys list` shows it, or give --replaced."
        )
    aws, loaded = Aws(aws_profile), deployed(profile)
    introduce_to(aws, loaded)
    listed: dict[str, list[ApiKey]] = {}
    for alias, endpoint in loaded.regions.items():
        api_keys.check_owner(aws, names.prefix_of(endpoint.event_bus), endpoint)
        listed[alias] = api_keys.list_keys(aws, endpoint.region, endpoint.api_id)
    chosen = _named(keys, listed)
    if replaced:
        for alias, found in listed.items():
            old = api_keys.retired(found)
            chosen += [(alias, key) for key in found if key.fingerprint in old]
    chosen = list(dict.fromkeys(chosen))
    used = {each.api_key for each in loaded.regions.values()}
    for alias, key in chosen:
        if key.key in used:
            raise UsageError(
                f"The key {key.fingerprint} of {alias} is the one that the profile uses: no key was ended.",
                remedy="Replace and end it with `globalchat keys rotate --grace 0`.",
            )
    if not chosen:
        narrate("No key was replaced.")
        return 0
    words = ", ".join(f"{key.fingerprint} ({alias})" for alias, key in chosen)
    if not asker(yes=yes)(f"End {words} now, for everyone who uses it?"):
        return 1
    for alias, key in chosen:
        endpoint = loaded.regions[alias]
        api_keys.revoke(aws, endpoint.region, endpoint.api_id, key)
        narrate(f"{alias}: the key {key.fingerprint} has ended")
    return 0


def _named(words: Sequence[str], listed: Mapping[str, "Sequence[ApiKey]"]) -> list[tuple[str, "ApiKey"]]:
    """Return region and key of each word.

    Raises:
        UsageError: a word is the start of no key, or of several.
    """
    chosen = []
    for word in words:
        if word.startswith("da2-"):
            # It is not repeated: a key belongs in no command line, and in no output.
            raise UsageError(
                "A key itself was given.", remedy="Name it by what `globalchat keys list` shows of it."
            )
        found = [
            (alias, key)
            for alias, keys in listed.items()
            for key in keys
            if len(word) >= SHORTEST_START and key.fingerprint.startswith(word)
        ]
        if len(found) != 1:
            how_many = "Several keys start" if found else "No key starts"
            raise UsageError(
                f'{how_many} with "{word[:50]}".', remedy="Name one as `globalchat keys list` shows it."
            )
        chosen += found
    return chosen
