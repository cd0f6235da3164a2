import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.core.errors import UsageError
from globalchat.core.resources import resource
from globalchat_infra.config import OPTIONAL, REQUIRED, Config, PublishLimits, load, parse

GOOD: dict[str, Any] = {
    "prefix": "globalchat",
    "regions": {"oregon": "us-west-2", "sydney": "ap-southeast-2"},
    "channels": ["cars", "robots", "tech", "music", "media"],
    "limits": {"message": 2000, "sender": 32, "id": 64},
}
LIMITS = GOOD["limits"]
WITHOUT_PREFIX = {key: GOOD[key] for key in GOOD if key != "prefix"}


def test_the_project_s_own_configuration_is_the_default_deployment() -> None:
    assert load() == Config(
        prefix="globalchat",
        regions={"oregon": "us-west-2", "sydney": "ap-southeast-2"},
        channels=("cars", "robots", "tech", "music", "media"),
        limits=PublishLimits(message=2000, sender=32, id=64),
        history_days=7,
    )


def test_options_may_be_absent_or_off() -> None:
    off = {"historyDays": None, "alarmEmail": None, "dashboard": None, "wafRate": None}
    for context in (GOOD, GOOD | off, GOOD | off | {"dashboard": False, "historyDays": 0}):
        parsed = parse(context)
        assert parsed.history_days == 0
        assert (parsed.alarm_email, parsed.dashboard, parsed.waf_rate) == (None, False, None)


def test_who_may_send_and_who_is_a_person_have_defaults() -> None:
    for context in (GOOD, GOOD | {"senders": None, "verifiedRoles": None}):
        parsed = parse(context)
        assert (parsed.senders, parsed.verified_roles, parsed.has_key) == (
            "anyone",
            ("AWSReservedSSO_*",),
            True,
        )
    parsed = parse(GOOD | {"senders": "verified", "verifiedRoles": []})
    assert (parsed.senders, parsed.verified_roles, parsed.has_key) == ("verified", (), False)
    assert parse(GOOD | {"senders": "verified", "withKeyMode": True}).has_key


def test_options_may_be_on() -> None:
    parsed = parse(GOOD | {"alarmEmail": "ops+chat@example.co.uk", "dashboard": True, "wafRate": 10})
    assert (parsed.alarm_email, parsed.dashboard, parsed.waf_rate) == ("ops+chat@example.co.uk", True, 10)


def test_the_file_names_every_key() -> None:
    context = json.loads(resource("cdk.json").read_text(encoding="utf-8"))["context"]["globalchat"]
    assert list(context) == [*REQUIRED, *OPTIONAL]


def test_limits_reach_the_resolvers_as_json() -> None:
    assert json.loads(PublishLimits(message=5, sender=4, id=30).to_json()) == {
        "message": 5,
        "sender": 4,
        "id": 30,
    }


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        (None, 'needs an object "globalchat"'),
        ("globalchat", 'needs an object "globalchat"'),
        (GOOD | {"chanels": []}, 'unknown key "chanels". Did you mean "channels"?'),
        (GOOD | {"zzz": 1}, "There are: prefix, regions, channels, limits"),
        (WITHOUT_PREFIX, 'lacks the key "prefix"'),
        (GOOD | {"prefix": ""}, 'prefix "" is not valid'),
        (GOOD | {"prefix": "Chat"}, 'prefix "Chat" is not valid'),
        (GOOD | {"prefix": "chat-"}, 'prefix "chat-" is not valid'),
        (GOOD | {"prefix": "a" * 21}, "use 1 to 20"),
        (GOOD | {"prefix": 7}, "prefix 7 is not valid"),
        (GOOD | {"prefix": "chat\n"}, r'prefix "chat\n" is not valid'),
        (GOOD | {"regions": {}}, "must map aliases to AWS regions"),
        (GOOD | {"regions": ["oregon"]}, "must map aliases to AWS regions"),
        (
            GOOD | {"regions": {"oregon": "atlantis"}},
            'region of "oregon" is "atlantis", which is not an AWS region',
        ),
        (GOOD | {"regions": {"oregon": "us-wset-2"}}, 'Did you mean "us-west-2"?'),
        (
            GOOD | {"regions": {"oregon": "oregon"}},
            'region of "oregon" is "oregon", which is not an AWS region',
        ),
        (GOOD | {"regions": {"oregon": None}}, 'region of "oregon" is null, which is not an AWS region'),
        (GOOD | {"regions": {"a": "us-west-2", "b": "us-west-2"}}, '"us-west-2" is listed twice'),
        (GOOD | {"regions": {"Oregon": "us-west-2"}}, 'alias "Oregon" is not valid'),
        (GOOD | {"regions": {"": "us-west-2"}}, 'alias "" is not valid'),
        (GOOD | {"regions": {"auto": "us-west-2"}}, 'alias "auto" already means something else'),
        (GOOD | {"regions": {"us-east-1": "us-west-2"}}, 'alias "us-east-1" already means something else'),
        (GOOD | {"channels": []}, "must list at least one channel"),
        (GOOD | {"channels": "tech"}, "must list at least one channel"),
        (GOOD | {"channels": ["tech", ""]}, 'channel "" is not valid'),
        (GOOD | {"channels": ["tech", "tech"]}, 'channel "tech" is listed twice'),
        (GOOD | {"channels": ["a" * 51]}, "use 1 to 50"),
        (GOOD | {"channels": ["Tech"]}, 'channel "Tech" is not valid'),
        (GOOD | {"channels": ["-tech"]}, 'channel "-tech" is not valid'),
        (GOOD | {"channels": ["a,b"]}, 'channel "a,b" is not valid'),
        (GOOD | {"channels": ["tech\n"]}, r'channel "tech\n" is not valid'),
        (GOOD | {"channels": [5]}, "channel 5 is not valid"),
        (GOOD | {"channels": [f"{n:050}" for n in range(11)]}, "have 560 characters, AppSync takes 512"),
        (GOOD | {"limits": 5}, '"limits" must be an object'),
        (GOOD | {"limits": LIMITS | {"text": 5}}, '"limits" has an unknown key "text"'),
        (GOOD | {"limits": {"message": 5, "sender": 5}}, '"limits" lacks the key "id"'),
        (GOOD | {"limits": LIMITS | {"message": 0}}, 'limit "message" is 0: use a whole number from 1'),
        (GOOD | {"limits": LIMITS | {"message": True}}, 'limit "message" is true'),
        (GOOD | {"limits": LIMITS | {"sender": 1.5}}, 'limit "sender" is 1.5'),
        (GOOD | {"limits": LIMITS | {"id": 25}}, 'limit "id" is 25: use a whole number from 26 to 128'),
        (GOOD | {"limits": LIMITS | {"id": "64"}}, 'limit "id" is "64"'),
        (GOOD | {"alarmMail": "a@example.com"}, 'unknown key "alarmMail". Did you mean "alarmEmail"?'),
        (GOOD | {"dashbord": True}, 'Did you mean "dashboard"?'),
        (GOOD | {"alarmEmail": "nobody"}, '"alarmEmail" "nobody" is not an e-mail address'),
        (GOOD | {"alarmEmail": "a b@example.com"}, "is not an e-mail address: write one such as"),
        (GOOD | {"alarmEmail": "a@b@example.com"}, "is not an e-mail address"),
        (GOOD | {"alarmEmail": "a@example.com\n"}, r'"a@example.com\n" is not an e-mail address'),
        (GOOD | {"alarmEmail": f"a@{'b' * 250}.com"}, "is not an e-mail address"),
        (GOOD | {"alarmEmail": ["a@example.com"]}, "is not an e-mail address"),
        (GOOD | {"dashboard": "yes"}, 'switch "dashboard" is "yes": use true or false'),
        (GOOD | {"dashboard": 1}, 'switch "dashboard" is 1'),
        (GOOD | {"historyDays": -1}, '"historyDays" are -1: use a whole number up to 366'),
        (GOOD | {"historyDays": 367}, '"historyDays" are 367'),
        (GOOD | {"historyDays": True}, '"historyDays" are true'),
        (GOOD | {"historyDays": "7"}, '"historyDays" are "7"'),
        (GOOD | {"senders": "nobody"}, 'The "senders" are "nobody": use "anyone"'),
        (GOOD | {"senders": True}, 'The "senders" are true'),
        (GOOD | {"verifiedRoles": "AWSReservedSSO_*"}, '"verifiedRoles" must list names of roles'),
        (GOOD | {"verifiedRoles": ["*"]}, 'The verified role "*" is not valid'),
        (GOOD | {"verifiedRoles": [""]}, 'The verified role "" is not valid'),
        (GOOD | {"verifiedRoles": ["a*b*"]}, 'The verified role "a*b*" is not valid'),
        (GOOD | {"verifiedRoles": ["aws-reserved/People"]}, 'The verified role "aws-reserved/People"'),
        (GOOD | {"verifiedRoles": ["a b"]}, 'The verified role "a b" is not valid'),
        (GOOD | {"verifiedRoles": ["x" * 65]}, "is not valid: use the name of a role"),
        (GOOD | {"verifiedRoles": ["x" * 60] * 9}, "have 548 characters, AppSync takes 512"),
        (GOOD | {"wafRate": 9}, '"wafRate" is 9: use a whole number from 10'),
        (GOOD | {"wafRate": True}, '"wafRate" is true'),
        (GOOD | {"wafRate": "2000"}, '"wafRate" is "2000"'),
        (GOOD | {"wafRate": 2_000_000_001}, "to 2000000000"),
        (GOOD | {"options": "channels"}, '"options" must list keys'),
        (GOOD | {"options": ["prefix"]}, '"options" must list keys'),
    ],
)
def test_a_wrong_configuration_is_one_sentence(context: object, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(context)
    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message
    assert message.endswith((".", "?"))


def test_channels_may_fill_one_environment_value_exactly() -> None:
    channels = [f"{n:050}" for n in range(9)] + ["a" * 50, "bb"]
    assert len(",".join(channels)) == 512
    assert parse(GOOD | {"channels": channels}).channels == tuple(channels)
    with pytest.raises(UsageError, match="have 513 characters"):
        parse(GOOD | {"channels": [*channels[:-1], "bbb"]})


def test_an_alias_may_be_its_region_s_own_name() -> None:
    assert parse(GOOD | {"regions": {"us-west-2": "us-west-2"}}).regions == {"us-west-2": "us-west-2"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)))
@settings(deadline=None, max_examples=50)
def test_nothing_but_a_sentence_comes_of_odd_channels(value: object) -> None:
    try:
        channels = parse(GOOD | {"channels": value}).channels
    except UsageError:
        return
    assert list(channels) == value


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', '{"context": 5}', '{"context": {}}'])
def test_a_damaged_file_is_one_sentence(content: str, tmp_path: Path) -> None:
    file = tmp_path / "cdk.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"cdk\.json"):
        load(file)


def test_a_file_that_is_not_utf_8_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "cdk.json"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"cdk\.json is not JSON"):
        load(file)


def test_a_byte_order_mark_is_no_damage(tmp_path: Path) -> None:
    file = tmp_path / "cdk.json"
    file.write_bytes(b"\xef\xbb\xbf" + resource("cdk.json").read_bytes())
    assert load(file) == load()


def test_importing_the_configuration_loads_no_aws_library() -> None:
    code = (
        "import sys, globalchat_infra.config\n"
        "print({'aws_cdk', 'constructs', 'botocore'} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
