"""The ways from the local cloud to a real one."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.screens.dialog import Dialog

_GUIDES = {
    "connect": (
        "Connect to my stack",
        (
            "The chat talks to what a profile names: the regions, their endpoints, the API key. "
            "A profile is one file; let nobody else read it (chmod 600):",
            "$ {folder}/profiles/default.json",
            "Copy it from whoever has one, or write it from the outputs of the stacks, as the README shows. "
            "The key of a region's API:",
            "$ aws appsync list-api-keys --api-id ID --region REGION",
            "See what the chat makes of it; once “default” exists, globalchat opens it by itself. "
            "Any other one, and the local cloud again:",
            "$ globalchat outputs\n$ globalchat --profile NAME\n$ globalchat --profile local",
        ),
    ),
    "deploy": (
        "Deploy to AWS",
        (
            "Four CDK stacks, an API and a relay in each of the two regions, go into your own AWS account. "
            "Nothing needs to be bootstrapped. With Node 22 or later and AWS credentials, in a checkout:",
            "$ make templates && . .venv/bin/activate\n$ cd infra && npx cdk deploy --all",
            "Then write a profile: /connect tells how. This takes all of it away again:",
            "$ npx cdk destroy --all",
        ),
    ),
}


class Guide(Dialog[None]):
    """What to do, step by step; text that can be selected and copied."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,enter,q", "dismiss", "Close")]

    def __init__(self, topic: str, folder: str) -> None:
        """`topic` is connect or deploy; `folder` where profiles lie."""
        super().__init__()
        self._title, self._paragraphs = _GUIDES[topic]
        self._folder = folder

    def compose(self) -> ComposeResult:
        """Explanations and commands in turn."""
        with VerticalScroll(classes="dialog -tall") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "Esc closes"
            for text in self._paragraphs:
                shown = text.replace("{folder}", self._folder).replace("$ ", "  ")
                look = "$text-accent" if text.startswith("$ ") else "$text"
                yield Static(Content.styled(shown, look), classes="help-group")
