"""Damaged assemblies: refused in a sentence, or booted; never a crash."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.core.resources import TEMPLATES
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.provisioning.assembly import read
from globalchat.localcloud.provisioning.provisioner import provision
from tests.localcloud.helpers.small_backend import URLS

FILES = {file.name: file.read_bytes() for file in TEMPLATES.iterdir()}
API = "globalchat-oregon-api.template.json"
RELAY = "globalchat-oregon-relay.template.json"

Path_ = tuple[str | int, ...]


def boot(files: dict[str, bytes]) -> tuple[str, ...]:
    """Read and provision; the TemplateError's sentences, if there is one."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            (folder / file).write_bytes(content)
        try:
            assembly = read(folder)
            provision(assembly, urls={stack.region: URLS["us-west-2"] for stack in assembly.stacks})
        except TemplateError as error:
            return error.sentences
    return ()


def is_booted_or_refused(files: dict[str, bytes]) -> bool:
    return all(sentence.endswith(".") and "\n" not in sentence for sentence in boot(files))


def places(value: JSON, path: Path_ = ()) -> Iterator[Path_]:
    """The path of every value inside a value."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


DOCUMENTS = {name: json.loads(FILES[name]) for name in (API, RELAY, "manifest.json")}
PLACES = [(name, path) for name, document in DOCUMENTS.items() for path in places(document) if path]

odd = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            -1,
            10**300,
            "",
            "x",
            "arn:aws:events:us-west-2:000000000000:event-bus/x",
            "\ud800",
            "9" * 5000,
            "{" * 3000,
            [],
            {},
            [[]],
            {"Ref": "AWS::NoValue"},
            {"Ref": "AWS::Region"},
            {"Ref": "BusEA82B648"},
            {"Fn::GetAtt": ["GraphqlApi5FB08D89", "Arn"]},
            {"Fn::GetAtt": "GraphqlApi5FB08D89"},
            {"Fn::Join": ["", ["a", {"Ref": "AWS::Region"}]]},
            {"Fn::Join": [{"Ref": "AWS::NoValue"}, 1]},
            {"Fn::Select": ["9" * 5000, []]},
            {"Fn::Split": ["", ""]},
            {"Fn::Sub": "${A.B}${!C}${AWS::Region}${"},
            {"Fn::Sub": ["${a}", {"a": {"Ref": "a"}}]},
            {"Fn::If": ["a", "b", "c"]},
        ]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=5,
    ),
)


def changed(document: JSON, path: Path_, value: JSON, *, remove: bool) -> JSON:
    copy: Any = json.loads(json.dumps(document))
    at = copy
    for key in path[:-1]:
        at = at[key]
    if remove:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    changed_copy: JSON = copy
    return changed_copy


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(PLACES), odd, st.booleans())
def test_any_value_may_be_replaced_or_removed(place: tuple[str, Path_], value: JSON, remove: bool) -> None:
    name, path = place
    document = changed(DOCUMENTS[name], path, value, remove=remove)
    assert is_booted_or_refused({**FILES, name: json.dumps(document).encode()})


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(sorted(FILES)), st.binary(max_size=60), st.integers(0, 40_000), st.integers(0, 200))
def test_any_bytes_may_be_replaced(name: str, noise: bytes, offset: int, length: int) -> None:
    content = FILES[name]
    start = offset % len(content)
    assert is_booted_or_refused({**FILES, name: content[:start] + noise + content[start + length :]})


@pytest.mark.parametrize(
    "text", ["[" * 900 + "]" * 900, "1" * 5000, '"\\ud800"', '{"a":' * 101 + "1" + "}" * 101]
)
@pytest.mark.parametrize("name", ["manifest.json", API])
def test_extremes_are_refused(name: str, text: str) -> None:
    document = f'{{"artifacts": {{}}, "Resources": {text}}}'
    with TemporaryDirectory() as folder:
        for file, content in FILES.items():
            (Path(folder) / file).write_bytes(content)
        (Path(folder) / name).write_text(document)
        with pytest.raises(TemplateError, match=name):
            read(Path(folder))


def test_a_text_that_doubles_again_and_again_is_refused() -> None:
    document = json.loads(FILES[API])
    resources = document["Resources"]
    (template,) = [r for r in resources.values() if r["Properties"].get("FieldName") == "channels"]
    for number in range(40):
        twice = {"Fn::Join": ["", [{"Ref": f"R{number - 1}"}] * 2]} if number else "x" * 100
        resources[f"R{number}"] = {**template, "Properties": {**template["Properties"], "TypeName": twice}}
    with TemporaryDirectory() as folder:
        for file, content in FILES.items():
            (Path(folder) / file).write_bytes(content)
        (Path(folder) / API).write_text(json.dumps(document))
        with pytest.raises(TemplateError, match="makes a text of more than 1048576 characters"):
            provision(read(Path(folder)), urls=URLS)


def test_an_assembly_that_is_not_damaged_boots() -> None:
    assert not boot(FILES)


def test_a_byte_order_mark_is_no_damage_and_utf16_is_a_sentence() -> None:
    assert not boot({name: b"\xef\xbb\xbf" + content for name, content in FILES.items()})
    (sentence,) = boot(FILES | {API: FILES[API].decode().encode("utf-16")})
    assert "UTF-8" in sentence
