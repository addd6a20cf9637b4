"""The topics are the promised ones, and what is drawn and described of them comes from the same table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from shared.contracts import EVENTS
from shared.generate import asyncapi, picture
from shared.generate.__main__ import ROOT
from shared.topology import BY_NAME, HANDOVER, TOPICS

ASYNCAPI_SCHEMA = Path(__file__).parents[1] / "golden" / "asyncapi-3.1.0.schema.json"

PROMISED = {
    "leads.captured.v1": ("person key", {"capture", "route", "web properties"}, {"enrich"}),
    "leads.enriched.v1": ("lead_id", {"enrich"}, {"score"}),
    "leads.scored.v1": ("lead_id", {"score"}, {"route"}),
    "leads.handover.v1": ("lead_id", {"route"}, {"sales tools"}),
    "leads.nurture.v1": ("lead_id", {"route"}, {"marketing tools"}),
    "leads.outcomes.v1": ("any", {"sales tools", "route"}, {"route"}),
    "leads.commands.v1": ("lead_id, * for documents", {"every API", "route"}, {"enrich", "score", "route", "console"}),
    "leads.signals.v1": ("lead_id", {"signals"}, {"score"}),
    "leads.privacy.v1": ("subject", {"privacy requests"}, {"every service"}),
    "leads.receipts.v1": ("subject", {"every service"}, {"console"}),
    "leads.dead.v1": ("original key", {"every service"}, {"console"}),
}


def test_the_topics_are_the_promised_ones() -> None:
    assert {topic.name: (topic.key, set(topic.written_by), set(topic.read_by)) for topic in TOPICS} == PROMISED


def test_every_event_travels_on_exactly_one_topic() -> None:
    carried = [type_ for topic in TOPICS for type_ in topic.events]
    assert sorted(carried) == sorted(EVENTS)


def test_a_topic_is_found_by_its_name() -> None:
    assert len(BY_NAME) == len(TOPICS)
    assert all(BY_NAME[topic.name] is topic for topic in TOPICS)


def test_only_handovers_are_written_in_kafka_transactions() -> None:
    assert [topic for topic in TOPICS if topic.transactional] == [HANDOVER]


def test_a_dead_letter_of_the_largest_record_fits_its_topic() -> None:
    largest = max(topic.max_message_bytes for topic in TOPICS if topic.name != "leads.dead.v1")
    in_base64 = largest * 4 // 3
    assert in_base64 + 64 * 1024 < BY_NAME["leads.dead.v1"].max_message_bytes


def test_the_picture_shows_who_writes_and_reads_every_topic() -> None:
    drawn = picture.picture()
    assert "capture --> leads_captured_v1\n" in drawn
    assert "leads_captured_v1 --> enrich\n" in drawn
    assert "route ==> leads_handover_v1\n" in drawn
    assert 'sales_tools(["sales tools"])' in drawn
    arrows = sum(len(topic.written_by) + len(topic.read_by) for topic in TOPICS)
    assert drawn.count("-->") + drawn.count("==>") == arrows


def test_the_picture_changes_nothing_of_the_readme_but_what_is_between_the_markers() -> None:
    mine = f"# Mine\n\nbefore\n{picture.BEGIN}\nold\n{picture.END}\nafter\n"
    drawn = picture.readme(mine)
    assert drawn == f"# Mine\n\nbefore\n{picture.BEGIN}\n{picture.picture()}\n{picture.END}\nafter\n"
    assert picture.readme(drawn) == drawn


def test_a_readme_that_is_not_there_gets_a_skeleton_with_the_picture() -> None:
    assert picture.readme(None).startswith("# Leadflow\n")
    assert picture.picture() in picture.readme(None)


@pytest.mark.parametrize("text", ["", picture.BEGIN, picture.END + picture.BEGIN, picture.BEGIN * 2 + picture.END])
def test_a_readme_without_the_two_markers_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"README\.md must hold"):
        picture.readme(text)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The AsyncAPI document as it is committed."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "shared" / "asyncapi.yaml").read_text("utf-8"))
    return document


def test_the_asyncapi_document_is_valid_by_asyncapis_own_schema(described: dict[str, Any]) -> None:
    validator = jsonschema.Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_text("utf-8")))
    assert [error.message for error in validator.iter_errors(described)] == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [(("channels", "leads.scored.v1", "address"), 7), (("operations", "send.leads.scored.v1", "action"), "publish")],
)
def test_asyncapis_own_schema_notices_a_mistake(
    described: dict[str, Any], path: tuple[str, ...], wrong: object
) -> None:
    validator = jsonschema.Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_text("utf-8")))
    document = json.loads(json.dumps(described))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = wrong
    assert not validator.is_valid(document)


def test_every_reference_in_the_asyncapi_document_leads_somewhere(described: dict[str, Any]) -> None:
    references = list(_references(described))
    assert references
    for reference in references:
        if reference.startswith("./"):
            assert (ROOT / "shared" / reference).is_file(), reference
            continue
        inner = described
        for step in reference.removeprefix("#/").split("/"):
            inner = inner[step]


def test_every_topic_is_a_channel_with_its_messages_and_what_kafka_must_know(described: dict[str, Any]) -> None:
    for topic in TOPICS:
        channel = described["channels"][topic.name]
        assert set(channel["messages"]) == set(topic.events)
        settings = channel["bindings"]["kafka"]["topicConfiguration"]
        assert settings["retention.ms"] == (topic.retention_ms or -1)
        assert settings["max.message.bytes"] == topic.max_message_bytes
    assert len(described["channels"]) == len(TOPICS)


def test_a_message_names_its_headers_key_and_payload(described: dict[str, Any]) -> None:
    message = described["components"]["messages"]["lead.scored"]
    assert message["headers"]["properties"]["ce_type"] == {"const": "lead.scored"}
    assert "ce_id" in message["headers"]["required"]
    assert message["bindings"]["kafka"]["key"]["description"] == "lead_id"
    assert message["payload"]["schema"] == {"$ref": "./schemas/lead.scored.json"}


def test_an_outcome_may_come_without_cloudevents_headers(described: dict[str, Any]) -> None:
    assert described["components"]["messages"]["lead.outcome"]["headers"]["required"] == []


def test_leadflow_sends_and_receives_only_what_its_own_services_write_and_read(described: dict[str, Any]) -> None:
    assert "send.leads.handover.v1" in described["operations"]
    assert "receive.leads.handover.v1" not in described["operations"]
    assert "send.leads.privacy.v1" not in described["operations"]


def test_the_asyncapi_document_is_the_same_every_time() -> None:
    assert asyncapi.text() == asyncapi.text()


def _references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        for inner in document.values():
            yield from _references(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from _references(inner)
