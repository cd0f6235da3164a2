import pytest

from globalchat.localcloud.dynamodb.conditions import holds, paths_of, project
from globalchat.localcloud.dynamodb.expressions import Path, Placeholders, parse_condition, parse_projection
from globalchat.localcloud.dynamodb.items import Item, Value

BICYCLE: Item = {
    "Id": {"N": "456"},
    "Title": {"S": '20" Bicycle 205 \U0001f6b2'},
    "Price": {"N": "500"},
    "Color": {"SS": ["Red", "Black"]},
    "Sizes": {"NS": ["1", "2.5"]},
    "InStock": {"BOOL": True},
    "QuantityOnHand": {"NULL": True},
    "RelatedItems": {"L": [{"N": "341"}, {"N": "472"}, {"S": "649"}]},
    "Pictures": {"M": {"FrontView": {"S": "http://example.com/front.jpg"}, "Rear": {"L": [{"S": "r"}]}}},
    "Count": {"N": "0"},
}
VALUES: dict[str, Value] = {
    ":500": {"N": "500"}, ":5000": {"N": "5000"}, ":text": {"S": "500"}, ":red": {"S": "Red"},
    ":http": {"S": "http://"}, ":yes": {"BOOL": True}, ":null": {"NULL": True}, ":SS": {"S": "SS"},
    ":341": {"N": "341"}, ":2_5": {"N": "2.5"}, ":colors": {"SS": ["Black", "Red"]}, ":3": {"N": "3"},
    ":2": {"N": "2"}, ":0": {"N": "0"}, ":18": {"N": "18"}, ":bicycle": {"S": "Bicycle"},
}  # fmt: skip


def outcome(text: str) -> bool:
    return holds(parse_condition(text, Placeholders({"#c": "Count"}, VALUES), "FilterExpression"), BICYCLE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Price = :500", True),
        ("Price <> :500", False),
        ("Price < :5000", True),
        ("Price >= :5000", False),
        ("Price = :text", False),
        ("Price <> :text", True),
        ("Price < :text", False),
        ("Absent = :500", False),
        ("Absent <> :500", True),
        ("NOT Absent = :500", True),
        ("Absent < :500", False),
        ("Price BETWEEN :341 AND :500", True),
        ("Price BETWEEN :0 AND :341", False),
        ("Absent BETWEEN :0 AND :341", False),
        ("Price IN (:341, :500)", True),
        ("Price IN (:341, :text)", False),
        ("Color = :colors", True),
        ("InStock = :yes", True),
        ("QuantityOnHand = :null", True),
        ("Id < Price", True),
        ("attribute_exists(Pictures.FrontView)", True),
        ("attribute_exists(Pictures.Side)", False),
        ("attribute_exists(Pictures[0])", False),
        ("attribute_exists(RelatedItems[2])", True),
        ("attribute_exists(RelatedItems[3])", False),
        ("attribute_exists(RelatedItems.x)", False),
        ("attribute_not_exists(Absent)", True),
        ("attribute_not_exists(QuantityOnHand)", False),
        ("attribute_type(Color, :SS)", True),
        ("attribute_type(Price, :SS)", False),
        ("begins_with(Pictures.FrontView, :http)", True),
        ("begins_with(Title, :http)", False),
        ("begins_with(Price, :http)", False),
        ("contains(Color, :red)", True),
        ("contains(Color, :text)", False),
        ("contains(Sizes, :2_5)", True),
        ("contains(Sizes, :3)", False),
        ("contains(Title, :bicycle)", True),
        ("contains(Title, :500)", False),
        ("contains(RelatedItems, :341)", True),
        ("contains(RelatedItems, :text)", False),
        ("size(Color) = :2", True),
        ("size(RelatedItems) = :3", True),
        ("size(Title) = :18", True),
        ("size(Price) = :3", False),
        ("size(Absent) = :0", False),
        ("Price = :500 AND InStock = :yes", True),
        ("Price = :500 AND Absent = :yes", False),
        ("Price = :text OR InStock = :yes", True),
        ("NOT (Price = :500 AND InStock = :yes)", False),
        ("#c = :0", True),
    ],
)
def test_a_condition_on_the_documented_item(text: str, expected: bool) -> None:
    assert outcome(text) is expected


def test_all_paths_of_a_condition_are_found() -> None:
    text = "x = :a AND NOT (y IN (:a, z) OR size(w) BETWEEN :a AND v) AND contains(u, t)"
    parsed = parse_condition(text, Placeholders(None, {":a": {"S": "a"}}), "FilterExpression")
    assert [path.parts[0] for path in paths_of(parsed)] == ["x", "y", "z", "w", "v", "u", "t"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Title", {"Title": BICYCLE["Title"]}),
        ("Price, Absent", {"Price": {"N": "500"}}),
        ("Absent.deeper[3]", {}),
        ("Pictures.FrontView", {"Pictures": {"M": {"FrontView": {"S": "http://example.com/front.jpg"}}}}),
        ("RelatedItems[2], RelatedItems[0]", {"RelatedItems": {"L": [{"N": "341"}, {"S": "649"}]}}),
        ("RelatedItems[9]", {}),
        ("Pictures.Rear[0]", {"Pictures": {"M": {"Rear": {"L": [{"S": "r"}]}}}}),
        ("Title.x", {}),
    ],
)
def test_a_projection_takes_parts(text: str, expected: Item) -> None:
    assert project(BICYCLE, parse_projection(text, Placeholders(None, None))) == expected


def test_a_path_is_shown_as_dynamodb_shows_it() -> None:
    assert str(Path(("a", 1, "b"))) == "[a, [1], b]"
