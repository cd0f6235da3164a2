"""The GraphQL API of one region: schema, access, data sources and one resolver per root field."""

from collections.abc import Mapping

from aws_cdk import CfnResource, RemovalPolicy, Stack, aws_appsync, aws_events, aws_iam, aws_logs
from constructs import Construct

from infra.files import RESOLVERS, data_file
from infra.schema import read, root_fields

BUS_FIELDS = ("publish",)
"""Root fields whose resolver talks to the bus; every other one needs no data source."""


class GraphqlApi(Construct):
    """An AppSync API with an API key (default mode) and IAM, whose `publish` puts events on a bus.

    `api` is the CDK construct. Resolvers read `environment` as `ctx.env`. `key_expiry` is in epoch seconds.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        name: str,
        bus: aws_events.IEventBus,
        environment: Mapping[str, str],
        key_expiry: int,
    ) -> None:
        super().__init__(scope, id)
        key = aws_appsync.AuthorizationMode(authorization_type=aws_appsync.AuthorizationType.API_KEY)
        iam = aws_appsync.AuthorizationMode(authorization_type=aws_appsync.AuthorizationType.IAM)
        self.api = aws_appsync.GraphqlApi(
            self,
            "Api",
            name=name,
            definition=aws_appsync.Definition.from_file(str(data_file("schema.graphql"))),
            authorization_config=aws_appsync.AuthorizationConfig(
                default_authorization=key, additional_authorization_modes=[iam]
            ),
            environment_variables=dict(environment),
        )
        # The typed property takes dates within a year of the clock; this one leaves the check to AppSync.
        cfn(self.api.node.find_child("DefaultApiKey")).add_property_override("Expires", key_expiry)
        self._add_resolvers(self._add_bus_source(name, bus))
        self._log_errors(name)

    @property
    def realtime_url(self) -> str:
        """Where subscriptions connect."""
        url: str = cfn(self.api).get_att("RealtimeUrl").to_string()
        return url

    def _add_bus_source(self, name: str, bus: aws_events.IEventBus) -> aws_appsync.EventBridgeDataSource:
        role = aws_iam.Role(
            self,
            "PublishRole",
            role_name=f"{name}-publish",
            assumed_by=aws_iam.ServicePrincipal("appsync.amazonaws.com"),
        )
        return aws_appsync.EventBridgeDataSource(
            self, "BusSource", api=self.api, event_bus=bus, service_role=role, name="bus"
        )

    def _add_resolvers(self, bus_source: aws_appsync.EventBridgeDataSource) -> None:
        none = aws_appsync.NoneDataSource(self, "NoneSource", api=self.api, name="none")
        types = root_fields(read(data_file("schema.graphql").read_text(encoding="utf-8")))
        for file in sorted(RESOLVERS.glob("*.js")):
            field = file.stem
            aws_appsync.Resolver(
                self,
                f"{field[0].upper()}{field[1:]}Resolver",
                api=self.api,
                type_name=types[field],
                field_name=field,
                data_source=bus_source if field in BUS_FIELDS else none,
                runtime=aws_appsync.FunctionRuntime.JS_1_0_0,
                # Inline: a file asset would need a bucket, and so `cdk bootstrap`.
                code=aws_appsync.Code.from_inline(file.read_text(encoding="utf-8")),
            )

    def _log_errors(self, name: str) -> None:
        """Log field errors, without request or response contents.

        The typed `log_config` brings a Lambda function that sets the retention; a log group of our own does not.
        """
        group = aws_logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/appsync/apis/{self.api.api_id}",
            retention=aws_logs.RetentionDays.TWO_WEEKS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = aws_iam.Role(
            self,
            "LogsRole",
            role_name=f"{name}-logs",
            assumed_by=aws_iam.ServicePrincipal("appsync.amazonaws.com"),
        )
        group.grant_write(role)
        cfn(self.api).add_property_override(
            "LogConfig",
            {
                "CloudWatchLogsRoleArn": Stack.of(self).resolve(role.role_arn),
                "ExcludeVerboseContent": True,
                "FieldLogLevel": "ERROR",
            },
        )


def cfn(construct: Construct) -> CfnResource:
    """The CloudFormation resource behind a construct."""
    resource: CfnResource = construct if isinstance(construct, CfnResource) else construct.node.default_child
    return resource
