"""Where a region of the local cloud is: what a client has to know to talk to it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RegionAddress:
    """One served region, and the API key that opens it.

    People call it by its `alias` (`oregon`), AWS by `region`; `event_bus` is the ARN of its bus. Bus and key
    are empty for a region whose templates tell of no bus, or whose API takes no key.
    """

    alias: str
    region: str
    graphql_url: str
    realtime_url: str
    api_id: str
    event_bus: str
    api_key: str = field(repr=False)
