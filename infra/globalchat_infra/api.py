"""The GraphQL API of one region: schema, access, data sources and one resolver per root field."""

from collections.abc import Mapping
from typing import cast

from aws_cdk import (
    Acknowledgment,
    CfnCondition,
    CfnParameter,
    Fn,
    RemovalPolicy,
    Stack,
    Validations,
    aws_appsync,
    aws_events,
    aws_iam,
    aws_logs,
)
from constructs import Construct

from globalchat_infra import names, stack_interface
from globalchat_infra.history_table import History
from globalchat_infra.schema import SchemaFile, deployed_code, resolver_files

BUS_FIELDS = ("publish",)
"""Root fields whose resolver puts events on the bus."""
MEASURED_FIELDS = ("publishFromBus",)
"""Root fields whose resolver has its own metrics: they cost money, and alarms read no others."""

QUERY_DEPTH = 25
"""The schema has two levels; the usual introspection query of tools needs 15, and some ask for more."""
RESOLVERS_PER_REQUEST = 10
"""The chat needs two. Under many aliases, one request could publish thousands of messages."""


class GraphqlApi(Construct):
    """An AppSync API with IAM, whose `publish` puts events on a bus.

    With a `key_expiry` (epoch seconds) it also has an API key, and that is the default mode; None has no key.
    `schema_text` is what is uploaded. Resolvers read `environment` as `ctx.env`. With `history`, messages are
    stored in a table. `api` is the CDK's construct, `log` the log group of AppSync; `resolvers` has one for
    each root field.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        prefix: str,
        alias: str,
        schema: SchemaFile,
        schema_text: str,
        bus: aws_events.IEventBus,
        environment: Mapping[str, str],
        key_expiry: int | None,
        history: bool,
    ) -> None:
        super().__init__(scope, id)
        self._prefix, self._alias = prefix, alias
        self.api = aws_appsync.GraphqlApi(
            self,
            "Api",
            name=f"{prefix}-{alias}",
            definition=aws_appsync.Definition.from_file(str(schema.file)),
            authorization_config=_modes(with_key=key_expiry is not None),
            environment_variables=dict(environment),
            query_depth_limit=QUERY_DEPTH,
            resolver_count_limit=RESOLVERS_PER_REQUEST,
        )
        # The construct can only read a file, and its comments are not deployed.
        cast(aws_appsync.CfnGraphQLSchema, self.api.node.find_child("Schema")).definition = schema_text
        if key_expiry is not None:
            self._make_key(key_expiry)
        kept = History(self, "History", prefix=prefix, alias=alias, api=self.api) if history else None
        self.resolvers = self._add_resolvers(schema, self._add_bus_source(bus), kept)
        self.log = self._log_errors()
        # All three are required; only resolvers with metrics of their own are measured.
        self._resource.enhanced_metrics_config = aws_appsync.CfnGraphQLApi.EnhancedMetricsConfigProperty(
            resolver_level_metrics_behavior="PER_RESOLVER_METRICS",
            data_source_level_metrics_behavior="PER_DATA_SOURCE_METRICS",
            operation_level_metrics_config="DISABLED",
        )

    @property
    def realtime_url(self) -> str:
        """The URL where subscriptions connect."""
        url: str = self._resource.get_att("RealtimeUrl").to_string()
        return url

    @property
    def _resource(self) -> aws_appsync.CfnGraphQLApi:
        return cast(aws_appsync.CfnGraphQLApi, self.api.node.default_child)

    def _make_key(self, first_expiry: int) -> None:
        """Add the key of the current generation, whose expiry is set only once; see `stack_interface`."""
        stack = Stack.of(self)
        generation = CfnParameter(
            stack,
            stack_interface.GENERATION,
            allowed_values=list(stack_interface.GENERATIONS),
            default=stack_interface.GENERATIONS[0],
            description="The generation of the API key: another one replaces it. Keep the previous value.",
        )
        expires = CfnParameter(
            stack,
            stack_interface.EXPIRES,
            type="Number",
            default=first_expiry,
            description="When a new API key ends, in epoch seconds. Keep the previous value.",
        )
        keys = [
            cast(aws_appsync.CfnApiKey, self.api.node.find_child("DefaultApiKey")),
            aws_appsync.CfnApiKey(
                self, "LaterKey", api_id=self.api.api_id, description=stack_interface.KEY_DESCRIPTION
            ),
        ]
        # A fixed id: the deployer knows the resource by it, whatever the construct tree looks like.
        keys[1].override_logical_id(stack_interface.LATER_KEY)
        for key, value in zip(keys, stack_interface.GENERATIONS, strict=True):
            is_this = CfnCondition(
                stack,
                f"IsKeyGeneration{value}",
                expression=Fn.condition_equals(generation.value_as_string, value),
            )
            # CloudFormation creates one and deletes the other when the parameter changes, in a single update.
            key.cfn_options.condition = is_this
            # The typed property validates dates by this machine's clock; AppSync uses its own.
            key.add_property_override("Expires", expires.value_as_number)

    def _add_bus_source(self, bus: aws_events.IEventBus) -> aws_appsync.EventBridgeDataSource:
        return aws_appsync.EventBridgeDataSource(
            self,
            "BusSource",
            api=self.api,
            name="bus",
            event_bus=bus,
            service_role=self._role("PublishRole", "publish"),
        )

    def _add_resolvers(
        self, schema: SchemaFile, bus_source: aws_appsync.EventBridgeDataSource, history: History | None
    ) -> Mapping[str, aws_appsync.Resolver]:
        none = aws_appsync.NoneDataSource(self, "NoneSource", api=self.api, name="none")
        of_table = {} if history is None else {"publishFromBus": history.writer, "history": history.reader}
        resolvers: dict[str, aws_appsync.Resolver] = {}
        for field, file in resolver_files(schema.root_fields, history=history is not None).items():
            resolvers[field] = resolver = aws_appsync.Resolver(
                self,
                f"{field[0].upper()}{field[1:]}Resolver",
                api=self.api,
                type_name=schema.root_fields[field],
                field_name=field,
                data_source=bus_source if field in BUS_FIELDS else none,
                runtime=aws_appsync.FunctionRuntime.JS_1_0_0,
                # Inline, since a file asset would need a bucket and therefore `cdk bootstrap`.
                code=aws_appsync.Code.from_inline(deployed_code(file)),
            )
            resource = cast(aws_appsync.CfnResolver, resolver.node.default_child)
            if field in of_table:
                # A property of the same resource as the code: turning history on or off changes both at once.
                source: aws_appsync.CfnDataSource = of_table[field]
                resource.data_source_name = source.name
                resolver.node.add_dependency(source)
            if field in MEASURED_FIELDS:
                resource.metrics_config = "ENABLED"
        return resolvers

    def _log_errors(self) -> aws_logs.LogGroup:
        """Log the errors of fields, without the contents of requests and responses.

        The typed `log_config` adds a Lambda function for the retention; our own log group does not need one.
        """
        group = aws_logs.LogGroup(
            self,
            "Logs",
            log_group_name=names.log_group(self.api.api_id),
            retention=aws_logs.RetentionDays.TWO_WEEKS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = self._role("LogsRole", "logs")
        # The group exists already, but the only documented policy includes its creation (AppSync guide,
        # monitoring).
        group.grant(role, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
        self._resource.log_config = aws_appsync.CfnGraphQLApi.LogConfigProperty(
            cloud_watch_logs_role_arn=role.role_arn, exclude_verbose_content=True, field_log_level="ERROR"
        )
        Validations.of(self.api).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-ASC3",
                reason="Errors are logged; the verbose content that it asks for holds messages and keys.",
            )
        )
        return group

    def _role(self, id: str, part: str) -> aws_iam.Role:  # noqa: A002
        name = names.role(self._prefix, self._alias, part)
        principal = aws_iam.ServicePrincipal("appsync.amazonaws.com")
        return aws_iam.Role(self, id, role_name=name, assumed_by=principal)


def _modes(*, with_key: bool) -> aws_appsync.AuthorizationConfig:
    iam = aws_appsync.AuthorizationMode(authorization_type=aws_appsync.AuthorizationType.IAM)
    if not with_key:
        # Without a key the default has to be another mode, as fields without a directive take the default.
        return aws_appsync.AuthorizationConfig(default_authorization=iam)
    key = aws_appsync.AuthorizationMode(
        authorization_type=aws_appsync.AuthorizationType.API_KEY,
        api_key_config=aws_appsync.ApiKeyConfig(description=stack_interface.KEY_DESCRIPTION),
    )
    # The key is the default, so that introspection and fields without a directive accept it.
    return aws_appsync.AuthorizationConfig(default_authorization=key, additional_authorization_modes=[iam])
