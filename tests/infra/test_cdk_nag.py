"""cdk-nag's AwsSolutions rules and the CDK's own: nothing is found but what is acknowledged with a reason."""

import json
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from globalchat_infra.config import Config

pytestmark = pytest.mark.infra


Reports = dict[str, dict[str, Any]]


def reports(config: Config | None, folder: Path) -> Reports:
    """Return what each plug-in finds in a deployment; synthesis fails if a finding is not acknowledged.

    Without a configuration: in a stack with two findings, in place of ours.
    """
    from globalchat_infra.toolchain import prepare

    prepare()
    from aws_cdk import CfnResource, Stack, Validations, aws_sqs
    from cdk_nag import AwsSolutionsChecks

    from globalchat_infra.cdk_app import add_stacks, new_app

    app = new_app(folder, validated=True)
    if config is not None:
        add_stacks(app, config, today=date(2026, 1, 1))
    else:
        stack = Stack(app, "planted")
        aws_sqs.Queue(stack, "Queue")
        CfnResource(stack, "Rule", type="AWS::Events::Rule", properties={"Stat": "ENABLED"})
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed") if config is None else nullcontext():
        app.synth()
    content = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    return {each["pluginName"]: each for each in content["pluginReports"]}


def test_nothing_is_found_but_what_has_a_reason(everything: Config, tmp_path: Path) -> None:
    found = reports(everything, tmp_path)
    # The CDK's own plug-in has no report if it finds nothing.
    assert {name: report["violations"] for name, report in found.items()} == {"AwsSolutions": []}
    acknowledged = {
        each["ruleName"]: each["reason"] for each in found["AwsSolutions"]["suppressedViolations"]
    }
    assert set(acknowledged) == {"AwsSolutions-ASC3", "AwsSolutions-DDB3", "AwsSolutions-SQS3"}
    assert all(reason.endswith(".") for reason in acknowledged.values())


def test_a_queue_without_encryption_in_transit_and_a_wrong_property_would_be_found(tmp_path: Path) -> None:
    found = reports(None, tmp_path)
    assert found["AwsSolutions"]["conclusion"] == "failure"
    assert {name: {each["ruleName"] for each in report["violations"]} for name, report in found.items()} == {
        "AwsSolutions": {"AwsSolutions-SQS3", "AwsSolutions-SQS4"},
        "CloudFormation Validate": {"F3002", "F3058"},
    }
