"""The resource types of the local cloud, with their properties and attributes; a module per group."""

from collections.abc import Mapping

from globalchat.localcloud.resources import appsync, buses_and_queues, dynamodb, inert, policies
from globalchat.localcloud.resources.property_schema import ResourceType

TYPES: Mapping[str, ResourceType] = {
    kind.name: kind
    for kind in (
        appsync.GRAPHQL_API,
        appsync.GRAPHQL_SCHEMA,
        appsync.API_KEY,
        appsync.DATA_SOURCE,
        appsync.RESOLVER,
        buses_and_queues.EVENT_BUS,
        buses_and_queues.EVENT_BUS_POLICY,
        buses_and_queues.RULE,
        buses_and_queues.QUEUE,
        buses_and_queues.QUEUE_POLICY,
        dynamodb.TABLE,
        policies.ROLE,
        policies.POLICY,
        inert.LOG_GROUP,
        inert.METRIC_FILTER,
        inert.ALARM,
        inert.DASHBOARD,
        inert.TOPIC,
        inert.TOPIC_POLICY,
        inert.SUBSCRIPTION,
        inert.WEB_ACL,
        inert.WEB_ACL_ASSOCIATION,
        inert.METADATA,
    )
}
