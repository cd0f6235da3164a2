"""The client of today with a region from before history and an updated one."""

from pathlib import Path

import pytest

from tests.e2e.helpers.processes import Home
from tests.localcloud.helpers import mixed_regions

pytestmark = pytest.mark.e2e


def test_both_regions_are_followed_and_only_the_updated_one_has_a_past(home: Home, tmp_path: Path) -> None:
    mixed = mixed_regions.write(tmp_path / "mixed")
    home.start("local", "serve", "--templates", str(mixed)).err.wait_for("is ready")
    new, old = home.follow("oregon", "tech"), home.follow("sydney", "tech")
    home.publish("one", region="oregon")
    home.publish("two", region="sydney")
    for follower in (new, old):
        assert sorted(str(each["message"]) for each in follower.messages(2)) == ["one", "two"]
    assert all(each["arrival"] for each in new.messages(2))
    assert all(each["arrival"] is None for each in old.messages(2))
    done = home.run("history", "tech", "--region", "oregon")
    assert done.returncode == 0
    assert "one" in done.stdout
    assert "two" in done.stdout
    refused = home.run("history", "tech", "--region", "sydney")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "history" in refused.stderr
