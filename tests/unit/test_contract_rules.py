"""Within a version of a topic only optional fields are added: every other change of an event fails, and nothing is written."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from shared.generate import __main__ as generate
from shared.generate.compatibility import changes, incompatible_changes, is_newer
from shared.generate.schemas import DIALECT, Schema, schemas

Sized = Annotated[int, Meta(ge=0)]


class Part(msgspec.Struct, omit_defaults=True):
    at: str
    why: str | None = None


class Event(msgspec.Struct, omit_defaults=True):
    """An event with one field of each kind that a contract may hold."""

    event_id: str
    points: float
    verdict: Literal["good", "bad"]
    part: Part
    parts: list[Part]
    by_name: dict[str, int]
    pairs: list[tuple[str, int]]
    note: str | None = None
    size: Sized = 0


def schema_of(event: type[msgspec.Struct], topic: str = "leads.seeded.v1") -> Schema:
    return {"$schema": DIALECT, "x-topic": topic} | msgspec.json.schema(event)


def changed(name: str, kind: Any, default: Any = msgspec.NODEFAULT, *, of: type[msgspec.Struct] = Event) -> Schema:
    """The event's schema with one field of another type; NODEFAULT makes it required."""
    fields = {field.name: (field.type, field.default) for field in msgspec.structs.fields(of)} | {name: (kind, default)}
    return schema_of(_struct(of.__name__, fields))


def without(name: str) -> Schema:
    fields = {field.name: (field.type, field.default) for field in msgspec.structs.fields(Event) if field.name != name}
    return schema_of(_struct("Event", fields))


def _struct(name: str, fields: dict[str, tuple[Any, Any]]) -> type[msgspec.Struct]:
    made = [
        (key, kind) if default is msgspec.NODEFAULT else (key, kind, default) for key, (kind, default) in fields.items()
    ]
    return msgspec.defstruct(name, made, kw_only=True, omit_defaults=True)


class WiderPart(msgspec.Struct, omit_defaults=True):
    at: str
    why: str | None = None
    where: str | None = None


class StricterPart(msgspec.Struct, omit_defaults=True):
    at: str
    where: str
    why: str | None = None


class PartWithNumber(msgspec.Struct, omit_defaults=True):
    at: int
    why: str | None = None


def test_an_event_that_stays_as_it_is_changes_nothing() -> None:
    assert changes(schema_of(Event), schema_of(Event)) == []


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(changed("added", str | None, None), id="a text"),
        pytest.param(changed("added", list[str], msgspec.UNSET), id="a list"),
        pytest.param(changed("added", Part | None, None), id="a part"),
        pytest.param(changed("part", WiderPart), id="a field of a part"),
        pytest.param(changed("parts", list[WiderPart]), id="a field of a part in a list"),
    ],
)
def test_an_optional_field_may_be_added(new: Schema) -> None:
    assert changes(schema_of(Event), new) == []


def test_words_and_marks_of_personal_data_may_change() -> None:
    new = changed("points", Annotated[float, Meta(description="other words", extra_json_schema={"x-personal": True})])
    assert changes(schema_of(Event), new) == []


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (without("note"), "note: was removed"),
        (without("points"), "points: was removed"),
        (changed("added", str), "added: is new and required"),
        (changed("note", str | None), "note: was optional, is required"),
        (changed("points", float, 0.0), "points: was required, is optional"),
        (changed("points", int), "points: type was 'number', is 'integer'"),
        (changed("points", float | None), "points: type was 'number', is absent"),
        (changed("note", str, ""), "note: type was absent, is 'string'"),
        (changed("verdict", Literal["good"]), "verdict: enum was ['bad', 'good'], is ['good']"),
        (changed("verdict", Literal["good", "bad", "ugly"]), "verdict: enum was"),
        (changed("verdict", str), "verdict: enum was"),
        (changed("size", Annotated[int, Meta(ge=1)], 0), "size: minimum was 0, is 1"),
        (changed("size", Sized, 5), "size: default was 0, is 5"),
        (changed("part", StricterPart), "part.where: is new and required"),
        (changed("part", PartWithNumber), "part.at: type was 'string', is 'integer'"),
        (changed("parts", list[StricterPart]), "parts.*.where: is new and required"),
        (changed("parts", Part), "parts: type was 'array', is 'object'"),
        (changed("by_name", dict[str, str]), "by_name.*: type was 'integer', is 'string'"),
        (changed("pairs", list[tuple[str, str]]), "pairs.*.*: type was 'integer', is 'string'"),
        (changed("pairs", list[tuple[str, int, int]]), "pairs.*: maxItems was 2, is 3"),
    ],
)
def test_every_other_change_is_refused_and_named(new: Schema, said: str) -> None:
    found = changes(schema_of(Event), new)
    assert any(said in change for change in found), found


def test_an_incompatible_change_is_allowed_in_a_new_version_of_the_topic() -> None:
    old, new = {"x": schema_of(Event)}, {"x": without("note") | {"x-topic": "leads.seeded.v2"}}
    assert incompatible_changes(old, new, {"leads.seeded.v2"}) == []


@pytest.mark.parametrize("topic", ["leads.renamed.v1", "leads.renamed.v2", "leads.seeded.v0"])
def test_an_event_may_not_move_to_a_topic_that_is_no_newer_version(topic: str) -> None:
    old, new = {"x": schema_of(Event)}, {"x": schema_of(Event, topic)}
    (said,) = incompatible_changes(old, new, {topic})
    assert said == f"x: moved from leads.seeded.v1 to {topic}, which is no newer version of it"


def test_an_event_may_not_be_removed() -> None:
    assert incompatible_changes({"x": schema_of(Event)}, {}, {"leads.seeded.v1"}) == ["x: the event was removed"]
    assert incompatible_changes({"x": schema_of(Event)}, {}, set()) == ["x: the event was removed"]


def test_an_event_may_end_with_its_topic_when_there_is_a_newer_version() -> None:
    assert incompatible_changes({"x": schema_of(Event)}, {}, {"leads.seeded.v2"}) == []


def test_a_new_event_breaks_nobody() -> None:
    assert incompatible_changes({}, {"x": schema_of(Event)}, {"leads.seeded.v1"}) == []


def test_versions_are_compared_as_numbers() -> None:
    assert is_newer("leads.scored.v9", "leads.scored.v10")
    assert not is_newer("leads.scored.v2", "leads.scored.v2")
    assert not is_newer("leads.scored.v1", "leads.scored.latest")


def test_a_type_that_holds_itself_is_compared_to_the_end() -> None:
    tree = {"x-topic": "t.v1", "$ref": "#/$defs/T", "$defs": {"T": {"properties": {"in": {"$ref": "#/$defs/T"}}}}}
    other = copy.deepcopy(tree)
    other["$defs"]["T"]["properties"]["n"] = {"type": "string"}  # type: ignore[index]
    assert changes(tree, other) == []
    assert changes(other, tree) == ["n: was removed"]


# -- the command, on a folder of its own ---------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with everything generated and current."""
    assert generate.main([], tmp_path) == 0
    return tmp_path


def edit(path: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")


def scored(document: Any) -> Any:
    return document["$defs"]["Scored"]


def test_what_was_just_generated_is_current(root: Path) -> None:
    assert generate.main(["--check"], root) == 0


@pytest.mark.parametrize("name", ["shared/asyncapi.yaml", "shared/schemas/lead.scored.json", "README.md"])
def test_a_missing_document_is_named_as_stale_and_written_again(
    root: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / name).unlink()
    assert generate.main(["--check"], root) == 1
    assert capsys.readouterr().err == f"{name} is stale. Run: python -m shared.generate\n"
    assert not (root / name).exists()
    assert generate.main([], root) == 0
    assert generate.main(["--check"], root) == 0


def test_an_added_optional_field_is_stale_until_it_is_generated(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "shared/schemas/lead.scored.json"
    edit(path, lambda document: scored(document)["properties"].pop("probability"))  # as if the code had just added it
    assert generate.main(["--check"], root) == 1
    assert "shared/schemas/lead.scored.json is stale" in capsys.readouterr().err
    assert generate.main([], root) == 0
    assert json.loads(path.read_text("utf-8")) == schemas()["lead.scored"]


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_an_incompatible_change_fails_the_build_and_writes_nothing(
    root: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "shared/schemas/lead.scored.json"
    edit(path, lambda document: scored(document)["properties"].update(mood={"type": "string"}))  # as if it was removed
    (root / "README.md").unlink()
    before = path.read_bytes()
    assert generate.main(arguments, root) == 1
    said = capsys.readouterr().err
    assert said.startswith("lead.scored: mood: was removed\n")
    assert "Add an optional field instead" in said
    assert path.read_bytes() == before
    assert not (root / "README.md").exists()


def test_a_new_version_of_the_topic_lets_an_incompatible_change_through(root: Path) -> None:
    path = root / "shared/schemas/lead.scored.json"
    edit(path, lambda document: scored(document)["properties"].update(mood={"type": "string"}))
    edit(path, lambda document: document.update({"x-topic": "leads.scored.v0"}))
    assert generate.main([], root) == 0
    assert json.loads(path.read_text("utf-8")) == schemas()["lead.scored"]


def test_the_schema_of_an_event_that_ended_with_its_topic_is_removed(root: Path) -> None:
    path = root / "shared/schemas/lead.hinted.json"
    path.write_text(json.dumps(schema_of(Event, "leads.signals.v0")), "utf-8")
    assert generate.main(["--check"], root) == 1
    assert generate.main([], root) == 0
    assert not path.exists()


def test_a_readme_that_lost_its_markers_is_said_in_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "README.md").write_text("# Leadflow\n", "utf-8")
    assert generate.main(["--check"], root) == 1
    assert "README.md must hold" in capsys.readouterr().err


def test_the_committed_documents_are_current_and_compatible(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("type_", sorted(schemas()))
def test_removing_any_field_of_any_event_is_noticed(type_: str) -> None:
    whole = schemas()[type_]
    for name, part in whole["$defs"].items():
        for field in part["properties"]:
            less = copy.deepcopy(whole)
            less["$defs"][name]["properties"].pop(field)
            found = changes(whole, less)
            assert found, f"{name}.{field}"
            assert all(change.endswith(f"{field}: was removed") for change in found)
