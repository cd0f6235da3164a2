"""An optional web firewall for the API, which limits the requests of one address in five minutes."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_appsync, aws_wafv2
from constructs import Construct

KEY_CARRIERS: tuple[Mapping[str, Any], ...] = (
    {"singleHeader": {"Name": "x-api-key"}},
    # The handshake of a WebSocket has the key in here, as a browser can set no other header.
    {"singleHeader": {"Name": "sec-websocket-protocol"}},
    {"queryString": {}},
)
"""The parts of a request that may carry the API key (AppSync developer guide, WebSocket client).

Only such calls are counted: EventBridge signs with IAM, from few addresses, and must never be limited.
"""


class Firewall(Construct):
    """A WAFv2 ACL with one rate-based rule for an API; requests above the rate get HTTP 403."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        name: str,
        api: aws_appsync.GraphqlApi,
        rate: int,
    ) -> None:
        super().__init__(scope, id)
        rule = aws_wafv2.CfnWebACL.RuleProperty(
            name="rate",
            priority=0,
            action=aws_wafv2.CfnWebACL.RuleActionProperty(block={}),
            statement=aws_wafv2.CfnWebACL.StatementProperty(
                rate_based_statement=aws_wafv2.CfnWebACL.RateBasedStatementProperty(
                    aggregate_key_type="IP",
                    limit=rate,
                    scope_down_statement=aws_wafv2.CfnWebACL.StatementProperty(
                        or_statement=aws_wafv2.CfnWebACL.OrStatementProperty(
                            statements=[_present(carrier) for carrier in KEY_CARRIERS]
                        )
                    ),
                )
            ),
            visibility_config=_visible(f"{name}-rate"),
        )
        acl = aws_wafv2.CfnWebACL(
            self,
            "Acl",
            name=name,
            # AppSync is a regional service; the other scope is CloudFront's.
            scope="REGIONAL",
            default_action=aws_wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            rules=[rule],
            visibility_config=_visible(name),
        )
        aws_wafv2.CfnWebACLAssociation(self, "Association", resource_arn=api.arn, web_acl_arn=acl.attr_arn)


def _present(carrier: Mapping[str, Any]) -> aws_wafv2.CfnWebACL.StatementProperty:
    """Return a statement that matches if a part of the request is not empty."""
    field = aws_wafv2.CfnWebACL.FieldToMatchProperty(
        single_header=carrier.get("singleHeader"), query_string=carrier.get("queryString")
    )
    plain = aws_wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")
    return aws_wafv2.CfnWebACL.StatementProperty(
        size_constraint_statement=aws_wafv2.CfnWebACL.SizeConstraintStatementProperty(
            field_to_match=field, comparison_operator="GT", size=0, text_transformations=[plain]
        )
    )


def _visible(metric: str) -> aws_wafv2.CfnWebACL.VisibilityConfigProperty:
    """Count in CloudWatch, but keep no sampled requests, which would show API keys in the console."""
    return aws_wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=False
    )
