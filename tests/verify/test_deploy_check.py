import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from globalchat.core.errors import UserError
from globalchat.core.resources import TEMPLATES
from globalchat.verify.deploy_check import compared_with_aws
from globalchat.verify.questions import AwsQuestion, Document
from globalchat_infra.deployer.aws import Aws
from tests.infra.helpers.aws_front import AwsFront, aws_front
from tests.verify.helpers.agreeing_aws import agree


@pytest.fixture
def front(aws_settings: pytest.MonkeyPatch) -> Iterator[AwsFront]:
    with aws_front() as front:
        aws_settings.setenv("AWS_ENDPOINT_URL", front.url)
        agree(front)
        yield front


def everything_matches(_: AwsQuestion, answer: Document) -> Document:
    return {"Result": True} if "Result" in answer else answer


def test_agreement_is_one_line(front: AwsFront) -> None:
    (line,) = compared_with_aws(Aws(), strict=True)(TEMPLATES)
    assert line.startswith("templates: AWS and the local cloud agree in all ")


def test_differences_are_warnings_of_which_few_are_shown(front: AwsFront) -> None:
    agree(front, everything_matches)
    *warnings, summary = compared_with_aws(Aws(), strict=False)(TEMPLATES)
    assert len(warnings) == 5
    assert all(
        each.startswith("warning: AWS and the local cloud differ about globalchat-") for each in warnings
    )
    assert "differ in" in summary


def test_a_strict_deployment_is_refused_after_it_was_said_what_differs(front: AwsFront) -> None:
    agree(front, everything_matches)
    lines = compared_with_aws(Aws(), strict=True)(TEMPLATES)
    assert next(iter(lines)).startswith("warning: ")
    with pytest.raises(UserError, match="nothing was changed") as refused:
        list(lines)
    assert "globalchat verify" in (refused.value.remedy or "")


@pytest.mark.parametrize("strict", [False, True])
def test_credentials_that_may_not_ask_are_no_reason_to_refuse(front: AwsFront, strict: bool) -> None:
    front.refuse("AccessDenied", "no", status=403)
    (line,) = compared_with_aws(Aws(), strict=strict)(TEMPLATES)
    assert line == "AWS was not asked about the templates; `globalchat verify` says why"
    # One call for the environment, and one for each action in each region.
    assert len(front.calls) == 7


def test_an_aws_that_is_out_of_reach_does_not_hold_it_up(aws_settings: pytest.MonkeyPatch) -> None:
    aws_settings.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (line,) = compared_with_aws(Aws(), strict=True)(TEMPLATES)
    assert "was not asked" in line


def test_templates_that_the_local_cloud_does_not_know_are_deployed_all_the_same(
    front: AwsFront, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(TEMPLATES, tmp_path / "assembly"))
    file = folder / "globalchat-oregon-relay.template.json"
    template = json.loads(file.read_text(encoding="utf-8"))
    template["Resources"]["Table"] = {"Type": "AWS::Kinesis::Stream", "Properties": {}}
    file.write_text(json.dumps(template), encoding="utf-8")
    (line,) = compared_with_aws(Aws(), strict=True)(folder)
    assert line.startswith("warning: AWS was not asked about the templates: ")
    assert "AWS::Kinesis::Stream" in line
    assert not front.calls


def test_of_many_regions_two_are_asked_everything(front: AwsFront, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TEMPLATES, tmp_path / "assembly"))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    third = json.loads(json.dumps(manifest["artifacts"]["globalchat-sydney-api"]))
    third["environment"] = "aws://unknown-account/eu-west-1"
    third["properties"]["templateFile"] = "globalchat-ireland-api.template.json"
    manifest["artifacts"]["globalchat-ireland-api"] = third
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    text = (folder / "globalchat-sydney-api.template.json").read_text(encoding="utf-8")
    (folder / "globalchat-ireland-api.template.json").write_text(
        text.replace("ap-southeast-2", "eu-west-1").replace("sydney", "ireland"), encoding="utf-8"
    )
    list(compared_with_aws(Aws(), strict=True)(folder))
    assert {call.action for call in front.calls if call.region == "eu-west-1"} == {"ValidateTemplate"}
