"""A sign-in by `aws sso login` that ends while a chat runs, and another run of a verified local cloud."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from globalchat.cli import local_cloud
from globalchat.client import profiles
from globalchat.client.profiles import Profile
from globalchat.localcloud.process.state import CloudState
from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal
from tests.infra.helpers.aws_front import AwsFront, Reply, aws_front

pytestmark = pytest.mark.e2e

START_URL = "https://team.awsapps.com/start"
AWS_CONFIG = f"""[profile 'our team']
sso_start_url = {START_URL}
sso_region = us-west-2
sso_account_id = 123456789012
sso_role_name = Chatter
"""
ADVICE = "login --profile 'our team'"
"""The end of the advice, which the screen may wrap."""
ACCESS_TOKEN = "the-access-token"


@dataclass
class Portal:
    """IAM Identity Center, as far as a sign-in needs it; it gives credentials of the local cloud."""

    front: AwsFront
    state: CloudState
    cache: Path
    given: int = 0
    secrets: list[str] = field(default_factory=lambda: [ACCESS_TOKEN])

    def log_in(self) -> None:
        """Do what `aws sso login` does."""
        until = (datetime.now(UTC) + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
        token = {
            "accessToken": ACCESS_TOKEN,
            "expiresAt": until,
            "startUrl": START_URL,
            "region": "us-west-2",
        }
        self.token.write_text(json.dumps(token))

    @property
    def token(self) -> Path:
        return self.cache / f"{hashlib.sha1(START_URL.encode()).hexdigest()}.json"

    def give(self, _: object) -> Reply:
        self.given += 1
        # botocore renews what lasts for less than a minute.
        held = local_cloud.person(self.state, "ana@example.com", seconds=61)
        assert held.expires is not None
        self.secrets += [held.secret_key, str(held.token)]
        given = {
            "accessKeyId": held.access_key,
            "secretAccessKey": held.secret_key,
            "sessionToken": held.token,
            "expiration": int(held.expires.timestamp() * 1000),
        }
        return Reply(body=json.dumps({"roleCredentials": given}).encode())


@pytest.fixture
def portal(home: Home, tmp_path: Path) -> Iterator[Portal]:
    """A user whose profile `team` signs in there."""
    home.environment = {"GLOBALCHAT_LOCAL_SENDERS": "verified"}
    state = home.running_cloud()
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    (tmp_path / ".aws" / "config").write_text(AWS_CONFIG)
    found = local_cloud.profile_of(state.regions)
    regions = {
        alias: replace(each, aws_profile="our team", signer=None) for alias, each in found.regions.items()
    }
    profiles.save(Profile("team", regions), home.root / "config")
    with aws_front() as front:
        home.environment = {
            **home.environment,
            "HOME": str(tmp_path),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_SSO": front.url,
        }
        portal = Portal(front, state, cache)
        front.on("GET /federation/credentials", portal.give)
        portal.log_in()
        yield portal


def test_the_chat_says_what_to_do_and_goes_on_after_it(home: Home, portal: Portal) -> None:
    following = home.follow("sydney", "cars")
    chat = Terminal(home, "--profile", "team", "--channel", "cars")
    chat.wait(lambda screen: "live" in screen or "LIVE" in screen, "a live chat")
    chat.say("before")
    assert following.messages(1)[0]["message"] == "before"
    portal.token.unlink()
    given = portal.given
    # A message that is sent within the second that the last credentials are used, and one after it.
    chat.say("meanwhile")
    chat.wait_for(ADVICE)
    chat.say("during")
    assert home.run("publish", "cars", "theirs").returncode == 0
    chat.wait_for("theirs")
    portal.log_in()
    received = [str(each["message"]) for each in following.messages(4)]
    assert sorted(received) == sorted({"before", "meanwhile", "theirs", "during"})
    assert received[-1] == "during"
    chat.wait(lambda screen: ADVICE not in screen, "no advice any more")
    assert portal.given > given
    files = [
        each for each in home.root.rglob("*") if each.is_file() and home.cloud_folder not in each.parents
    ]
    assert any(each.suffix == ".json" for each in files)
    for written in (chat.raw, *(each.read_bytes() for each in files)):
        assert not [secret for secret in portal.secrets if secret.encode() in written]


def test_a_command_that_starts_without_a_sign_in_says_so_at_once(home: Home, portal: Portal) -> None:
    portal.token.unlink()
    for command in (("publish", "cars", "hi"), ("subscribe", "cars"), ("history", "cars")):
        done = home.run(*command, "--profile", "team")
        assert (done.returncode, done.stdout) == (1, "")
        assert "Run `aws sso login --profile 'our team'`." in done.stderr
        assert "Traceback" not in done.stderr


def test_a_chat_that_starts_without_a_sign_in_waits_for_it(home: Home, portal: Portal) -> None:
    portal.token.unlink()
    chat = Terminal(home, "--profile", "team", "--channel", "cars")
    chat.wait_for(ADVICE)
    portal.log_in()
    following = home.follow("sydney", "cars")
    chat.say("at last")
    assert following.messages(1)[0]["message"] == "at last"


def test_followers_go_on_with_another_run_of_a_cloud_of_verified_people(home: Home) -> None:
    home.environment = {"GLOBALCHAT_LOCAL_SENDERS": "verified"}
    as_ana = home.start("subscribe", "cars", "--json", "--as", "ana")
    by_login = home.start("subscribe", "cars", "--json")
    for each in (as_ana, by_login):
        each.err.wait_for("connected to")
    assert home.run("publish", "cars", "one").returncode == 0
    assert home.run("local", "down").returncode == 0
    assert home.run("local", "up").returncode == 0
    assert home.run("publish", "cars", "two").returncode == 0
    for each in (as_ana, by_login):
        assert [message["message"] for message in each.messages(2)] == ["one", "two"]
