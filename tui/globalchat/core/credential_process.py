"""Runs the program of a profile's `credential_process`, and checks what it prints.

The contract is AWS's (AWS SDKs and tools reference guide, Process credential provider): one JSON object on
standard output. That is never shown, as it holds the secret; what comes on standard error is.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

from globalchat.core.aws_errors import cannot_be_had
from globalchat.core.prompt import Prompter
from globalchat.core.redaction import redact

QUIET_SECONDS = 4.0
"""After so long a person reads what is being waited for."""
UNATTENDED_SECONDS = 60.0
"""The limit where there is no terminal: no person will press a key."""
ATTENDED_SECONDS = 900.0
"""The limit where there is one: a browser, a phone or a token may be part of it."""
_REMEDY = "Run its command by hand: it has to print the JSON that AWS's documentation describes."
_LONGEST = 300


def run(words: Sequence[str], profile: str, prompter: Prompter) -> str:
    """Run the program and return what it printed, which is one valid JSON object of credentials.

    With a terminal its standard error goes there: programs ask on it. Standard input is ours.

    Raises:
        UserError: it cannot be started, fails, does not end, or prints something else.
        KeyboardInterrupt: Ctrl-C; the program is ended.
    """
    what = f'the credential_process of the AWS profile "{profile}"'
    shown = prompter.has_person and sys.stderr is not None
    try:
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=None if shown else subprocess.PIPE, close_fds=True
        )
    except (OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "its command is empty or not valid"
        program = f" ({words[0]})" if words else ""
        raise cannot_be_had(f"{what} cannot be started{program}: {reason}", _REMEDY) from None
    try:
        output, said = _wait(process, what, prompter)
    finally:
        # Ctrl-C or the time limit: a program that waits for a key would wait for ever.
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if process.returncode != 0:
        raise cannot_be_had(f"{what} failed{_why(said, process.returncode)}", _REMEDY)
    if fault := _fault_of(output):
        raise cannot_be_had(f"{what} {fault}", _REMEDY)
    return output


def _wait(process: "subprocess.Popen[bytes]", what: str, prompter: Prompter) -> tuple[str, str]:
    """Return both outputs of the program once it has ended.

    Raises:
        UserError: it has not ended within the limit.
    """
    limit = ATTENDED_SECONDS if prompter.has_person else UNATTENDED_SECONDS
    for seconds in (min(QUIET_SECONDS, limit), max(limit - QUIET_SECONDS, 0.0)):
        try:
            output, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            if seconds == QUIET_SECONDS:
                prompter.say(f"{what[0].upper()}{what[1:]} is still at work; Ctrl-C ends it")
            continue
        return output.decode(errors="replace"), (said or b"").decode(errors="replace")
    raise cannot_be_had(f"{what} did not end within {limit:g} seconds", _REMEDY)


def _why(said: str, code: int) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f": {redact(lines[-1][:_LONGEST]).rstrip('.')}" if lines else f" with exit code {code}"


def _fault_of(output: str) -> str | None:
    """Return what is wrong with the output of the program, None if nothing is."""
    try:
        found = json.loads(output)
    except ValueError:
        return "does not print JSON"
    if not isinstance(found, Mapping):
        return "does not print a JSON object"
    if found.get("Version") != 1:
        return 'prints JSON without "Version": 1'
    for name in ("AccessKeyId", "SecretAccessKey"):
        if not isinstance(found.get(name), str) or not found[name]:
            return f'prints JSON without "{name}"'
    for name in ("SessionToken", "Expiration"):
        if not isinstance(found.get(name), str | None):
            return f'prints JSON whose "{name}" is not a text'
    return None
