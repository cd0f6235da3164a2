"""The history of one region: a table of its messages, and the two data sources that store and read them."""

from aws_cdk import (
    Acknowledgment,
    RemovalPolicy,
    Stack,
    Validations,
    aws_appsync,
    aws_dynamodb,
    aws_iam,
)
from constructs import Construct

from globalchat_infra import names


class History(Construct):
    """A table with one item for each message that arrives, by channel and order of arrival.

    DynamoDB deletes an item after the time in its attribute `expires` (epoch seconds). `writer` and `reader`
    are data sources of the API, each with a role that may do nothing else.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        prefix: str,
        alias: str,
        api: aws_appsync.GraphqlApi,
    ) -> None:
        super().__init__(scope, id)
        self._prefix, self._alias, self._api = prefix, alias, api
        text = aws_dynamodb.AttributeType.STRING
        self._table = aws_dynamodb.Table(
            self,
            "Table",
            table_name=names.history(prefix, alias),
            partition_key=aws_dynamodb.Attribute(name="name", type=text),
            sort_key=aws_dynamodb.Attribute(name="arrival", type=text),
            time_to_live_attribute="expires",
            # A chat has bursts and long silences: provisioned capacity would throttle the ones and cost money
            # in the others.
            billing_mode=aws_dynamodb.BillingMode.PAY_PER_REQUEST,
            # By the CDK's default the table would stay, and its name would be taken in the next deployment.
            removal_policy=RemovalPolicy.DESTROY,
        )
        Validations.of(self._table).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-DDB3",
                reason="A backup would keep messages beyond the days that people were promised.",
            )
        )
        self.writer = self._data_source("Writer", names.HISTORY_WRITE, "dynamodb:PutItem")
        self.reader = self._data_source("Reader", names.HISTORY_READ, "dynamodb:Query")

    def _data_source(self, id: str, part: str, action: str) -> aws_appsync.CfnDataSource:  # noqa: A002
        """Make a data source whose role permits one action; the CDK's own grants everything on the table."""
        role = aws_iam.Role(
            self,
            f"{id}Role",
            role_name=names.role(self._prefix, self._alias, part),
            assumed_by=aws_iam.ServicePrincipal("appsync.amazonaws.com"),
        )
        self._table.grant(role, action)
        source = aws_appsync.CfnDataSource(
            self,
            id,
            api_id=self._api.api_id,
            # AppSync accepts no hyphen in the name of a data source (API reference, CreateDataSource).
            name=part.replace("-", "_"),
            type="AMAZON_DYNAMODB",
            service_role_arn=role.role_arn,
            dynamo_db_config=aws_appsync.CfnDataSource.DynamoDBConfigProperty(
                aws_region=Stack.of(self).region, table_name=self._table.table_name
            ),
        )
        # Otherwise the first messages would be refused, and be missing.
        source.node.add_dependency(role.node.find_child("DefaultPolicy"))
        return source
