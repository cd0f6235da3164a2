"""The ways from the local cloud to a real one."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

_GUIDES = {
    "connect": (
        "Connect to my stack",
        (
            "The chat talks to what a profile names: the regions, their endpoints, the API key. "
            "A profile is one file, readable for you alone:",
            "$ {folder}/profiles/default.json",
            "Where the stack was deployed, these show what belongs into it; copy the file from there, "
            "or write it from the output:",
            "$ globalchat outputs --show-key",
            "Once the profile “default” exists, globalchat opens it by itself. "
            "For any other one, and for the local cloud again:",
            "$ globalchat --profile NAME\n$ globalchat --profile local",
        ),
    ),
    "deploy": (
        "Deploy to AWS",
        (
            "Four CDK stacks, an API and a relay in each of the two regions, go into your own AWS account. "
            "No bootstrap is needed. With Node and AWS credentials at hand, in a checkout:",
            "$ cd infra\n$ npm ci\n$ npx cdk deploy --all",
            "AWS bills what the regions use; this takes it all away again:",
            "$ npx cdk destroy --all",
        ),
    ),
}


class Guide(ModalScreen[None]):
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
