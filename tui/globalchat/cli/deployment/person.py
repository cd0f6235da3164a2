"""Whoever sits at this terminal: who is told, and who is asked."""

import sys
from collections.abc import Callable

import click

from globalchat.cli.console.output import narrate
from globalchat.cli.console.screen import is_terminal
from globalchat.cli.deployment.log import LoggedView, told
from globalchat.core.text import sanitize
from globalchat_infra.deployer.deployment import Person
from globalchat_infra.deployer.view import view_for


def person(*, yes: bool) -> Person:
    """Whoever sits at this terminal."""
    return Person(told, asker(yes=yes), LoggedView(view_for(sys.stderr, narrate)))


def asker(*, yes: bool) -> Callable[[str], bool]:
    """Asks a question on standard error; without a terminal the answer is no."""

    def ask(question: str) -> bool:
        if yes:
            narrate(question.replace("?", "."))
            return True
        if not is_terminal(sys.stdin):
            narrate(f"{question} There is no terminal to ask on: give --yes.")
            return False
        return click.confirm(sanitize(question, multiline=False), err=True)

    return ask
