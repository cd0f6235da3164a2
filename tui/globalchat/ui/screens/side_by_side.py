"""Both regions at once in the chat screen: opens and closes the dual view and the latency panel.

What shows them is imported when it is first wanted: the chat's first frame must not wait for it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.screen import Screen

from globalchat.client.profiles import Profile
from globalchat.client.state import Phase
from globalchat.core.clock import WallClock
from globalchat.ui.messages import WatchTold
from globalchat.ui.model.latency_stats import Line, latency_line, latency_lines
from globalchat.ui.model.status import is_counting
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.ports import ProfileOpener, WatchFactory

if TYPE_CHECKING:
    from globalchat.client.watch import WatchEvent
    from globalchat.ui.model.side_by_side import SideBySideModel
    from globalchat.ui.watching import Watching
    from globalchat.ui.widgets.dual_view import DualPane, DualView
    from globalchat.ui.widgets.latency_panel import LatencyPanel

NOT_YET = "Not connected yet: there is nothing to compare."
ONE_REGION = "This profile has one region: there is nothing to compare."


class BothRegions:
    """Follows all regions while either of the two is open, and no longer.

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
        """`reload` reads the profile again."""
        self._screen = screen
        self.profile: Profile | None = None
        self._view_model = view_model
        self._clock = clock
        self._factory = factory
        self._reload = reload
        self._model: SideBySideModel | None = None
        self._view: DualView | None = None
        self._panel: LatencyPanel | None = None
        self._watching: Watching | None = None

    @property
    def pane(self) -> "DualPane | None":
        """The pane of the dual view while it is open."""
        return self._view.pane if self._view is not None else None

    async def toggle_dual(self) -> None:
        """Open or close the dual view, in the place of the messages."""
        if await self.close_dual() or not self._can_follow(regions=2):
            return
        from globalchat.ui.watching import WITHIN
        from globalchat.ui.widgets.dual_view import DualView

        calendar = self._view_model.model.calendar
        view = DualView(
            self._pair(),
            self._view_model.names,
            calendar=calendar,
            clock=self._clock,
            within=WITHIN,
            keys=self._view_model.keys,
        )
        self._screen.add_class("-dual")
        self._follow(anyway=True)
        await self._screen.query_one("#reading").mount(view)
        self._view = view
        self.show_channel()

    async def close_dual(self) -> bool:
        """Show the messages. Returns whether the dual view stood in their place."""
        view, self._view = self._view, None
        if view is None:
            return False
        self._screen.remove_class("-dual")
        await view.remove()
        self._follow()
        return True

    async def toggle_latency(self) -> None:
        """Open or close the latency panel, above the status line."""
        panel, self._panel = self._panel, None
        if panel is not None:
            await panel.remove()
            self._follow()
            return
        if not self._can_follow(regions=1):
            return
        from globalchat.ui.widgets.latency_panel import LatencyPanel

        self._panel = LatencyPanel(self._latency_lines)
        self._follow()
        await self._screen.mount(self._panel, before="#status")

    def show_channel(self) -> None:
        """Show the open channel."""
        if self._view is not None and self._model is not None:
            name = self._view_model.channel
            title = f"# {shown_name(name)} in both regions" if name else "Both regions"
            self._view.border_title = Content(title)
            self._view.pane.show(self._model.feed(name) if name else None)
        self.show()

    def show(self) -> None:
        """Show what changed."""
        if self._view is not None and self._model is not None:
            self._view.head.show(self._model.states)
            self._view.pane.sync()
        if self._panel is not None:
            self._panel.update()

    def is_counting(self) -> bool:
        """Whether what is shown may say something else as time passes, though nothing happens."""
        return (
            self._view is not None
            and self._model is not None
            and any(map(is_counting, self._model.states.values()))
        )

    def take(self, message: WatchTold) -> None:
        """Take in what the watch told, unless it is one that was closed."""
        if message.source is self._watching and self._model is not None:
            self._reduce(message.events, self._model)
        message.consumed.set()

    def retry_now(self) -> bool:
        """Try at once in the regions that are not live. Returns whether there is one among those followed."""
        if self._watching is None or self._model is None:
            return False
        self._watching.retry_now()
        live = {alias for alias, state in self._model.states.items() if state.phase is Phase.LIVE}
        return not live.issuperset(self._view_model.names.aliases)

    def close(self) -> None:
        """End the watch."""
        if self._watching is not None:
            self._watching.close()
            self._watching = None

    def _pair(self) -> tuple[str, str]:
        """Here and the next region, in the profile's order."""
        names = self._view_model.names
        here = self._view_model.region or names.aliases[0]
        first, second = sorted((here, names.after(here)), key=names.aliases.index)
        return first, second

    def _follow(self, *, anyway: bool = False) -> None:
        """Follow all regions if something shows them; rows of an earlier time would wait for ever."""
        wanted = anyway or self._view is not None or self._panel is not None
        if not wanted:
            self.close()
        elif self._watching is None and self.profile is not None:
            from globalchat.ui.model.side_by_side import SideBySideModel
            from globalchat.ui.watching import Watching

            self._model = SideBySideModel(self._view_model.model.calendar, self._clock)
            self._watching = Watching(self.profile, self._factory, reload=self._reload)
            work = self._watching.run(self._screen.post_message)
            self._screen.run_worker(work, name="watch", group="watch", exclusive=True)

    def _can_follow(self, *, regions: int) -> bool:
        """Whether there are so many regions to follow; says why not."""
        missing = self.profile is None or len(self._view_model.names.aliases) < regions
        if missing:
            self._screen.notify(NOT_YET if self.profile is None else ONE_REGION, markup=False)
        return not missing

    def _reduce(self, events: "Sequence[WatchEvent]", model: "SideBySideModel") -> None:
        from globalchat.client.watch import (  # loaded already: it told
            FromRegion,
            Paired,
            Unpaired,
            WatchSkipped,
        )

        for event in events:
            match event:
                case FromRegion(alias, told):
                    model.take(alias, told)
                case Paired(message, arrivals, late):
                    model.pair(message, arrivals)
                    if not late:  # after an outage it tells of the outage, not of the path
                        regions = self._view_model.names.regions
                        by_region = {regions.get(alias, alias): at for alias, at in arrivals.items()}
                        self._view_model.model.latency.pair(message.region, by_region)
                case Unpaired(message, _, missing):
                    model.give_up(message, missing)
                case WatchSkipped(count):
                    model.skip(count)

    def _latency_lines(self, width: int, compact: bool) -> list[Line]:
        book, names = self._view_model.model.latency, self._view_model.names
        if compact:
            return [latency_line(book, names, width)]
        return latency_lines(book, names, width, self._view_model.region)
