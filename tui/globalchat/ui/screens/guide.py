"""The ways from the local cloud to a real one."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from globalchat.core.interpreter import as_typed_here
from globalchat.ui.screens.dialog import Dialog

_GUIDES = {
    "connect": (
        "Connect to my stack",
        (
            "The chat talks to what a profile names: the regions, their endpoints, the API key. A profile is "
            "one file; get it from whoever has one, and let nobody else read it (chmod 600):",
            "$ {folder}/profiles/default.json",
            "Or have it written from the stacks, with AWS credentials of your own:",
            "$ globalchat outputs --refresh",
            "Once “default” exists, globalchat opens it by itself. See whether all is well, open another "
            "one, or the local cloud again:",
            "$ globalchat doctor\n$ globalchat --profile NAME\n$ globalchat --profile local",
        ),
    ),
    "deploy": (
        "Deploy to AWS",
        (
            "Four stacks, an API and a relay in each of the two regions, go into your own AWS account. "
            "Nothing needs to be bootstrapped. With AWS credentials and Node 22 or later, look first at what "
            "would be made, then make it:",
            "$ globalchat deploy --diff\n$ globalchat deploy",
            "That sends a message through every region as a proof, and writes the profile “default”: the "
            "next globalchat opens it. What it costs, and how to take all of it away again:",
            "$ globalchat cost\n$ globalchat destroy",
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
                shown = as_typed_here(text.replace("{folder}", self._folder).replace("$ ", "  "))
                look = "$text-accent" if text.startswith("$ ") else "$text"
                yield Static(Content.styled(shown, look), classes="help-group")
