import pytest

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Unsupported
from globalchat.localcloud.events.input_path import InputPath

DOCUMENT: JSON = {"detail": {"a-b": [1, {"c": None}], "x y": 2}, "source": "s"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", DOCUMENT),
        ("$.detail.a-b[*]", [1, {"c": None}]),
        ("$.detail.*", [[1, {"c": None}], 2]),
        ("$.detail.a-b[*].c", [None]),
        ("$.source.*", None),
        ("$.source", "s"),
        ("$.detail.a-b[0]", 1),
        ("$.detail.a-b[1].c", None),
        ("$.detail['x y']", 2),
        ("$.detail.gone.deeper", None),
        ("$.detail.a-b[7]", None),
        ("$.source[0]", None),
    ],
)
def test_a_path_finds_what_is_there(path: str, expected: object) -> None:
    assert InputPath.parse(path).of(DOCUMENT) == expected


@pytest.mark.parametrize("path", ["detail", "$.", "$..a", "$.a.b*", "$.a[-1]", "$.a[?(@.b)]", "$ "])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(Unsupported, match="the path"):
        InputPath.parse(path)
