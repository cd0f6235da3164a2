"""AWS::AppSync resource types."""

import re

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Invalid
from globalchat.localcloud.resources.property_schema import (
    Properties,
    PropertySchema,
    ResourceIdentity,
    ResourceType,
    ResourceValues,
    list_of,
    name,
    only,
    text,
    text_of,
    whole,
)

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,63}")
_CODE_LIMIT = 32_768
_MAPPING_TEMPLATES = tuple(
    f"{side}MappingTemplate{where}" for side in ("Request", "Response") for where in ("", "S3Location")
)
_MODES = ("API_KEY", "AWS_IAM")


def variables(value: JSON, path: str) -> None:
    """Check environment variables, within AppSync's limits (developer guide, environment variables)."""
    if not isinstance(value, dict):
        raise Invalid(f"property {path} is not an object")
    if len(value) > 50:
        raise Invalid(f"property {path} has {len(value)} variables; AWS takes at most 50")
    for variable, content in value.items():
        if not _VARIABLE.fullmatch(variable):
            raise Invalid(f"property {path}.{variable} is not a valid name of an environment variable")
        if not isinstance(content, str) or len(content) > 512:
            raise Invalid(f"property {path}.{variable} is not a string of at most 512 characters")


def identifier(value: JSON, path: str) -> None:
    """Check a GraphQL-like name."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Invalid(f"property {path} is not a name of letters, digits and underscores")


def code(value: JSON, path: str) -> None:
    """Check resolver code: at most 32 KB."""
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"property {path} is empty or not a string")
    if len(value.encode()) > _CODE_LIMIT:
        raise Invalid(f"property {path} has {len(value.encode())} bytes; AWS takes at most {_CODE_LIMIT}")


def file_name(properties: Properties) -> str:
    """Return the name of a resolver's code in errors: its field's name and `.js`."""
    return f"{properties.get('FieldName', 'resolver')}.js"


def _api(identity: ResourceIdentity, _: Properties) -> ResourceValues:
    api_id = identity.token(26)
    arn = identity.arn("appsync", f"apis/{api_id}")
    host = identity.base_url.split("://", 1)[-1]
    socket = identity.base_url.replace("http", "ws", 1)
    return ResourceValues(
        arn,
        {
            "ApiId": api_id,
            "Arn": arn,
            "GraphQLUrl": f"{identity.base_url}/graphql",
            "RealtimeUrl": f"{socket}/graphql",
            # As on AWS, not the API's own id: a template that builds this ARN from it fails here, too.
            "GraphQLEndpointArn": identity.arn(
                "appsync", f"endpoints/graphql-api/{identity.token(26, 'endpoint')}"
            ),
            "GraphQLDns": host,
            "RealtimeDns": host,
        },
    )


def _of_api(identity: ResourceIdentity, properties: Properties, resource: str) -> str:
    return identity.arn("appsync", f"apis/{text_of(properties, 'ApiId')}/{resource}")


def _schema(_: ResourceIdentity, properties: Properties) -> ResourceValues:
    return ResourceValues(f"{text_of(properties, 'ApiId')}GraphQLSchema", {})


def _api_key(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    # It looks like a key, but no server accepts it: the local cloud makes its keys at start.
    key = f"da2-{identity.token(26)}"
    arn = _of_api(identity, properties, f"apikeys/{key}")
    return ResourceValues(arn, {"ApiKey": key, "ApiKeyId": key, "Arn": arn})


def _data_source(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = text_of(properties, "Name")
    arn = _of_api(identity, properties, f"datasources/{own}")
    return ResourceValues(arn, {"DataSourceArn": arn, "Name": own})


def _resolver(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    type_name, field_name = text_of(properties, "TypeName"), text_of(properties, "FieldName")
    arn = _of_api(identity, properties, f"types/{type_name}/resolvers/{field_name}")
    return ResourceValues(arn, {"ResolverArn": arn, "TypeName": type_name, "FieldName": field_name})


_MEASURED = only("ENABLED", "DISABLED")
_ENHANCED_METRICS = PropertySchema(
    required={
        "DataSourceLevelMetricsBehavior": only("FULL_REQUEST_DATA_SOURCE_METRICS", "PER_DATA_SOURCE_METRICS"),
        "OperationLevelMetricsConfig": _MEASURED,
        "ResolverLevelMetricsBehavior": only("FULL_REQUEST_RESOLVER_METRICS", "PER_RESOLVER_METRICS"),
    }
)

GRAPHQL_API = ResourceType(
    name="AWS::AppSync::GraphQLApi",
    schema=PropertySchema(
        required={"Name": name(r"[\s\S]", 65_536), "AuthenticationType": only(*_MODES)},
        optional={
            "AdditionalAuthenticationProviders": list_of(
                PropertySchema(required={"AuthenticationType": only(*_MODES)})
            ),
            "EnvironmentVariables": variables,
            "Visibility": only("GLOBAL"),
            "ApiType": only("GRAPHQL"),
            "IntrospectionConfig": only("ENABLED", "DISABLED"),
            "QueryDepthLimit": whole(0, 75),
            "ResolverCountLimit": whole(0, 10_000),
            # Checked, but without effect: metrics are not kept locally.
            "EnhancedMetricsConfig": _ENHANCED_METRICS,
        },
        ignored={
            "LogConfig": "logs are not kept locally",
            "OwnerContact": "nothing reads it",
            "Tags": "nothing reads them",
            "XrayEnabled": "traces are not kept locally",
        },
    ),
    values=_api,
)

GRAPHQL_SCHEMA = ResourceType(
    name="AWS::AppSync::GraphQLSchema",
    schema=PropertySchema(
        required={"ApiId": text, "Definition": text},
        unsupported={"DefinitionS3Location": "assets are not read; put the schema into the template"},
        replaces={"DefinitionS3Location": ("Definition",)},
    ),
    values=_schema,
)

API_KEY = ResourceType(
    name="AWS::AppSync::ApiKey",
    schema=PropertySchema(
        required={"ApiId": text},
        ignored={
            "Description": "nothing reads it",
            "Expires": "the local cloud makes its own keys at start, with their own expiry",
        },
    ),
    values=_api_key,
)

_DYNAMODB_CONFIG = PropertySchema(
    required={"AwsRegion": text, "TableName": text},
    optional={"UseCallerCredentials": only(False, "false"), "Versioned": only(False, "false")},
    unsupported={"DeltaSyncConfig": "versioned data sources"},
)

DATA_SOURCE = ResourceType(
    name="AWS::AppSync::DataSource",
    schema=PropertySchema(
        required={
            "ApiId": text,
            "Name": identifier,
            "Type": only("NONE", "AMAZON_EVENTBRIDGE", "AMAZON_DYNAMODB"),
        },
        optional={
            "ServiceRoleArn": text,
            "DynamoDBConfig": _DYNAMODB_CONFIG,
            "EventBridgeConfig": PropertySchema(required={"EventBusArn": text}),
            "MetricsConfig": _MEASURED,
        },
        ignored={"Description": "nothing reads it"},
    ),
    values=_data_source,
)

RESOLVER = ResourceType(
    name="AWS::AppSync::Resolver",
    schema=PropertySchema(
        required={
            "ApiId": text,
            "TypeName": text,
            "FieldName": text,
            "DataSourceName": text,
            "Runtime": PropertySchema(required={"Name": only("APPSYNC_JS"), "RuntimeVersion": only("1.0.0")}),
            "Code": code,
        },
        optional={"Kind": only("UNIT"), "MaxBatchSize": only(0, "0"), "MetricsConfig": _MEASURED},
        unsupported={
            **dict.fromkeys(_MAPPING_TEMPLATES, "VTL mapping templates; only APPSYNC_JS is run"),
            "CodeS3Location": "assets are not read; put the code into the template",
            "PipelineConfig": "pipeline resolvers",
        },
        replaces={
            **dict.fromkeys(_MAPPING_TEMPLATES, ("Runtime", "Code")),
            "CodeS3Location": ("Code",),
            "PipelineConfig": ("DataSourceName",),
            "Kind": ("DataSourceName",),
        },
    ),
    values=_resolver,
)
