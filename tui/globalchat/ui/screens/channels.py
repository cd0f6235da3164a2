"""Which channel is open: going from one to another, and joining those that are not known yet."""

from textual.screen import Screen

from globalchat.client.events import BackendDescribed
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.ports import ChatSession
from globalchat.ui.screens.showing import Showing
from globalchat.ui.screens.writing import Writing


class Channels:
    """Opens channels; what is being written goes along with its channel.

    Attributes:
        session: Joins channels; None before there is one.
    """

    def __init__(
        self, screen: Screen[None], view_model: ChatViewModel, writing: Writing, showing: Showing
    ) -> None:
        self.session: ChatSession | None = None
        self._screen = screen
        self._view_model = view_model
        self._writing = writing
        self._showing = showing

    def open(self, channel: str | None) -> None:
        """Show a channel; None changes nothing."""
        if channel is None:
            return
        self._screen.remove_class("-list-open")
        if channel != self._view_model.channel:
            self._writing.change_channel(channel)
            self._view_model.open(channel)
            self._showing.channel()

    def enter(self, channel: str | None) -> None:
        """Go to a channel that somebody chose or typed, joining it if need be."""
        if channel is not None:
            self.open(channel)
            self._join_unknown(channel)
            self._showing.status()

    def describe(self, event: BackendDescribed) -> None:
        """The backend listed its channels: open the first, or ask for the one that it did not list."""
        listed = event.backend.channels
        if self._view_model.channel is None and listed:
            self.open(listed[0])
        elif self._view_model.channel is not None and self._view_model.channel not in listed:
            self._join_unknown(self._view_model.channel)

    def drop(self, channel: str, reason: str) -> None:
        """Show the refusal and go back to where one was; a text typed meanwhile comes along."""
        self._showing.tell(reason, error=True)
        instead = self._view_model.instead_of(channel)
        if channel == self._view_model.channel and instead is not None:
            self.open(instead)
            self._view_model.model.conversations.pop(channel, None)
            self._writing.give_back(self._view_model.drafts.take(channel))

    def _join_unknown(self, channel: str) -> None:
        """Ask the backend for a channel that it did not list: it says itself what is wrong with it."""
        if self.session is not None and channel not in self.session.channels:
            self.session.join(channel)
