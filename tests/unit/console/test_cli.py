"""The command line says in one sentence what went wrong, and nothing from outside reaches a terminal as it is."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from services.capture import settings as capture_settings
from services.console import ask, screen, where
from services.console.cli import app
from services.console.commands.dead import readable
from services.console.commands.send import Kind, event
from services.console.where import Trouble
from services.enrich import settings as enrich_settings
from services.route import settings as route_settings
from services.score import settings as score_settings

ROOT = Path(__file__).parents[3]


def run(*arguments: str, home: Path, **environment: str) -> tuple[int, str, str]:
    environment = {"LEADFLOW_HOME": str(home), "LEADFLOW_PORT_BASE": "1", "NO_COLOR": "1", **environment}
    result = CliRunner().invoke(app, list(arguments), env=environment)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("property", "list"),
        ("property", "add", "acme"),
        ("property", "delete", "acme", "--yes"),
        ("property", "hook", "list", "acme"),
        ("send", "form", "contact", "--key", "wk_1"),
        ("tail",),
        ("lead", "show", "jo@acme.example"),
        ("lead", "explain", "ld_1", "--as-of", "2026-11-27T09:00Z"),
        ("lead", "merge", "ld_1", "ld_2"),
        ("lead", "split", "ld_1", "jo@acme.example"),
        ("lead", "human", "ld_1", "an-activity", "0"),
        ("lead", "assign", "ld_1", "anna"),
        ("lead", "disqualify", "ld_1", "--reason", "a competitor"),
        ("lead", "suppress", "ld_1"),
        ("handovers", "list"),
        ("handovers", "show", "ho_ld_1_1_1"),
        ("review", "list"),
        ("review", "accept", "an-id"),
        ("account", "show", "acme.example"),
        ("rules", "list"),
        ("rules", "show", "0123456789ab"),
        ("rules", "diff", "0123456789ab"),
        ("rules", "draft", __file__),
        ("rules", "publish", __file__),
        ("rules", "rollback"),
        ("rules", "status"),
        ("rules", "shadow"),
        ("rules", "shadow", "--off"),
        ("dead", "list"),
        ("dead", "replay", "--all"),
        ("topics", "plan"),
        ("rebuild", "score"),
        ("status",),
        ("stack", "kill", "score"),
    ],
)
def test_without_a_stack_each_command_says_so_on_stderr_and_how_to_start_one(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    code, out, err = run(*arguments, home=tmp_path)
    assert code == 1
    assert out == ""
    assert "leads up" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("tail", "no-such-topic"),
        ("send", "form", "contact"),
        ("send", "form", "contact", "nonsense", "--key", "wk_1"),
        ("send", "fax", "contact"),
        ("property", "set", "acme"),
        ("property", "set", "acme", "--without", "name"),
        ("property", "hook", "add", "acme", "meta"),
        ("property", "hook", "add", "acme", "meta", "--secret-file", "/nowhere"),
        ("lead", "split", "ld_1"),
        ("lead", "human", "ld_1", "an-activity", "2"),
        ("lead", "disqualify", "ld_1"),
        ("dead", "replay"),
        ("dead", "replay", "an-id", "--all"),
        ("nothing",),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    code, _, err = run(*arguments, home=tmp_path)
    assert code == 2
    assert "Error" in err


def test_every_command_has_help_and_json(tmp_path: Path) -> None:
    for path in (
        ("property", "add"),
        ("property", "list"),
        *(("property", one) for one in ("show", "set", "rotate-key", "revoke-key", "pause", "resume", "delete")),
        *(("property", "hook", one) for one in ("add", "list", "remove")),
        ("send",),
        ("tail",),
        *(("lead", one) for one in ("show", "merge", "split", "human", "assign", "disqualify", "suppress")),
        *(("handovers", one) for one in ("list", "show")),
        *(("review", one) for one in ("list", "accept", "reject")),
        *(("account", one) for one in ("show", "list")),
        ("dead", "list"),
        ("dead", "show"),
        ("dead", "replay"),
        ("dead", "accept"),
        ("topics", "plan"),
        ("topics", "apply"),
        ("rebuild",),
        ("demo",),
        ("status",),
        ("doctor",),
    ):
        code, out, _ = run(*path, "--help", home=tmp_path)
        assert code == 0
        assert "--json" in re.sub(r"\x1b\[[0-9;]*m", "", out), path


def test_a_property_is_deleted_only_when_somebody_says_yes(tmp_path: Path) -> None:
    code, _, err = run("property", "delete", "acme", home=tmp_path)
    assert code == 1
    assert "can't be undone" in err
    assert "leads up" not in err


def test_a_map_that_is_neither_json_nor_yaml_is_told_by_its_line(tmp_path: Path) -> None:
    secret, map_ = tmp_path / "secret", tmp_path / "map.yaml"
    secret.write_text("a secret of the vendor")
    map_.write_text("traits:\n  email: [\n")
    files = ("--secret-file", str(secret), "--map", str(map_))
    code, _, err = run("property", "hook", "add", "acme", "generic", *files, home=tmp_path)
    assert code == 1
    assert "map.yaml, line 3" in err


def test_capture_can_not_be_rebuilt_since_its_store_stands_on_no_topic(tmp_path: Path) -> None:
    code, _, err = run("rebuild", "capture", home=tmp_path)
    assert code == 1
    assert "properties" in err


def test_the_environment_comes_before_the_local_stack(tmp_path: Path) -> None:
    found = where.find(
        {
            "LEADFLOW_HOME": str(tmp_path),
            "LEADFLOW_TOKEN": "token",
            "LEADFLOW_KAFKA": "kafka:9092",
            "LEADFLOW_ENRICH_URL": "https://enrich.ours.example/",
            "LEADFLOW_PARTITIONS": "12",
        }
    )
    assert (found.token, found.kafka, found.url("enrich")) == ("token", "kafka:9092", "https://enrich.ours.example")
    assert found.partitions == 12
    with pytest.raises(Trouble, match="LEADFLOW_SCORE_URL"):
        found.url("score")


@given(st.text())
def test_what_is_printed_can_not_steer_a_terminal(text: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", screen.harmless(text))


@given(st.binary(max_size=300))
def test_any_bytes_of_a_dead_letter_can_be_shown(value: bytes) -> None:
    screen.harmless(readable(value, indent=True))


def test_json_of_a_dead_letter_is_indented_and_other_bytes_are_hexadecimal() -> None:
    assert readable(b'{"a":1}', indent=True) == '{\n  "a": 1\n}'
    assert readable(b"\xff\x00") == "ff 00"


def test_what_is_typed_for_a_lead_is_an_id_an_address_or_a_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def answered(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"leads": []}) if request.url.query else httpx.Response(404)

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **more: client(transport=httpx.MockTransport(answered), **more))
    stack = {"LEADFLOW_TOKEN": "token", "LEADFLOW_ENRICH_URL": "http://enrich"}
    said = {
        name: run("lead", "show", name, home=tmp_path, **stack)[2]
        for name in ("jo@acme.example", "+44 20 7946 0018", "ld_1", " ")
    }
    assert asked == ["/v1/leads?email=jo%40acme.example", "/v1/leads?phone=%2B44+20+7946+0018", "/v1/leads/ld_1"]
    assert "e-mail address" in said["jo@acme.example"]
    assert "phone number" in said["+44 20 7946 0018"]
    assert "with this id" in said["ld_1"]
    assert "Name a lead" in said[" "]


def test_a_command_that_is_refused_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/v1/commands/"):
            return httpx.Response(200, json={"status": "refused", "result": None, "reason": "nothing would change"})
        if request.method == "POST":
            return httpx.Response(202, json={"command_id": "c1"})
        return httpx.Response(200, json={"lead_id": request.url.path.rpartition("/")[2]})

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **more: client(transport=httpx.MockTransport(answered), **more))
    stack = {"LEADFLOW_TOKEN": "token", "LEADFLOW_ENRICH_URL": "http://enrich"}
    code, out, err = run("lead", "merge", "ld_1", "ld_2", home=tmp_path, **stack)
    assert (code, out) == (1, "")
    assert err == "enrich refused: nothing would change.\n"


def answer(status: int, body: object, *, authorization: str = "Basic x") -> httpx.Response:
    request = httpx.Request("POST", "http://127.0.0.1/", headers={"Authorization": authorization})
    return httpx.Response(status, json=body, request=request)


def test_a_problem_is_told_with_its_places() -> None:
    found = answer(422, {"detail": "Correct it.", "errors": [{"pointer": "/name", "detail": "missing"}]})
    assert ask.explained("capture", found) == "capture answered 422: Correct it. (/name: missing)"


def test_an_answer_that_is_no_problem_is_told_by_its_status() -> None:
    assert ask.explained("route", answer(502, ["x"])) == "route answered 502: Bad Gateway"


def test_a_wrong_token_is_told_apart_from_a_wrong_write_key() -> None:
    assert "LEADFLOW_TOKEN" in ask.explained("route", answer(401, {}, authorization="Bearer x"))
    assert "LEADFLOW_TOKEN" not in ask.explained("capture", answer(401, {"detail": "no key"}))


def test_what_is_sent_is_what_segments_api_expects() -> None:
    ids = {"anonymousId": "a1", "userId": None, "messageId": "m1"}
    path, body = event(Kind.TRACK, "webinar-attended", {"seats": "3"}, {"email": "jo@acme.example"}, ids=ids)
    assert path == "/v1/track"
    assert body == {
        "event": "webinar-attended",
        "properties": {"seats": "3"},
        "context": {"traits": {"email": "jo@acme.example"}},
        "anonymousId": "a1",
        "messageId": "m1",
    }
    assert event(Kind.FORM, "a/b", {"email": "x"}, {}, ids={})[0] == "/v1/forms/a%2Fb"
    assert event(Kind.IDENTIFY, "u1", {"plan": "trial"}, {}, ids={})[1] == {"userId": "u1", "traits": {"plan": "trial"}}
    assert event(Kind.PAGE, "https://a.example/", {}, {}, ids={})[1]["properties"] == {"url": "https://a.example/"}


def test_the_subscriber_in_the_readme_is_the_one_that_is_tested() -> None:
    readme = (ROOT / "README.md").read_text()
    shown = re.search(r"<!-- subscriber:begin -->\n```python\n(.*?)```\n<!-- subscriber:end -->", readme, re.DOTALL)
    assert shown is not None
    assert shown[1] == (ROOT / "examples" / "subscriber.py").read_text()
    statements = [node for node in ast.walk(ast.parse(shown[1])) if isinstance(node, ast.stmt)]
    assert len(statements) <= 20


def test_files_that_the_readme_names_are_there() -> None:
    readme = (ROOT / "README.md").read_text()
    named = re.findall(r"`((?:services|shared|deploy|tests|examples)/[\w/.-]+\.(?:py|yaml|sql|json))`", readme)
    assert len(named) >= 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_commands_that_the_readme_names_exist(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    named = {match.group(1).split()[0] for match in re.finditer(r"`leads ([a-z]+(?: [a-z]+)?)", readme)}
    known = json.dumps([command.name for command in app.registered_commands] + [g.name for g in app.registered_groups])
    assert named
    assert [name for name in named if f'"{name}"' not in known] == []


def test_every_setting_of_a_service_is_in_the_table() -> None:
    table = (ROOT / "deploy/SETTINGS.md").read_text()
    for settings in (
        capture_settings.Settings,
        enrich_settings.Settings,
        score_settings.Settings,
        route_settings.Settings,
    ):
        for name in settings.model_fields:
            assert f"`LEADFLOW_{name.upper()}`" in table
