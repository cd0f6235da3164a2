"""`import globalchat`: what it offers, and what it loads."""

import subprocess
import sys
from pathlib import Path

import pytest

import globalchat
from globalchat.client import profiles

HEAVY = "{'gql', 'graphql', 'aiohttp', 'botocore', 'websockets', 'textual', 'click', 'asyncio'}"
NAMES = {
    *("connect", "load_profile", "nearest", "RegionApi", "Chat", "Session", "Watch"),
    *("Profile", "RegionEndpoint", "Message", "Draft", "StateChanged", "MessageReceived", "Paired"),
    *("UserError", "CredentialsUnavailable", "ProfileError", "Refused", "Unauthorized", "Unreachable"),
}


def python(code: str) -> str:
    """Run a program in a process of its own; what it printed."""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    "program",
    [
        "import globalchat",
        "import globalchat; dir(globalchat); globalchat.__all__",
        "from globalchat import Profile, Message, UserError, Refused, SessionOptions, GapRecorded, Phase",
        "from globalchat import load_profile",
        "import globalchat.core.credentials",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_used(program: str) -> None:
    assert python(f"{program}\nimport sys; print(sorted({HEAVY} & sys.modules.keys()))") == "[]\n"


def test_the_chat_s_libraries_are_not_what_the_client_loads() -> None:
    loaded = python("from globalchat import *\nimport sys; print({'textual', 'click'} & sys.modules.keys())")
    assert loaded == "set()\n"


def test_an_import_of_everything_brings_every_name() -> None:
    code = "from globalchat import *\nprint(*(name for name in globals() if name[0] != '_'))"
    names = set(python(code).split())
    assert names >= NAMES
    # Of a fresh process, since others become attributes once they are imported, as submodules do.
    listed = python("import globalchat\nprint(*(name for name in dir(globalchat) if name[0] != '_'))")
    assert listed.split() == sorted(names)


def test_a_name_is_the_object_of_its_module() -> None:
    assert globalchat.Profile is profiles.Profile
    assert "Profile" in vars(globalchat)


@pytest.mark.parametrize("name", ["nosuch", "_private", "__nosuch__"])
def test_another_name_is_an_attribute_error(name: str) -> None:
    assert not hasattr(globalchat, name)
    with pytest.raises(AttributeError, match=f"module 'globalchat' has no attribute '{name}'"):
        getattr(globalchat, name)


def test_it_can_be_started_as_a_module(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "globalchat", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("Usage: globalchat [REGION]")
