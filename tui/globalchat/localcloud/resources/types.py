"""All resource types that the local cloud knows, by name."""

from collections.abc import Mapping

from globalchat.localcloud.resources import appsync, inert, messaging, policies
from globalchat.localcloud.resources.property_schema import ResourceType

TYPES: Mapping[str, ResourceType] = {
    kind.name: kind
    for kind in (
        appsync.GRAPHQL_API,
        appsync.GRAPHQL_SCHEMA,
        appsync.API_KEY,
        appsync.DATA_SOURCE,
        appsync.RESOLVER,
        messaging.EVENT_BUS,
        messaging.EVENT_BUS_POLICY,
        messaging.RULE,
        messaging.QUEUE,
        messaging.QUEUE_POLICY,
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
