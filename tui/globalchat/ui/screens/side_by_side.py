"""Opens and closes the side-by-side view of two regions and the latency panel, and feeds both.

Their widgets are imported when they are first opened: the chat's first frame must not wait for them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.screen import Screen

from globalchat.client.profiles import Profile
from globalchat.client.state import Phase
from globalchat.core.clock import WallClock
from globalchat.ui.interfaces import ProfileOpener, WatchFactory
from globalchat.ui.model.kept_choices import BOTH, LATENCY
from globalchat.ui.model.status import is_counting
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.workers import PAIR_WITHIN, WatchEvents, WatchWorker

if TYPE_CHECKING:
    from globalchat.client.watch import WatchEvent
    from globalchat.ui.model.side_by_side import SideBySideModel
    from globalchat.ui.widgets.side_by_side_view import LatencyPanel, SideBySidePane, SideBySideView

NOT_YET = "Not connected yet: there is nothing to compare."
ONE_REGION = "This profile has one region: there is nothing to compare."


class SideBySideController:
    """Follows all regions, but only while the view or the panel is open.

    `reload` reads the profile again.

    Attributes:
        profile: The regions to follow, None before it was opened.
    """

    def __init__(
        self,
        screen: Screen[None],
        view_model: ChatViewModel,
        *,
        clock: WallClock,
        factory: WatchFactory | None,
        reload: ProfileOpener | None = None,
    ) -> None:
        self._screen = screen
        self.profile: Profile | None = None
        self._view_model = view_model
        self._clock = clock
        self._factory = factory
        self._reload = reload
        self._model: SideBySideModel | None = None
        self._view: SideBySideView | None = None
        self._panel: LatencyPanel | None = None
        self._worker: WatchWorker | None = None

    @property
    def pane(self) -> "SideBySidePane | None":
        """The pane of the side-by-side view while it is open."""
        return self._view.pane if self._view is not None else None

    async def restore(self) -> None:
        """Open what was open in the last run, if the profile still has enough regions."""
        count, choices = len(self._view_model.names.aliases), self._view_model.choices
        if choices.shows(BOTH) and self._view is None and count > 1:
            await self.toggle_view()
        if choices.shows(LATENCY) and self._panel is None and count:
            await self.toggle_latency()

    async def toggle_view(self) -> None:
        """Open or close the side-by-side view, in the place of the messages."""
        if await self.close_view() or not self._can_follow(regions=2):
            return
        self._view_model.choices.show(BOTH, True)
        from globalchat.ui.model.side_by_side import SideBySideLayout
        from globalchat.ui.widgets.side_by_side_view import SideBySideView

        view_model = self._view_model
        calendar, keys = view_model.model.calendar, view_model.keys
        layout = SideBySideLayout(self._pair(), view_model.names, calendar, PAIR_WITHIN, keys)
        view = SideBySideView(layout)
        self._screen.add_class("-side-by-side")
        # Before mounting, which takes a while, so that arrivals meanwhile are shown.
        self._follow(anyway=True)
        await self._screen.query_one("#messages-column").mount(view)
        self._view = view
        self.show_channel()

    async def close_view(self) -> bool:
        """Show the messages in place of the side-by-side view. Return False if that was not open."""
        view, self._view = self._view, None
        if view is None:
            return False
        self._view_model.choices.show(BOTH, False)
        self._screen.remove_class("-side-by-side")
        await view.remove()
        self._follow()
        return True

    async def toggle_latency(self) -> None:
        """Open or close the latency panel, above the status line."""
        panel, self._panel = self._panel, None
        if panel is not None:
            self._view_model.choices.show(LATENCY, False)
            await panel.remove()
            self._follow()
            return
        if not self._can_follow(regions=1):
            return
        from globalchat.ui.widgets.side_by_side_view import LatencyPanel

        self._panel = LatencyPanel(
            self._view_model.model.latency, self._view_model.names, self._view_model.region
        )
        self._view_model.choices.show(LATENCY, True)
        self._follow()
        await self._screen.mount(self._panel, before="#status")

    def show_channel(self) -> None:
        """Show the open channel."""
        if self._view is not None and self._model is not None:
            from globalchat.ui.model.side_by_side import head_text

            name = self._view_model.channel
            title = f"# {shown_name(name)} in both regions" if name else "Both regions"
            self._view.border_title = Content(title)
            self._view.pane.show(self._model.feed(name) if name else None)
            since = self._view_model.model.calendar.minute(self._model.since)
            self._view.pane.set_head(head_text(since, self._view_model.keys("dual")))
        self.show()

    def show(self) -> None:
        """Show changes."""
        if self._view is not None and self._model is not None:
            self._view.head.show(self._model.states, self._clock())
            self._view.pane.sync()
        if self._panel is not None:
            self._panel.show(self._view_model.region)

    def sort_out(self) -> None:
        """Show and hide messages again, after it has changed who is ignored."""
        if self._model is not None:
            self._model.sort_out()

    def is_counting(self) -> bool:
        """Return True if something shown changes with time, without an event."""
        return (
            self._view is not None
            and self._model is not None
            and any(map(is_counting, self._model.states.values()))
        )

    def handle_events(self, message: WatchEvents) -> None:
        """Reduce the events of the watch, unless it was closed."""
        if message.source is self._worker and self._model is not None:
            self._reduce(message.events, self._model)
        message.consumed.set()

    def retry_now(self) -> bool:
        """Retry at once in regions that are not live. Return False if all followed regions are live."""
        if self._worker is None or self._model is None:
            return False
        self._worker.retry_now()
        live = {alias for alias, state in self._model.states.items() if state.phase is Phase.LIVE}
        return not live.issuperset(self._view_model.names.aliases)

    def close(self) -> None:
        """End the watch."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _pair(self) -> tuple[str, str]:
        """Return this and the next region, in the profile's order."""
        names = self._view_model.names
        here = self._view_model.region or names.aliases[0]
        first, second = sorted((here, names.after(here)), key=names.aliases.index)
        return first, second

    def _follow(self, *, anyway: bool = False) -> None:
        """Follow all regions if something shows them.

        Earlier rows are dropped, as they would wait for ever.
        """
        wanted = anyway or self._view is not None or self._panel is not None
        if not wanted:
            self.close()
        elif self._worker is None and self.profile is not None:
            from globalchat.ui.model.side_by_side import SideBySideModel

            model = self._view_model.model
            self._model = SideBySideModel(model.calendar, self._clock, model.is_ignored)
            self._worker = WatchWorker(self.profile, self._factory, reload=self._reload)
            work = self._worker.run(self._screen.post_message)
            self._screen.run_worker(work, name="watch", group="watch", exclusive=True)

    def _can_follow(self, *, regions: int) -> bool:
        """Return True if there are enough regions; otherwise notify the user."""
        missing = self.profile is None or len(self._view_model.names.aliases) < regions
        if missing:
            self._screen.notify(NOT_YET if self.profile is None else ONE_REGION, markup=False)
        return not missing

    def _reduce(self, events: "Sequence[WatchEvent]", model: "SideBySideModel") -> None:
        # The module is already loaded, since the events are defined in it.
        from globalchat.client.watch import FromRegion, Paired, Unpaired, WatchSkipped

        for event in events:
            match event:
                case FromRegion(alias, session_event):
                    model.take(alias, session_event)
                case Paired(message, arrivals, late):
                    model.pair(message, arrivals)
                    # After an outage, the difference is the duration of the outage, not of the path.
                    if not late:
                        regions = self._view_model.names.regions
                        by_region = {regions.get(alias, alias): at for alias, at in arrivals.items()}
                        self._view_model.model.latency.pair(message.region, by_region)
                case Unpaired(message, _, missing):
                    model.give_up(message, missing)
                case WatchSkipped(count):
                    model.skip(count)
