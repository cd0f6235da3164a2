"""cdk-nag's AwsSolutions rules: nothing is found but what is acknowledged with a reason."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.config import Config

pytestmark = pytest.mark.infra


def report(config: Config, folder: Path, *, plant: bool = False) -> dict[str, Any]:
    """The plug-in's findings over a deployment; synthesis fails if one is not acknowledged."""
    from infra.toolchain import prepare

    prepare()
    from aws_cdk import App, Stack, Validations, aws_sqs
    from cdk_nag import AwsSolutionsChecks

    from infra.app import add_stacks

    app = App(analytics_reporting=False, outdir=str(folder))
    add_stacks(app, config, today=date(2026, 1, 1))
    if plant:
        aws_sqs.Queue(Stack(app, "planted"), "Queue")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    if plant:
        with pytest.raises(RuntimeError, match="ValidationFailed"):
            app.synth()
    else:
        app.synth()
    content = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    (nag,) = (each for each in content["pluginReports"] if each["pluginName"] == "AwsSolutions")
    return dict(nag)


def test_nothing_is_found_but_what_has_a_reason(everything: Config, tmp_path: Path) -> None:
    nag = report(everything, tmp_path)
    assert nag["conclusion"] == "success"
    assert nag["violations"] == []
    acknowledged = {each["ruleName"]: each["reason"] for each in nag["suppressedViolations"]}
    assert set(acknowledged) == {"AwsSolutions-ASC3", "AwsSolutions-SQS3"}
    assert all(reason.endswith(".") for reason in acknowledged.values())


def test_a_queue_without_encryption_in_transit_would_be_found(config: Config, tmp_path: Path) -> None:
    nag = report(config, tmp_path, plant=True)
    assert nag["conclusion"] == "failure"
    assert {each["ruleName"] for each in nag["violations"]} == {"AwsSolutions-SQS3", "AwsSolutions-SQS4"}
