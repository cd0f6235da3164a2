"""Texts that try to act on a terminal."""

from hypothesis import strategies as st

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "\x00\x07\x1b\x7f\x9b\t\n\r\u061c\u200b\u200d\u200e\u202e\u2066\ufe0f\ufeff\U000e0041"
        ),
        st.sampled_from("aé\u0301\u0300👍🏽👨👩❤1\u20e3\ud800\u2028"),
    )
)
FORBIDDEN = [
    *map(chr, [*range(0x20), *range(0x7F, 0xA0)]),
    *"\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad",
]
