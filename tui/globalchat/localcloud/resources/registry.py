"""All resource types that the local cloud knows, by name."""

from collections.abc import Mapping

from globalchat.localcloud.resources import appsync, cdk, cloudwatch, events, iam, logs, sns, sqs, wafv2
from globalchat.localcloud.resources.resource_type import ResourceType

TYPES: Mapping[str, ResourceType] = {
    kind.name: kind
    for kind in (
        appsync.GRAPHQL_API,
        appsync.GRAPHQL_SCHEMA,
        appsync.API_KEY,
        appsync.DATA_SOURCE,
        appsync.RESOLVER,
        events.EVENT_BUS,
        events.EVENT_BUS_POLICY,
        events.RULE,
        sqs.QUEUE,
        sqs.QUEUE_POLICY,
        iam.ROLE,
        iam.POLICY,
        logs.LOG_GROUP,
        logs.METRIC_FILTER,
        cloudwatch.ALARM,
        cloudwatch.DASHBOARD,
        sns.TOPIC,
        sns.TOPIC_POLICY,
        sns.SUBSCRIPTION,
        wafv2.WEB_ACL,
        wafv2.WEB_ACL_ASSOCIATION,
        cdk.METADATA,
    )
}
