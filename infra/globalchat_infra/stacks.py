"""The two stacks of a region: Api first, Relay once every region's bus exists."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Environment, LegacyStackSynthesizer, Stack, Tags, aws_events, aws_iam
from constructs import Construct

from globalchat.core.resources import resource
from globalchat_infra import memory, names
from globalchat_infra.alarms import Alarms, AlarmTopic
from globalchat_infra.api import GraphqlApi
from globalchat_infra.broadcast import MUTATION, Broadcast, Malformed
from globalchat_infra.config import Config
from globalchat_infra.dashboard import Dashboard
from globalchat_infra.firewall import Firewall
from globalchat_infra.relay import Relay
from globalchat_infra.schema import Schema


def peers(config: Config, alias: str) -> list[str]:
    """The AWS regions of all other aliases."""
    return [region for other, region in config.regions.items() if other != alias]


INDENTED_REGIONS = 9
"""CloudFormation takes 51,200 bytes; the relay to thirty peers has that much, half of it indentation."""


class RegionStack(Stack):
    """A stack `<prefix>-<alias>-<part>` of one region; its template's metadata tell the alias.

    The legacy synthesizer deploys with the caller's own rights, without `cdk bootstrap`: there are no assets.
    """

    def __init__(self, scope: Construct, *, config: Config, alias: str, part: str, description: str) -> None:
        super().__init__(
            scope,
            names.stack(config.prefix, alias, part),
            env=Environment(region=config.regions[alias]),
            description=description,
            synthesizer=LegacyStackSynthesizer(),
            suppress_template_indentation=len(config.regions) > INDENTED_REGIONS,
        )
        self.template_options.metadata = {"globalchat": {"alias": alias}}
        Tags.of(self).add(names.ALIAS_TAG, alias)
        # Roles are global: by this tag a deployer that knows no region finds them all.
        Tags.of(self).add(names.REGION_TAG, config.regions[alias], include_resource_types=["AWS::IAM::Role"])
        self._config = config
        self._alias = alias

    def _alarms(self) -> Alarms:
        config = self._config
        return Alarms(self, "Alarms", prefix=config.prefix, email=config.alarm_email is not None)


class ApiStack(RegionStack):
    """The bus, the API and the broadcast of one region. `key_expiry` is in epoch seconds."""

    def __init__(self, scope: Construct, *, config: Config, alias: str, key_expiry: int) -> None:
        description = f"globalchat in {alias}: bus, API and broadcast"
        super().__init__(scope, config=config, alias=alias, part="api", description=description)
        schema = Schema(resource("schema.graphql"))
        bus = self._bus()
        graphql = GraphqlApi(
            self,
            "Graphql",
            prefix=config.prefix,
            alias=alias,
            schema=schema,
            bus=bus,
            environment={
                "BROADCAST_ROLE": names.role(config.prefix, alias, "broadcast"),
                "CHANNELS": ",".join(config.channels),
                "LIMITS": config.limits.to_json(),
                "REGION": self.region,
            },
            key_expiry=key_expiry,
        )
        broadcast = Broadcast(
            self,
            "Broadcast",
            prefix=config.prefix,
            alias=alias,
            schema=schema,
            bus=bus,
            api=graphql.api,
        )
        Malformed(self, "Malformed", prefix=config.prefix, schema=schema, bus=bus)
        self._watch(graphql, broadcast)
        if config.waf_rate is not None:
            name = f"{config.prefix}-{alias}"
            Firewall(self, "Firewall", name=name, api=graphql.api, rate=config.waf_rate)
        # The key is no output: `cdk deploy` would print it.
        CfnOutput(self, "graphqlUrl", value=graphql.api.graphql_url)
        CfnOutput(self, "realtimeUrl", value=graphql.realtime_url)
        CfnOutput(self, "apiId", value=graphql.api.api_id)
        CfnOutput(self, "eventBus", value=bus.event_bus_arn)
        CfnOutput(self, "region", value=self.region)
        CfnOutput(self, memory.OUTPUT, value=memory.remember(config))

    def _bus(self) -> aws_events.EventBus:
        """The bus; it takes what the account's roles may put on it, from the relays of other regions too.

        `PutTargets` was seen to refuse a bus of another region without such a policy. It gives nobody more
        than their own policies do.
        """
        bus = aws_events.EventBus(self, "Bus", event_bus_name=names.bus(self._config.prefix))
        if peers(self._config, self._alias):
            bus.add_to_resource_policy(
                aws_iam.PolicyStatement(
                    sid="OwnAccount",
                    principals=[aws_iam.AccountRootPrincipal()],
                    actions=["events:PutEvents"],
                    resources=[bus.event_bus_arn],
                )
            )
        return bus

    def _watch(self, graphql: GraphqlApi, broadcast: Broadcast) -> None:
        prefix = self._config.prefix
        if self._config.alarm_email is not None:
            AlarmTopic(self, "AlarmTopic", prefix=prefix, email=self._config.alarm_email)
        alarms = self._alarms()
        alarms.on_dead_letters("broadcast", broadcast.dead_letters)
        alarms.on_rule(names.broadcast_rule(prefix), names.bus(prefix))
        alarms.on_malformed(names.malformed_rule(prefix), names.bus(prefix))
        alarms.on_refused_broadcasts(graphql.api.api_id, graphql.log)
        if self._config.dashboard:
            relays = names.relay_rules(prefix, peers(self._config, self._alias))
            Dashboard(
                self,
                "Dashboard",
                prefix=prefix,
                alias=self._alias,
                api_id=graphql.api.api_id,
                bus=names.bus(prefix),
                rules=[names.broadcast_rule(prefix), *relays],
                malformed=names.malformed_rule(prefix),
                queues=names.queues(prefix, meshed=bool(relays)),
            )


class RelayStack(RegionStack):
    """The relay from one region to all others, deployed after every Api stack."""

    def __init__(self, scope: Construct, *, config: Config, alias: str, after: Sequence[ApiStack]) -> None:
        description = f"globalchat in {alias}: relay to the other regions"
        super().__init__(scope, config=config, alias=alias, part="relay", description=description)
        others = peers(config, alias)
        relay = Relay(
            self,
            "Relay",
            prefix=config.prefix,
            alias=alias,
            peers=others,
            fields=Schema(resource("schema.graphql")).required_arguments(MUTATION),
        )
        alarms = self._alarms()
        alarms.on_dead_letters("relay", relay.dead_letters)
        for rule in names.relay_rules(config.prefix, others):
            alarms.on_rule(rule, names.bus(config.prefix))
        for stack in after:
            self.add_stack_dependency(stack)
