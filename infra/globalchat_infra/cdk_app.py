"""The CDK app: every region's Api stack, then, once every bus exists, every region's Relay stack."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from aws_cdk import (
    App,
    CfnOutput,
    CfnParameter,
    Environment,
    LegacyStackSynthesizer,
    Stack,
    Tags,
    aws_events,
    aws_iam,
)
from constructs import Construct

from globalchat.core.errors import UsageError
from globalchat.core.resources import resource
from globalchat_infra import names, stack_interface
from globalchat_infra.alarms import Alarms, AlarmTopic, topic_of_api_stack
from globalchat_infra.api import GraphqlApi
from globalchat_infra.broadcast import MUTATION, Broadcast, Malformed
from globalchat_infra.config import Config
from globalchat_infra.dashboard import Dashboard, DashboardSubject
from globalchat_infra.firewall import Firewall
from globalchat_infra.relay import Relay
from globalchat_infra.schema import SchemaFile

# A margin below that, since the YAML of the CDK is only estimated here.
LARGEST = 49_000
"""The most bytes of a template as YAML, by our estimate: CloudFormation accepts 51,200 of the CDK's YAML."""
INDENTED_REGIONS = 9
"""More regions are written without indentation.

CloudFormation accepts 51,200 bytes, which the relay to thirty peers reaches, half of it indentation.
"""


def peers(config: Config, alias: str) -> list[str]:
    """Return the AWS regions of all other aliases."""
    return [region for other, region in config.regions.items() if other != alias]


class RegionStack(Stack):
    """A stack `<prefix>-<alias>-<part>` of one region; its template's metadata contains the alias.

    The legacy synthesizer deploys with the caller's own rights, without `cdk bootstrap`: there are no assets.
    """

    def __init__(self, scope: Construct, *, config: Config, alias: str, part: str, description: str) -> None:
        super().__init__(
            scope,
            names.stack(config.prefix, alias, part),
            env=Environment(region=config.regions[alias]),
            description=description,
            synthesizer=LegacyStackSynthesizer(),
            # Not always: indented templates are easier to compare in CloudFormation's console.
            suppress_template_indentation=len(config.regions) > INDENTED_REGIONS,
        )
        self.template_options.metadata = {"globalchat": {"alias": alias}}
        Tags.of(self).add(names.ALIAS_TAG, alias)
        # Roles are global, and by this tag a deployer finds all regions without knowing any.
        Tags.of(self).add(names.REGION_TAG, config.regions[alias], include_resource_types=["AWS::IAM::Role"])
        self._config = config
        self._alias = alias


class ApiStack(RegionStack):
    """The bus, the API and the broadcast of one region. `key_expiry` is in epoch seconds."""

    def __init__(self, scope: Construct, *, config: Config, alias: str, key_expiry: int) -> None:
        description = f"globalchat in {alias}: bus, API and broadcast"
        super().__init__(scope, config=config, alias=alias, part="api", description=description)
        schema = SchemaFile(resource("schema.graphql"))
        bus = self._bus()
        graphql = GraphqlApi(
            self,
            "Graphql",
            prefix=config.prefix,
            alias=alias,
            schema=schema,
            schema_text=schema.deployed if config.senders == "anyone" else schema.without_key,
            bus=bus,
            environment={
                "ACCOUNT": self.account,
                "BROADCAST_ROLE": names.role(config.prefix, alias, "broadcast"),
                "CHANNELS": ",".join(config.channels),
                "HISTORY_DAYS": str(config.history_days),
                "HISTORY_SINCE": self._history_since(),
                "LIMITS": config.limits.to_json(),
                "REGION": self.region,
                "VERIFIED_ROLES": " ".join(config.verified_roles),
            },
            key_expiry=key_expiry if config.has_key else None,
            history=config.history_days > 0,
        )
        broadcast = Broadcast(
            self,
            "Broadcast",
            prefix=config.prefix,
            alias=alias,
            schema=schema,
            bus=bus,
            api=graphql.api,
            resolver=graphql.resolvers[MUTATION],
        )
        Malformed(self, "Malformed", prefix=config.prefix, schema=schema, bus=bus)
        self._watch(graphql, broadcast)
        if config.waf_rate is not None:
            name = f"{config.prefix}-{alias}"
            Firewall(self, "Firewall", name=name, api=graphql.api, rate=config.waf_rate)
        # The key is not an output, since `cdk deploy` would print it.
        CfnOutput(self, "graphqlUrl", value=graphql.api.graphql_url)
        CfnOutput(self, "realtimeUrl", value=graphql.realtime_url)
        CfnOutput(self, "apiId", value=graphql.api.api_id)
        CfnOutput(self, "eventBus", value=bus.event_bus_arn)
        CfnOutput(self, "region", value=self.region)
        CfnOutput(self, stack_interface.SETTINGS_OUTPUT, value=stack_interface.dump_settings(config))

    def _history_since(self) -> str:
        """Return since when messages have been stored for the present days.

        It is as `stack_interface.HistoryStart` writes it.

        Without history the resolvers need no such variable, but when history is turned off, resolvers with
        history still run for a moment after the variables have changed.
        """
        if not self._config.history_days:
            return str(stack_interface.UNKNOWN_START)
        since = CfnParameter(
            self,
            stack_interface.HISTORY_SINCE,
            default=str(stack_interface.UNKNOWN_START),
            description="Since when messages are stored so long. Keep the previous value.",
        )
        value: str = since.value_as_string
        return value

    def _bus(self) -> aws_events.EventBus:
        """Make the bus, on which the account's roles may put events, including relays of other regions.

        `PutTargets` was observed to refuse a bus of another region without such a policy. The policy grants
        nothing beyond the callers' own policies.
        """
        bus = aws_events.EventBus(self, "Bus", event_bus_name=names.bus(self._config.prefix))
        # A single region has no relay, so nothing needs the policy.
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
        email = self._config.alarm_email
        topic = None if email is None else AlarmTopic(self, "AlarmTopic", prefix=prefix, email=email).topic
        alarms = Alarms(self, "Alarms", prefix=prefix, topic=topic)
        alarms.on_dead_letters("broadcast", broadcast.dead_letters)
        alarms.on_rule(names.broadcast_rule(prefix), names.bus(prefix))
        alarms.on_malformed(names.malformed_rule(prefix), names.bus(prefix))
        alarms.on_refused_broadcasts(graphql.api.api_id, graphql.log)
        if self._config.history_days:
            alarms.on_lost_history(graphql.log)
        if self._config.dashboard:
            relays = names.relay_rules(prefix, peers(self._config, self._alias))
            subject = DashboardSubject(
                prefix=prefix,
                alias=self._alias,
                api_id=graphql.api.api_id,
                bus=names.bus(prefix),
                rules=[names.broadcast_rule(prefix), *relays],
                malformed=names.malformed_rule(prefix),
                queues=names.queues(prefix, meshed=bool(relays)),
            )
            Dashboard(self, "Dashboard", subject)


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
            fields=SchemaFile(resource("schema.graphql")).required_arguments(MUTATION),
        )
        topic = None if config.alarm_email is None else topic_of_api_stack(self, config.prefix)
        alarms = Alarms(self, "Alarms", prefix=config.prefix, topic=topic)
        alarms.on_dead_letters("relay", relay.dead_letters)
        for rule in names.relay_rules(config.prefix, others):
            alarms.on_rule(rule, names.bus(config.prefix))
        # EventBridge accepts a target only if its bus exists.
        for stack in after:
            self.add_stack_dependency(stack)


def new_app(folder: Path | None = None, *, validated: bool = False) -> App:
    """Return an app that synthesises into a folder, by default where `cdk` asks for it.

    `validated` lets the CDK check the templates too. That takes seconds in every synthesis and only warns;
    the tests do it once, with every option.
    """
    outdir = None if folder is None else str(folder)
    return App(analytics_reporting=False, outdir=outdir, builtin_cloud_formation_validation=validated)


def add_stacks(app: App, config: Config, *, today: date) -> None:
    """Add all stacks of a deployment to an app, tagged. A single region has no relay."""
    expiry = stack_interface.key_expiry(today)
    apis = [ApiStack(app, config=config, alias=alias, key_expiry=expiry) for alias in config.regions]
    if len(apis) > 1:
        for alias in config.regions:
            RelayStack(app, config=config, alias=alias, after=apis)
    # Added to the app, so that no resource of a later construct can lack them: ownership is decided by these
    # tags.
    Tags.of(app).add(names.PROJECT_TAG, names.PROJECT)
    Tags.of(app).add(names.DEPLOYMENT_TAG, config.prefix)


def synthesise(app: App, *, account: str | None = None) -> Path:
    """Write the cloud assembly and return its folder; it may only be deployed to `account`.

    Raises:
        UsageError: a template is larger than CloudFormation accepts without a bucket.
    """
    folder = Path(app.synth().directory)
    # Checked here and not by CloudFormation, which would refuse the template after other stacks are updated.
    for file in sorted(folder.glob("*.template.json")):
        template = json.loads(file.read_text(encoding="utf-8"))
        if (size := yaml_size(template)) > LARGEST:
            raise UsageError(
                f"The template {file.name} has {size:,} bytes, more than the {LARGEST:,} that fit: "
                "use fewer regions, or shorter names."
            )
    if account is not None:
        _bind(folder, account)
    return folder


def yaml_size(value: object, depth: int = 0) -> int:
    """Estimate the bytes of a value in the YAML that the CDK command line uploads instead of JSON.

    Each entry, and each line of a text, has its own line with two spaces of indentation per level; lines are
    not folded.
    """
    indent = 2 * depth
    if isinstance(value, Mapping) and value:
        return sum(indent + len(str(key)) + 2 + yaml_size(each, depth + 1) for key, each in value.items())
    if isinstance(value, list) and value:
        # The dash is part of the indentation of the value in the same line.
        return sum(
            yaml_size(each, depth + 1) + (0 if isinstance(each, Mapping | list) and each else indent + 2)
            for each in value
        )
    text = value if isinstance(value, str) else json.dumps(value)
    return sum(indent * (number > 0) + len(line.encode()) + 1 for number, line in enumerate(text.split("\n")))


def _bind(folder: Path, account: str) -> None:
    """Write the account into the environment of every stack, so that the CDK refuses credentials of another.

    Passed to the stacks instead, it would replace `AWS::AccountId` in every ARN of the templates, and each
    `cdk deploy` by hand, which is not bound to an account, would change them back.
    """
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    for artifact in manifest["artifacts"].values():
        if artifact["type"] == "aws:cloudformation:stack":
            region = artifact["environment"].rpartition("/")[2]
            artifact["environment"] = f"aws://{account}/{region}"
    file.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
