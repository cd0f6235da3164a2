"""`globalchat cost`, from its options to what it prints."""

import json

import pytest
from click.testing import CliRunner, Result

from globalchat.cli.main import root
from globalchat.client import profiles
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.files import user_folders


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, ["cost", *arguments], prog_name="globalchat")


def test_the_table_shows_regions_services_total_and_assumptions() -> None:
    result = run("--clients", "100", "--messages-per-second", "1", "--history-days", "0")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert "oregon (us-west-2)" in lines
    assert "sydney (ap-southeast-2)" in lines
    (updates, _) = (line.split() for line in lines if "real-time updates" in line)
    assert updates[-3:] == ["129,600,000", "2.00/1,000,000", "259.20"]
    assert max(map(len, lines[: lines.index("")])) <= 80
    # 288.23608 and 290.848816, as the test of the arithmetic has them line by line.
    assert [line.split()[-1] for line in lines if "subtotal" in line] == ["288.24", "290.85"]
    assert "A month of 30 days: USD 579.08" in lines
    assert any("every client stays connected" in line for line in lines)
    assert any("UNVERIFIED" in line for line in lines)


def test_unverified_prices_are_marked_and_others_are_not() -> None:
    lines = run("--clients", "1", "--messages-per-second", "1", "--regions", "oregon").output.splitlines()
    (minutes,) = (line for line in lines if "connection minutes" in line)
    (transfer,) = (line for line in lines if "GB to clients" in line)
    assert "?" not in minutes
    assert "0.09 " in transfer
    assert "?" not in transfer
    (relayed,) = (line for line in lines if "deliveries to another region" in line)
    assert "?" not in relayed
    sydney = run("--clients", "1", "--messages-per-second", "1", "--regions", "sydney").output.splitlines()
    (relayed,) = (line for line in sydney if "deliveries to another region" in line)
    assert "1.00/1,000,000 ?" in relayed


def test_json_is_one_object_that_adds_up() -> None:
    result = run(
        *("--clients", "100", "--messages-per-second", "1", "--size", "100"), "--history-days", "0", "--json"
    )
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["clients"], document["messagesPerSecond"], document["size"]) == (100, 1.0, 100)
    assert list(document["regions"]) == ["oregon", "sydney"]
    assert document["regions"]["oregon"]["usd"] == pytest.approx(288.23608)
    lines = [line for region in document["regions"].values() for line in region["lines"]]
    assert sum(line["usd"] for line in lines) == pytest.approx(document["usd"])
    assert {line["status"] for line in lines} == {"official", "third party", "UNVERIFIED"}
    assert all(line["source"] and line["date"] for line in lines)
    assert document["assumptions"]


def test_the_quota_that_breaks_first_is_named_for_each_region() -> None:
    usual = ("--clients", "100", "--messages-per-second", "10")
    lines = run(*usual, "--history-days", "0").output.splitlines()
    start = lines.index("The quota that breaks first, with these clients")
    assert lines[start + 1 : start + 5] == [
        "  oregon: AppSync request tokens, 10,000 a second",
        "    at 6,667 messages a second in all; used now: 0.15 %",
        "  sydney: EventBridge invocations, 2,250 a second",
        "    at 1,500 messages a second in all; used now: 0.67 %",
    ]
    assert "  oregon: DynamoDB reads of a channel, 3,000 a second" in run(*usual).output.splitlines()
    alone = run("--clients", "100000", "--messages-per-second", "0").output.splitlines()
    assert "    by these clients alone; used now: 109 %" in alone


def test_history_costs_more_with_more_days() -> None:
    usual = ("--clients", "100", "--messages-per-second", "1", "--json", "--history-days")
    found = {
        days: json.loads(run(*usual, str(days)).stdout)["regions"]["oregon"]["usd"] for days in (0, 7, 14)
    }
    # An alarm, the writes, 0.36288 GB for a week, and what 50 clients read: operations, their log, reads.
    assert found[7] - found[0] == pytest.approx(0.1 + 1.62 + 0.09072 + 9.216 + 1.728 + 3.322266)
    assert found[14] - found[7] == pytest.approx(0.09072)


def test_json_has_every_quota_of_a_region_the_first_one_first() -> None:
    document = json.loads(run("--clients", "90000", "--messages-per-second", "1", "--json").stdout)
    sydney = document["regions"]["sydney"]
    assert sydney["quotas"][:2] == [
        {
            "service": "DynamoDB",
            "quota": "reads of a channel",
            "limitPerSecond": 3_000,
            "usedPerSecond": pytest.approx(9_228.515625),
            "breaksAtMessagesPerSecond": pytest.approx(0.325079),
        },
        {
            "service": "AppSync",
            "quota": "outbound messages",
            "limitPerSecond": 1_000_000,
            "usedPerSecond": 45_000.0,
            "breaksAtMessagesPerSecond": pytest.approx(22.222222),
        },
    ]
    assert len(sydney["quotas"]) == 7
    assert sydney["reconnectSeconds"] == 22.5
    assert any("Quotas are AWS's defaults" in sentence for sentence in document["assumptions"])


@pytest.mark.parametrize(
    ("given", "regions"),
    [
        ("sydney", {"sydney": "ap-southeast-2"}),
        ("us-west-2,eu-west-1", {"oregon": "us-west-2", "eu-west-1": "eu-west-1"}),
        ("tokyo=ap-northeast-1", {"tokyo": "ap-northeast-1"}),
    ],
)
def test_regions_are_aliases_or_aws_names(given: str, regions: dict[str, str]) -> None:
    document = json.loads(
        run("--clients", "1", "--messages-per-second", "1", "--regions", given, "--json").stdout
    )
    assert {alias: region["region"] for alias, region in document["regions"].items()} == regions


def test_a_profile_brings_its_regions() -> None:
    endpoint = RegionEndpoint(
        "dublin", "eu-west-1", "https://a/graphql", "wss://a/graphql", "id", "bus", "key"
    )
    profiles.save(Profile("other", {"dublin": endpoint}), user_folders().config)
    result = run("--clients", "1", "--messages-per-second", "1", "--profile", "other")
    assert result.exit_code == 0
    assert "dublin (eu-west-1)" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--messages-per-second", "1"], "Missing option '--clients'"),
        (["--clients", "-1", "--messages-per-second", "1"], "-1 is not in the range"),
        (["--clients", "1", "--messages-per-second", "nan"], "'nan' is not a number"),
        (["--clients", "1", "--messages-per-second", "1", "--size", "0"], "0 is not in the range"),
        (["--clients", "1", "--messages-per-second", "1", "--regions", "oregn"], 'Did you mean "oregon"?'),
        (["--clients", "1", "--messages-per-second", "1", "--regions", "oregon,us-west-2"], "listed twice"),
        (
            ["--clients", "1", "--messages-per-second", "1", "--regions", "a=us-west-2,a=eu-west-1"],
            'The alias "a" is given to two regions',
        ),
        (["--clients", "1", "--messages-per-second", "1", "--regions", ""], "neither an alias"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: list[str], sentence: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output
