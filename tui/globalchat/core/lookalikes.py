"""Finds names that look like another: other letters of the same shape, hidden characters, blanks. Pure.

The shapes are those of Unicode's list of confusable characters (UTS 39) that are found in names: the letters
of Cyrillic, Greek, Armenian, Cherokee and IPA that look like Latin ones. Full-width and mathematical letters
fall to NFKC.
"""

import re
import unicodedata
from functools import lru_cache

_LONGEST = 256
"""The characters of a name that are compared."""

_SHAPES = {
    "a": "аαɑạąȧ⍺ꭺᴀ",
    "b": "ƄьҌɓᖯвʙ",
    "c": "сϲᴄⅽƈҫ",
    "d": "ԁɗďđժⅾ",
    "e": "еєҽɛεᴇэ℮",
    "f": "ғƒքꞙ",
    "g": "ɡցǵġɢ",
    "h": "һհнʜ",
    "i": "іιıɪΙӏɩ",
    "j": "јϳʝյᴊ",
    "k": "кκᴋҡқ",
    "l": "ⅼɫʟ|ǀ∣",
    "m": "мᴍⅿӎ",
    "n": "пոռηɴᴎ",
    "o": "оοօσᴏөɵø०০๐",
    "p": "рρϱᴘ",
    "q": "ԛգզʠ",
    "r": "гᴦʀɼꭇ",
    "s": "ѕꜱʂ",
    "t": "тτᴛţ",
    "u": "υսμцʊᴜ",
    "v": "ѵνᴠⅴ",
    "w": "ԝωѡɯᴡшա",
    "x": "хχⅹ×",
    "y": "уγүყʏ",
    "z": "ᴢʐƶ",
}
_CAPITALS = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧАВЕКМНОРСТУХ", "abezhikmnoptyxabekmhopctyx")
"""Greek and Cyrillic capitals, whose small letters have other shapes."""
_DIGITS = {"o": "0", "l": "1i!", "e": "3", "a": "4@", "s": "5$", "t": "7", "b": "8"}
_FOLDED = str.maketrans(
    {
        character: letter
        for shapes in (_SHAPES, _DIGITS)
        for letter, characters in shapes.items()
        for character in characters.casefold()
    }
    | dict.fromkeys("іιıɪӏɩ", "l")
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
"""Letters that look like one letter when they stand together."""
_CLAIMS = re.compile(r"\b(?:verified|official|person|real)\b")
"""Words with which a name claims to be verified."""
_ADDITION = re.compile(r"\s*[(\[<{].*", re.DOTALL)
"""What stands in parentheses behind a name."""


@lru_cache(4096)  # Cached: a few names come again and again.
def shape(name: str) -> str:
    """Return the shape of a name: equal for names that a reader could take for each other; it may be empty.

    Case, accents, blanks, punctuation and characters that are not shown make no difference, and neither do
    letters of other scripts, digits and pairs of letters that look alike.
    """
    folded = unicodedata.normalize("NFKC", name[:_LONGEST]).translate(_CAPITALS).casefold()
    folded = unicodedata.normalize("NFKD", folded).translate(_FOLDED)
    letters = "".join(each for each in folded if each.isalnum())
    for pair, letter in _PAIRS:
        letters = letters.replace(pair, letter)
    return letters


@lru_cache(4096)
def shapes_of_claim(name: str) -> frozenset[str]:
    """Return the shapes of all that a name may claim to be: as a whole, before an @, without additions."""
    plain = unicodedata.normalize("NFKC", name[:_LONGEST])
    forms = {plain, _ADDITION.sub("", plain), _CLAIMS.sub("", plain.casefold())}
    forms |= {form.lstrip(" @").partition("@")[0] for form in forms}
    return frozenset(found for form in forms if (found := shape(form)))
