"""The account that moto imitates, and a user of the command in it."""

import time
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from globalchat.cli.main import root
from globalchat_infra.deployer import api_keys

ACCOUNT = "123456789012"
"""Moto's."""


REGION = "us-west-2"
# Moto checks the lengths of keys by its own clock, which is this machine's.
NOW = float(int(time.time()))
END = api_keys.key_expiry(NOW)
"""When a key that is made now ends."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of the command: where their files are."""

    home: Path

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def profiles(self) -> Path:
        return self.home / "config" / "profiles"

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(root, arguments, prog_name="globalchat")
