"""Which regions AWS has, and which of them some words mean."""

import json
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from globalchat.core.errors import UsageError
from globalchat.core.text import hint


@cache
def aws_regions() -> Collection[str]:
    """Return the AWS regions that have AppSync, by botocore's data alone: no AWS configuration is read."""
    # Imported here: whoever only looks at other parts of a configuration needs no AWS library.
    from botocore.loaders import create_loader
    from botocore.regions import EndpointResolver

    known = EndpointResolver(create_loader().load_data("endpoints"))
    return sorted(known.get_available_endpoints("appsync", "aws"))


def choose(names: Iterable[str], known: Mapping[str, str]) -> Mapping[str, str]:
    """Alias → AWS region of some names: known aliases, `alias=region`, or AWS regions.

    An AWS region without an alias is its own.

    Raises:
        UsageError: a name is none of them, or means a region or an alias for the second time.
    """
    aliases = {region: alias for alias, region in known.items()}
    chosen: dict[str, str] = {}
    for name in names:
        alias, _, region = name.rpartition("=")
        region = region if alias else known.get(name, name)
        alias = alias or aliases.get(region, region)
        if region not in aws_regions():
            raise UsageError(
                f"{json.dumps(name)} is neither an alias nor an AWS region with AppSync. "
                f"{hint(name, [*known, *aws_regions()])}"
            )
        if region in chosen.values():
            raise UsageError(f'The AWS region "{region}" is listed twice: name it once.')
        if alias in chosen:
            raise UsageError(f'The alias "{alias}" is given to two regions: choose another.')
        chosen[alias] = region
    return chosen
