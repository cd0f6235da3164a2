import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.core.text import sanitize
from globalchat.ui.model.links import find_links, is_web

PAYPAL = "xn--pypal-4ve.com"


def found(text: str) -> list[str]:
    return [text[link.start : link.end] for link in find_links(text)]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://example.com/a?b=c#d.", ["https://example.com/a?b=c#d"]),
        ("(http://example.com/x_(y))", ["http://example.com/x_(y)"]),
        ("HTTPS://EXAMPLE.com, and http://b.example!", ["HTTPS://EXAMPLE.com", "http://b.example"]),
        ("<https://example.com>", ["https://example.com"]),
        ("http://[::1]:8080/x http://[::1", ["http://[::1]:8080/x"]),
        ("javascript://x file:///etc/passwd ssh://h ftp://h data:x", []),
        ("https:// http://: https://:80 http://x:99999 http://" + "a" * 70 + "é.com", []),
        ("no link", []),
    ],
)
def test_only_web_links_without_the_punctuation_around(text: str, links: list[str]) -> None:
    assert found(text) == links


@pytest.mark.parametrize(
    ("text", "url", "warning"),
    [
        ("https://example.com", "https://example.com", None),
        ("https://example.com/ü", "https://example.com/%C3%BC", None),
        (
            "https://paypal.com@evil.example/login",
            "https://paypal.com@evil.example/login",
            "this link leads to evil.example, not to paypal.com",
        ),
        (
            "https://p\u0430ypal.com",
            "https://xn--pypal-4ve.com",
            f"this link leads to {PAYPAL} (written p\u0430ypal.com) and mixes Cyrillic and Latin letters",
        ),
        (
            "https://xn--pypal-4ve.com/x",
            "https://xn--pypal-4ve.com/x",
            f"this link leads to {PAYPAL} (written p\u0430ypal.com) and mixes Cyrillic and Latin letters",
        ),
        (
            "https://münchen.example",
            "https://xn--mnchen-3ya.example",
            "this link leads to xn--mnchen-3ya.example (written münchen.example)",
        ),
        (
            "http://3232235777/",
            "http://3232235777/",
            "this link leads to the number 3232235777, not to a name",
        ),
    ],
)
def test_a_host_that_could_deceive_is_named(text: str, url: str, warning: str | None) -> None:
    (link,) = find_links(text)
    assert (link.url, link.warning) == (url, warning)


PARTS = st.one_of(
    st.sampled_from(["https://", "http://", "HTTP://", "xn--", "com", "%00", "%1b", "\x1b]8;;", "\ud800"]),
    st.sampled_from("aж日.@:/?#[]%1 \u202e\x07\\;'\"⅓。"),
)


@settings(deadline=None, max_examples=400)
@given(st.lists(PARTS, max_size=14).map("".join))
def test_no_text_gives_a_link_that_a_terminal_or_browser_could_stumble_over(raw: str) -> None:
    text = sanitize(raw)
    end = 0
    for link in find_links(text):
        assert end <= link.start < link.end <= len(text)
        end = link.end
        assert link.url.startswith(("http://", "https://"))
        assert is_web(link.url)
        assert link.url.isascii()
        assert all(0x21 <= ord(character) < 0x7F for character in link.url)
        assert sanitize(link.warning or "", multiline=False) == (link.warning or "")


@pytest.mark.parametrize(
    "url",
    ["", "javascript:alert(1)", "file:///x", "http://", "//x", "http://a\x1b", "http://é", "https://[::1"],
)
def test_nothing_else_is_opened(url: str) -> None:
    assert not is_web(url)
