"""AWS profiles in a file, and a prompter with ready answers."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEYS = "aws_access_key_id = AKIDBASE\naws_secret_access_key = b\n"
ROLE_ARN = "role_arn = arn:aws:iam::123456789012:role/a\n"
ROLE = f"[profile base]\n{KEYS}[profile role]\n{ROLE_ARN}source_profile = base\n"
MFA = f"{ROLE}mfa_serial = arn:aws:iam::123456789012:mfa/ana\n"
SSO = """[profile sso]
sso_start_url = https://a
sso_region = us-west-2
sso_account_id = 1
sso_role_name = a
"""


class FakePrompter:
    """A person who gives these answers; None is Ctrl-D, "^C" Ctrl-C."""

    is_silent = False

    def __init__(self, *answers: str | None, has_user: bool = True) -> None:
        self.answers = list(answers)
        self.has_user = has_user
        self.said: list[str] = []
        self.asked: list[str] = []
        self.threads: set[threading.Thread] = set()

    def ask(self, question: str) -> str:
        self.asked.append(question)
        self.threads.add(threading.current_thread())
        answer = self.answers.pop(0)
        if answer is None:
            raise EOFError
        if answer == "^C":
            raise KeyboardInterrupt
        return answer

    def say(self, text: str) -> None:
        self.said.append(text)


def configure(folder: Path, text: str) -> None:
    (folder / "config").write_text(text, encoding="utf-8")


def in_minutes(minutes: float) -> str:
    """Return a time to come, as AWS writes it."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
