"""The lines of the chat screen: the header, the status line above the composer, the footer."""

from dataclasses import dataclass, replace

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from globalchat.core.interpreter import as_typed_here
from globalchat.ui.model.header import HeaderView, header
from globalchat.ui.model.status import Banner, BarPiece, banner_lines, target_at

_HEADER_LOOK = {
    "brand": "bold $text-primary",
    "channel": "bold $text-primary",
    "success": "$text-success",
    "warning": "$text-warning",
    "error": "bold $text-error",
    "muted": "$text-muted",
    "unread": "bold $text-accent",
    "plain": "$text",
}
_LIGHT = _HEADER_LOOK | {"success": "$text", "warning": "bold $text"}
"""The same in light themes, where green or orange words would be illegible, but a sign can be seen."""


class Header(Widget):
    """Shows region, state and latency; channel and unread messages if there is no list; the profile.

    `now` is epoch ms.
    """

    class Clicked(Message):
        """Posted for a click on a part with a target, which is as in `globalchat.ui.model.header`."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self, view: HeaderView, now: int, *, id: str | None = None) -> None:  # noqa: A002 (Textual's)
        super().__init__(id=id)
        self._view = view
        self._now = now
        self._shown: list[BarPiece] = []

    def show(self, view: HeaderView, now: int) -> None:
        """Show a view at a time (epoch ms), repainting only pieces that differ."""
        self._view, self._now = view, now
        if self._pieces() != self._shown:
            self.refresh()

    def render(self) -> Content:
        """Return the pieces that fit."""
        self._shown = self._pieces()
        look = _HEADER_LOOK if self.app.current_theme.dark else _LIGHT
        return Content.assemble(
            *(
                (piece.text, _HEADER_LOOK[piece.role] if piece.sign else look[piece.role])
                for piece in self._shown
            )
        )

    def on_click(self, event: events.Click) -> None:
        """Post the target of the part under the mouse."""
        target = target_at(self._shown, event.x)
        if target is not None:
            self.post_message(self.Clicked(target))

    def _pieces(self) -> list[BarPiece]:
        # A flat window has no room for the channel strip.
        has_channels = not self.screen.has_class("-flat")
        return header(self._view, self.size.width, self._now, has_channels=has_channels)


_STATUS_LOOK = {"warning": "$text", "error": "$text", "muted": "$text-muted"}
"""Background and glyph show the tone, as coloured text would not be legible in every theme."""
_GLYPH = {"warning": "▲ ", "error": "✖ ", "muted": ""}


class StatusLine(Widget):
    """Shows a problem, the result of an action, or unread channels.

    The line is always there, so that a short sentence moves nothing; a long one wraps. Without a sentence,
    in a window without room for borders, it separates the messages from the composer.
    """

    class Clicked(Message):
        """Posted for a click on a hint: `target` is the id of an action."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._banner = self._unadapted = Banner("", "muted")
        self._notice: Banner | None = None
        self._lasting: tuple[Banner | None, str] = (None, "")
        self._notice_timer: Timer | None = None
        self._measured = (0, 0)

    @property
    def text(self) -> str:
        """The text that is shown."""
        return self._banner.text

    def show(self, banner: Banner | None, hint: str) -> None:
        """Show the banner, or else the hint, as soon as no notice is shown."""
        self._lasting = banner, hint
        shown = self._notice or banner or Banner(hint, "muted")
        if shown != self._unadapted:
            self._unadapted = shown
            self._banner = replace(shown, said=as_typed_here(shown.said))
            self.set_class(shown.tone == "warning", "-warning")
            self.set_class(shown.tone == "error", "-error")
            # A countdown only repaints; only a sentence of another height moves other widgets.
            width, height = self._measured
            self.refresh(layout=len(self._lines(width)) != height)

    def show_notice(self, text: str, seconds: float) -> None:
        """Show a notice instead for some seconds."""
        self._notice = Banner(text, "muted")
        self.show(*self._lasting)
        if self._notice_timer is not None:
            self._notice_timer.stop()
        self._notice_timer = self.set_timer(seconds, self.close_notice)

    def close_notice(self) -> None:
        """Show the banner or hint again."""
        self._notice = None
        if self._notice_timer is not None:
            self._notice_timer.stop()
            self._notice_timer = None
        self.show(*self._lasting)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's)
        """Return the number of lines of the sentence."""
        self._measured = width, len(self._lines(width))
        return self._measured[1]

    def render(self) -> Content:
        """Return the sentence with a glyph for its tone; hints look clickable."""
        if not self._banner.text and self._is_rule():
            return Content.styled("─" * self.size.width, "$foreground 20%")
        lines = [
            Content.assemble(*((piece.text, self._look(piece)) for piece in line))
            for line in self._lines(self.size.width)
        ]
        return Content("\n").join(lines)

    def on_click(self, event: events.Click) -> None:
        """Post the hint under the mouse, or the first one."""
        hints = self._banner.hints
        if not hints:
            return
        offset = event.get_content_offset(self)
        lines = self._lines(self.size.width)
        clicked = lines[offset.y] if offset is not None and offset.y < len(lines) else []
        target = target_at(clicked, offset.x) if offset is not None else None
        self.post_message(self.Clicked(target or hints[0].target))

    def _is_rule(self) -> bool:
        has_borders = self.screen.has_class("-wide") or self.screen.has_class("-high")
        return not has_borders

    def _lines(self, width: int) -> list[list[BarPiece]]:
        banner = self._banner
        shown = Banner(_GLYPH[banner.tone] + banner.said, banner.tone, banner.hints)
        return banner_lines(shown, width)

    def _look(self, piece: BarPiece) -> str:
        tone = _STATUS_LOOK[self._banner.tone]
        return f"bold underline {tone}" if piece.target is not None else tone


@dataclass(frozen=True, slots=True)
class _Key:
    """A key in the footer: what it is called, what it does, and whether it does so now."""

    key: str
    title: str
    description: str
    enabled: bool
    tooltip: str

    @property
    def content(self) -> Content:
        """The key and what it does."""
        dim = "" if self.enabled else "dim "
        return Content.assemble(
            (self.title, f"{dim}bold $text-accent"), (f" {self.description}", f"{dim}$foreground")
        )


class Footer(Widget):
    """Shows the keys that are valid now, that of the palette at the right; a click on one presses it.

    Textual's own has a widget for each key, which together take a tenth of the chat's start. It also stays
    empty if the terminal does not have the focus when the chat opens, as in a split window.
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[_Key] = []
        self._palette: _Key | None = None

    def on_mount(self) -> None:
        """Follow the keys of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self.bindings_changed)

    def on_unmount(self) -> None:
        """Follow them no longer."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Show the keys that are valid now; without the focus, keep the previous ones."""
        # Below a dialog they stay, too.
        if not self.is_attached or screen is not self.app.screen:
            return
        if self._keys and not self.app.app_focus:
            return
        keys, palette = self._valid_keys()
        if (keys, palette) != (self._keys, self._palette):
            self._keys, self._palette = keys, palette
            self.refresh()

    def render(self) -> Content:
        """Return the keys that fit."""
        right = (
            Content.assemble(("▏", "$foreground 20%"), self._palette.content, " ")
            if self._palette
            else Content()
        )
        room = max(0, self.size.width - right.cell_length)
        left = Content(" ").join(key.content for key in self._keys).truncate(room)
        return left.pad_right(room - left.cell_length) + right

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show the tooltip of the key under the mouse."""
        key = self._key_at(event.x)
        self.set_class(key is not None, "-over")
        if (tooltip := key.tooltip if key else None) != self.tooltip:
            self.tooltip = tooltip

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the mouse."""
        key = self._key_at(event.x)
        if key is not None and key.enabled:
            self.app.simulate_key(key.key)
        elif key is not None:
            self.app.bell()

    def _valid_keys(self) -> tuple[list[_Key], _Key | None]:
        keys: dict[str, _Key] = {}
        palette = None
        for key, (_, binding, enabled, tooltip) in self.screen.active_bindings.items():
            shown = self.app.get_key_display(binding)
            description = binding.description
            found = _Key(binding.key, shown, description, enabled, tooltip or description)
            if binding.show:
                keys.setdefault(binding.action, found)
            if key == self.app.COMMAND_PALETTE_BINDING:
                palette = found
        return list(keys.values()), palette

    def _key_at(self, x: int) -> _Key | None:
        """Return the key at a column, None between them."""
        start = self.size.width
        if self._palette is not None:
            start -= self._palette.content.cell_length + 2
            if x >= start:
                return self._palette
        end = 0
        for key in self._keys:
            end += key.content.cell_length
            if x < end:
                return key
            end += 1
            if x < end:
                return None
        return None
