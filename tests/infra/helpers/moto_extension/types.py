"""The resource types of our stacks that moto does not know."""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.appsync.exceptions import BadRequestException
from moto.appsync.models import GraphqlAPI as MotoApi
from moto.appsync.models import appsync_backends
from moto.cloudformation import parsing
from moto.cloudwatch.models import cloudwatch_backends
from moto.events.models import events_backends
from moto.logs.models import logs_backends
from moto.sqs.models import sqs_backends

from tests.infra.helpers.moto_extension.api_variables import put_variables
from tests.infra.helpers.moto_extension.resource import Properties, Resource

ENDPOINTS: dict[str, tuple[str, str, str]] = {}
"""By region, where an API is to be and the key to it (GraphQL URL, realtime URL, key), if a test says so."""


def _find_api(resource: Resource, properties: Properties) -> MotoApi:
    api: MotoApi = appsync_backends[resource.account][resource.region].get_graphql_api(properties["ApiId"])
    return api


class Api(Resource):
    """An API in moto's AppSync, so that its own calls find it; its endpoints are made up."""

    def make(self, properties: Properties) -> None:
        backend = appsync_backends[self.account][self.region]
        api = backend.create_graphql_api(
            name=properties["Name"],
            log_config=properties["LogConfig"],
            authentication_type=properties["AuthenticationType"],
            user_pool_config="",
            open_id_connect_config="",
            additional_authentication_providers=properties.get("AdditionalAuthenticationProviders"),
            xray_enabled=False,
            lambda_authorizer_config="",
            tags={tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])},
            visibility="GLOBAL",
        )
        self._api = api
        put_variables(api, properties.get("EnvironmentVariables") or {})
        self.physical_resource_id = api.arn
        self.remove = partial(backend.delete_graphql_api, api.api_id)
        host = api.api_id.replace("-", "")[:26]
        made_up = (
            f"https://{host}.appsync-api.{self.region}.amazonaws.com/graphql",
            f"wss://{host}.appsync-realtime-api.{self.region}.amazonaws.com/graphql",
            "",
        )
        graphql, realtime, _ = ENDPOINTS.get(self.region, made_up)
        endpoint = f"arn:aws:appsync:{self.region}:{self.account}:endpoints/graphql-api/{host}"
        self.attributes = {
            "ApiId": api.api_id,
            "Arn": api.arn,
            "GraphQLUrl": graphql,
            "RealtimeUrl": realtime,
            "GraphQLEndpointArn": endpoint,
        }

    def change(self, properties: Properties) -> None:
        self._api.name = properties["Name"]
        self._api.authentication_type = properties["AuthenticationType"]
        self._api.additional_authentication_providers = properties.get("AdditionalAuthenticationProviders")
        _check_modes(self._api)
        put_variables(self._api, properties.get("EnvironmentVariables") or {})


def _check_modes(api: MotoApi) -> None:
    """Refuse an API whose schema uses the mode of the key, which it does not have; AWS may do the same."""
    more: Any = api.additional_authentication_providers or []
    modes = [api.authentication_type, *(each["AuthenticationType"] for each in more)]
    schema = api.graphql_schema
    if schema is not None and "@aws_api_key" in schema.definition and "API_KEY" not in modes:
        raise BadRequestException("The schema uses @aws_api_key, and the API has no such mode.")


class Schema(Resource):
    """The API's schema; one that cannot be parsed fails, as on AWS."""

    def make(self, properties: Properties) -> None:
        api = _find_api(self, properties)
        api.start_schema_creation(properties["Definition"].encode())
        status, reason = api.get_schema_status()
        if status == "FAILED":
            raise BadRequestException(f"Schema Creation Status is FAILED with details: {reason}")
        _check_modes(api)


class ApiKey(Resource):
    """A key of moto's AppSync."""

    def make(self, properties: Properties) -> None:
        expires = datetime.fromtimestamp(int(properties["Expires"]), UTC).replace(tzinfo=None)
        self._api = _find_api(self, properties)
        self._key = self._api.create_api_key(properties.get("Description", ""), expires)
        if self.region in ENDPOINTS:
            del self._api.api_keys[self._key.key_id]
            self._key.key_id = ENDPOINTS[self.region][2]
            self._api.api_keys[self._key.key_id] = self._key
        self.physical_resource_id = f"{self._api.arn}/apikeys/{self._key.key_id}"
        self.attributes = {"ApiKey": self._key.key_id, "ApiKeyId": self._key.key_id}
        self.remove = partial(self._api.api_keys.pop, self._key.key_id, None)

    def change(self, properties: Properties) -> None:
        expires = datetime.fromtimestamp(int(properties["Expires"]), UTC).replace(tzinfo=None)
        self._api.update_api_key(self._key.key_id, properties.get("Description", ""), expires)


class OfApi(Resource):
    """A data source or a resolver, without effect."""

    def make(self, properties: Properties) -> None:
        arn = _find_api(self, properties).arn
        self.physical_resource_id = f"{arn}/{properties.get('Name') or properties['FieldName']}"
        self.attributes = {"Name": properties.get("Name", "")}


class QueuePolicy(Resource):
    """A policy that is set on its queues."""

    def make(self, properties: Properties) -> None:
        backend = sqs_backends[self.account][self.region]
        for url in properties["Queues"]:
            policy = {"Policy": json.dumps(properties["PolicyDocument"])}
            backend.set_queue_attributes(url.rsplit("/", 1)[-1], policy)


class BusPolicy(Resource):
    """A statement of the policy of a bus."""

    def make(self, properties: Properties) -> None:
        bus = events_backends[self.account][self.region].describe_event_bus(properties["EventBusName"])
        statement = properties["Statement"]
        bus.add_policy({"Version": "2012-10-17", "Statement": [statement]})
        self.remove = partial(bus.remove_statement, statement["Sid"])


class Alarm(Resource):
    """An alarm of moto's CloudWatch; of one on a query, moto keeps the query as it is."""

    def make(self, properties: Properties) -> None:
        backend = cloudwatch_backends[self.account][self.region]
        backend.put_metric_alarm(
            name=properties["AlarmName"],
            namespace=properties.get("Namespace", ""),
            metric_name=properties.get("MetricName", ""),
            metric_data_queries=properties.get("Metrics"),
            comparison_operator=properties["ComparisonOperator"],
            evaluation_periods=properties["EvaluationPeriods"],
            period=properties.get("Period", 0),
            threshold=properties["Threshold"],
            statistic=properties.get("Statistic", ""),
            description=properties.get("AlarmDescription", ""),
            dimensions=properties.get("Dimensions", []),
            alarm_actions=properties.get("AlarmActions", []),
        )
        self.physical_resource_id = properties["AlarmName"]
        self.remove = partial(backend.delete_alarms, [properties["AlarmName"]])


class MetricFilter(Resource):
    """A filter of moto's logs."""

    def make(self, properties: Properties) -> None:
        backend = logs_backends[self.account][self.region]
        group = properties["LogGroupName"]
        backend.put_metric_filter(
            self.physical_resource_id, properties["FilterPattern"], group, properties["MetricTransformations"]
        )
        self.remove = partial(backend.delete_metric_filter, self.physical_resource_id, group)


class Inert(Resource):
    """A resource without effect."""


TYPES: dict[str, type[Resource]] = {
    "AWS::AppSync::GraphQLApi": Api,
    "AWS::AppSync::GraphQLSchema": Schema,
    "AWS::AppSync::ApiKey": ApiKey,
    "AWS::AppSync::DataSource": OfApi,
    "AWS::AppSync::Resolver": OfApi,
    "AWS::Events::EventBusPolicy": BusPolicy,
    "AWS::SQS::QueuePolicy": QueuePolicy,
    "AWS::CloudWatch::Alarm": Alarm,
    "AWS::Logs::MetricFilter": MetricFilter,
    "AWS::CDK::Metadata": Inert,
}


def register() -> None:
    """Add the types to moto's table of them, which it makes once and keeps."""
    models = parsing.get_model_map()
    names = parsing.get_name_type_map()
    for name, model in TYPES.items():
        if name not in models:
            models[name] = model
            names[name] = ""
