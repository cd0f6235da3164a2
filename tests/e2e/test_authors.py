"""Authors of messages from the command line: `whoami`, `--as`, `--verified`, and what cannot be forged."""

import json

import pytest

from tests.e2e.helpers.processes import Home

pytestmark = pytest.mark.e2e

ANA = "ana@example.com"


def test_whoami_prints_the_author_the_credentials_and_their_end(shared_home: Home) -> None:
    with_key = json.loads(shared_home.run("whoami", "--json").stdout)
    assert (with_key["author"], with_key["kind"], with_key["auth"]) == (None, None, "apiKey")
    assert (with_key["accessKeyId"], with_key["credentials"]) == (None, "the API key of the profile local")
    signed = json.loads(shared_home.run("whoami", "--as", ANA, "--json", "--region", "sydney").stdout)
    assert (signed["author"], signed["kind"], signed["auth"]) == (ANA, "person", "iam")
    assert signed["region"] == "ap-southeast-2"
    assert signed["accessKeyId"].startswith("ASIA")
    assert signed["expires"].endswith("Z")
    said = shared_home.run("whoami", "--as", ANA).stdout.splitlines()
    assert said[0] == f"{ANA}, a person that AWS vouches for"
    assert said[1].startswith("by a session of the local cloud, access key ASIA")
    assert ", until 20" in said[1]


def test_doctor_checks_everything_as_a_person(shared_home: Home) -> None:
    asked = shared_home.run("doctor", "--as", ANA, "--json")
    assert asked.returncode == 0, asked.stderr
    found = [json.loads(line) for line in asked.stdout.splitlines()]
    assert [each["text"] for each in found if each["check"] == "key"] == ["signed by IAM"] * 2
    sent = [each["status"] for each in found if each["check"] in ("publish", "round trip", "stored")]
    assert sent == ["ok"] * 6


def test_names_that_no_person_can_have_and_profiles_without_people_are_refused(shared_home: Home) -> None:
    for name in ("a b", "x", "ana\u200b", "arn:aws:iam::123456789012:user/ana"):
        refused = shared_home.run("whoami", "--as", name)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "No person can be called" in refused.stderr
    refused = shared_home.run("publish", "tech", "hi", "--as", ANA, "--profile", "work")
    assert refused.returncode == 2
    assert "Only the local cloud has people of its own" in refused.stderr
    assert "aws sso login" in refused.stderr


def test_followers_of_persons_see_no_message_whose_sender_only_has_their_name(shared_home: Home) -> None:
    everything = shared_home.follow("sydney", "robots")
    persons = shared_home.start("subscribe", "robots", "--region", "sydney", "--verified", "--count", "2")
    persons.err.wait_for("connected to")
    for name in (ANA, "ana", f"\u2713 {ANA}"):
        shared_home.run("publish", "robots", f"forged by {name}", "--name", name)
    shared_home.run("publish", "robots", "one", "--as", ANA)
    shared_home.run("publish", "robots", "two", "--as", ANA, "--name", "bo@example.com")
    received = everything.messages(5)
    authors = {each["message"]: each["author"] for each in received}
    assert authors == {
        **{f"forged by {name}": None for name in (ANA, "ana", f"\u2713 {ANA}")},
        "one": ANA,
        "two": ANA,
    }
    lines = persons.out.wait(lambda lines: len(lines) == 2)
    assert [line[9:].split("  ap-")[0].split("  us-")[0] for line in lines] == [
        f"\u2713 robots  {ANA}",
        f"\u2713 robots  {ANA} (bo@example.com)",
    ]
    printed = shared_home.run("history", "robots").stdout.splitlines()
    assert sum(line[20:].startswith(" \u2713 ") for line in printed) == 2
