"""Strips create their caches on demand, and are like Textual's in all else."""

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.cache import FIFOCache
from textual.strip import Strip

from globalchat.ui.strip_caches import _whole, create_on_demand


@pytest.fixture(autouse=True)
def _on_demand() -> None:
    create_on_demand()


def created(strip: Strip) -> set[str]:
    """Return which caches a strip has."""
    found = set()
    for name in Strip.__slots__:
        try:
            value = object.__getattribute__(strip, name)
        except AttributeError:
            continue
        if isinstance(value, FIFOCache):
            found.add(name)
    return found


def test_every_attribute_is_that_of_textual() -> None:
    assert created(_whole)  # by Textual's own method
    strip = Strip([])
    assert {name: repr(getattr(strip, name)) for name in Strip.__slots__} == {
        name: repr(getattr(_whole, name)) for name in Strip.__slots__
    }


def test_a_cache_is_created_by_its_first_use_and_used_by_the_next() -> None:
    strip = Strip([Segment("one two")], 7)
    assert created(strip) == set()
    cropped = strip.crop(0, 3)
    assert cropped.text == "one"
    assert created(strip) == {"_crop_cache"}
    assert strip.crop(0, 3) is cropped
    assert [part.text for part in strip.divide([4, 7])] == ["one ", "two"]
    (segment,) = strip.apply_style(Style(bold=True))
    assert segment == Segment("one two", Style(bold=True))
    assert created(strip) == {"_crop_cache", "_divide_cache", "_style_cache"}


def test_an_attribute_that_no_strip_has_is_named() -> None:
    strip = Strip([Segment("one")])
    with pytest.raises(AttributeError, match="'Strip' object has no attribute 'colour'"):
        strip.colour  # type: ignore[attr-defined]  # noqa: B018
    assert getattr(strip, "colour", None) is None
