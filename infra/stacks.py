"""The two stacks of a region: Api first, Relay once every region's bus exists."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Environment, LegacyStackSynthesizer, Stack, aws_events
from constructs import Construct

from infra.api import GraphqlApi
from infra.broadcast import Broadcast
from infra.config import Config
from infra.files import data_file
from infra.relay import Relay
from infra.schema import Schema


def bus_name(prefix: str) -> str:
    """The name of the bus, the same in every region."""
    return f"{prefix}-bus"


class RegionStack(Stack):
    """A stack `<prefix>-<alias>-<part>` of one region; its template's metadata tell the alias.

    The legacy synthesizer deploys with the caller's own rights, without `cdk bootstrap`: there are no assets.
    """

    def __init__(self, scope: Construct, *, config: Config, alias: str, part: str, description: str) -> None:
        super().__init__(
            scope,
            f"{config.prefix}-{alias}-{part}",
            env=Environment(region=config.regions[alias]),
            description=description,
            synthesizer=LegacyStackSynthesizer(),
        )
        self.template_options.metadata = {"globalchat": {"alias": alias}}


class ApiStack(RegionStack):
    """The bus, the API and the broadcast of one region. `key_expiry` is in epoch seconds."""

    def __init__(self, scope: Construct, *, config: Config, alias: str, key_expiry: int) -> None:
        description = f"globalchat in {alias}: bus, API and broadcast"
        super().__init__(scope, config=config, alias=alias, part="api", description=description)
        schema = Schema(data_file("schema.graphql"))
        bus = aws_events.EventBus(self, "Bus", event_bus_name=bus_name(config.prefix))
        graphql = GraphqlApi(
            self,
            "Graphql",
            name=f"{config.prefix}-{alias}",
            schema=schema,
            bus=bus,
            environment={
                "CHANNELS": ",".join(config.channels),
                "LIMITS": config.limits.to_json(),
                "REGION": self.region,
            },
            key_expiry=key_expiry,
        )
        Broadcast(
            self,
            "Broadcast",
            prefix=config.prefix,
            alias=alias,
            schema=schema,
            bus=bus,
            api=graphql.api,
        )
        # The key is no output: `cdk deploy` would print it.
        CfnOutput(self, "graphqlUrl", value=graphql.api.graphql_url)
        CfnOutput(self, "realtimeUrl", value=graphql.realtime_url)
        CfnOutput(self, "apiId", value=graphql.api.api_id)
        CfnOutput(self, "eventBus", value=bus.event_bus_arn)
        CfnOutput(self, "region", value=self.region)


class RelayStack(RegionStack):
    """The relay from one region to all others, deployed after every Api stack."""

    def __init__(self, scope: Construct, *, config: Config, alias: str, after: Sequence[ApiStack]) -> None:
        description = f"globalchat in {alias}: relay to the other regions"
        super().__init__(scope, config=config, alias=alias, part="relay", description=description)
        Relay(
            self,
            "Relay",
            prefix=config.prefix,
            alias=alias,
            bus_name=bus_name(config.prefix),
            peers=[region for region in config.regions.values() if region != self.region],
        )
        for stack in after:
            self.add_stack_dependency(stack)
