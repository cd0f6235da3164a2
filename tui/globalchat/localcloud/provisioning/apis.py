"""Builds AppSync APIs from their resources, and makes AppSync's checks at deployment."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from graphql import ObjectTypeDefinitionNode

from globalchat.localcloud.definition import Api, AuthMode, DataSource, Resolver, Role
from globalchat.localcloud.problems import Defect, Invalid, Problems
from globalchat.localcloud.provisioning.stack import Resource
from globalchat.localcloud.resources import appsync, dynamodb, policies
from globalchat.localcloud.resources.property_schema import as_integer, object_of, objects_of, text_of
from globalchat.localcloud.sdl import parse_sdl

_BUS_ARN = re.compile(r"arn:aws:events:[a-z0-9-]+:\d{12}:event-bus/.+")

Fields = Mapping[str, frozenset[str]]
"""The field names of each object type of a schema."""


@dataclass(frozen=True, slots=True)
class ApiReferences:
    """The resources to which APIs refer.

    Attributes:
        roles: The roles by their ARNs.
        tables: The ARNs of the tables of all regions.
        failed: Types of resources with a problem: a missing resource may be one of them.
    """

    roles: Mapping[str, Role]
    tables: Set[str]
    failed: Set[str]


def apis(resources: Sequence[Resource], known: ApiReferences, problems: Problems) -> tuple[Api, ...]:
    """Build the APIs of one region (at most one, since a region has one port).

    Problems are a missing or invalid schema, and an unknown data source, field, API, role or table.
    """
    own = [resource for resource in resources if resource.type is appsync.GRAPHQL_API]
    for second in own[1:]:
        problems.add(
            second.error(Defect("is the second API of its region, which is not emulated", is_gap=True))
        )
    ids = {api.values.attributes["ApiId"] for api in own}
    for resource in resources:
        if appsync.GRAPHQL_API.name in known.failed:
            break
        if "ApiId" in resource.properties and resource.properties["ApiId"] not in ids:
            api_id = resource.properties["ApiId"]
            problem = f"property ApiId names {api_id}, which no template of its region defines"
            problems.add(resource.error(problem))
    # The second API is refused above; its parts are not reported separately.
    return tuple(_api(api, resources, known, problems) for api in own[:1])


def _api(api: Resource, resources: Sequence[Resource], known: ApiReferences, problems: Problems) -> Api:
    attributes = api.values.attributes
    parts = [r for r in resources if r.properties.get("ApiId") == attributes["ApiId"]]
    schemas = [part for part in parts if part.type is appsync.GRAPHQL_SCHEMA]
    if len(schemas) != 1 and appsync.GRAPHQL_SCHEMA.name not in known.failed:
        problems.add(api.error(f"has {len(schemas)} schemas; an API has exactly one"))
    fields: Fields | None = None
    with problems.collected():
        fields = _fields(schemas[0]) if len(schemas) == 1 else None
    variables = object_of(api.properties, "EnvironmentVariables")
    return Api(
        id=attributes["ApiId"],
        arn=attributes["Arn"],
        endpoint_arn=attributes["GraphQLEndpointArn"],
        name=text_of(api.properties, "Name"),
        region=api.identity.region,
        account=api.identity.account,
        schema=text_of(schemas[0].properties, "Definition") if schemas else "",
        modes=_modes(api, problems),
        environment={name: str(value) for name, value in variables.items()},
        data_sources=_data_sources(parts, known, problems),
        resolvers=_resolvers(parts, fields, known.failed, problems),
        has_api_key=any(part.type is appsync.API_KEY for part in parts),
        query_depth_limit=as_integer(api.properties.get("QueryDepthLimit")) or 0,
        resolver_count_limit=as_integer(api.properties.get("ResolverCountLimit")) or 0,
        has_introspection=api.properties.get("IntrospectionConfig") != "DISABLED",
    )


def _modes(api: Resource, problems: Problems) -> tuple[AuthMode, ...]:
    names = [text_of(api.properties, "AuthenticationType")]
    for provider in objects_of(api.properties, "AdditionalAuthenticationProviders"):
        name = text_of(provider, "AuthenticationType")
        if name in names:
            problem = f"property AdditionalAuthenticationProviders repeats the mode {name}"
            problems.add(api.error(problem))
            continue
        names.append(name)
    modes: dict[str, AuthMode] = {"API_KEY": "API_KEY", "AWS_IAM": "AWS_IAM"}
    return tuple(modes[name] for name in names)


def _data_sources(
    parts: Sequence[Resource], known: ApiReferences, problems: Problems
) -> dict[str, DataSource]:
    sources: dict[str, DataSource] = {}
    for part in parts:
        if part.type is not appsync.DATA_SOURCE:
            continue
        with problems.collected():
            source = _data_source(part, known)
            if source.name in sources:
                raise part.error(f"property Name: the API has another data source {source.name}")
            sources[source.name] = source
    return sources


def _data_source(resource: Resource, known: ApiReferences) -> DataSource:
    name, kind = text_of(resource.properties, "Name"), resource.properties["Type"]
    if kind == "NONE":
        return DataSource(name, "NONE")
    config = "EventBridgeConfig" if kind == "AMAZON_EVENTBRIDGE" else "DynamoDBConfig"
    for needed in ("ServiceRoleArn", config):
        if needed not in resource.properties:
            raise resource.error(f"property {needed} is missing")
    role_arn = text_of(resource.properties, "ServiceRoleArn")
    if role_arn not in known.roles and policies.ROLE.name not in known.failed:
        raise resource.error(f"property ServiceRoleArn names {role_arn}, which no template defines")
    if kind == "AMAZON_DYNAMODB":
        table_arn = _table_arn(resource, known)
        return DataSource(name, "AMAZON_DYNAMODB", table_arn=table_arn, role_arn=role_arn)
    bus_arn = text_of(object_of(resource.properties, "EventBridgeConfig"), "EventBusArn")
    if not _BUS_ARN.fullmatch(bus_arn):
        raise resource.error(f"property EventBridgeConfig.EventBusArn is not the ARN of a bus: {bus_arn}")
    return DataSource(name, "AMAZON_EVENTBRIDGE", bus_arn=bus_arn, role_arn=role_arn)


def _table_arn(resource: Resource, known: ApiReferences) -> str:
    config = object_of(resource.properties, "DynamoDBConfig")
    name, region = text_of(config, "TableName"), text_of(config, "AwsRegion")
    arn = resource.identity.arn("dynamodb", f"table/{name}", region=region)
    if arn not in known.tables and dynamodb.TABLE.name not in known.failed:
        raise resource.error(
            f"property DynamoDBConfig.TableName names {name}, a table that no template of {region} defines"
        )
    return arn


def _resolvers(
    parts: Sequence[Resource], fields: Fields | None, failed: Set[str], problems: Problems
) -> tuple[Resolver, ...]:
    """Build the resolvers of an API; `fields` is None if its schema has a problem of its own."""
    sources = {part.properties["Name"] for part in parts if part.type is appsync.DATA_SOURCE}
    resolvers: dict[tuple[str, str], Resolver] = {}
    for part in parts:
        if part.type is not appsync.RESOLVER:
            continue
        type_name, field_name = text_of(part.properties, "TypeName"), text_of(part.properties, "FieldName")
        source = text_of(part.properties, "DataSourceName")
        field = f"{type_name}.{field_name}"
        if source not in sources and appsync.DATA_SOURCE.name not in failed:
            problems.add(part.error(f"property DataSourceName names {source}, which the API does not have"))
        if fields is not None and field_name not in fields.get(type_name, ()):
            problems.add(part.error(f"property FieldName names {field}, which the schema does not have"))
        if (type_name, field_name) in resolvers:
            problems.add(part.error(f"property FieldName: {field} has another resolver"))
        resolvers[type_name, field_name] = Resolver(
            type_name,
            field_name,
            source,
            text_of(part.properties, "Code"),
            appsync.file_name(part.properties),
        )
    return tuple(resolvers.values())


def _fields(schema: Resource) -> Fields:
    try:
        document = parse_sdl(text_of(schema.properties, "Definition"))
    except Invalid as error:
        raise schema.error(*error.within("property Definition, ")) from None
    return {
        node.name.value: frozenset(field.name.value for field in node.fields or ())
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode)
    }
