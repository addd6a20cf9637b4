"""Where a local stack lives follows from the environment, and mistakes in it are told all at once."""

from __future__ import annotations

import dataclasses
import socket
import stat
from pathlib import Path

import pytest

from deploy.local import installation, kafka, layout, ports, supervisor
from deploy.local.layout import Layout, SetupError
from deploy.local.supervisor import Program


def a_layout(home: Path, **environ: str) -> Layout:
    return layout.from_environment({"LEADFLOW_HOME": str(home), **environ})


def test_the_default_ports_are_the_documented_ones() -> None:
    assert layout.from_environment({}).used_ports() == {
        "kafka": 19092,
        "controller": 19093,
        "postgres": 15432,
        "capture-0": 8010,
        "enrich-0": 8020,
        "score-0": 8030,
        "route-0": 8040,
        "console-0": 8000,
        "signals-0": 8060,
    }


def test_a_port_base_moves_all_and_a_single_variable_comes_before_it() -> None:
    moved = layout.from_environment({"LEADFLOW_PORT_BASE": "30000", "LEADFLOW_CAPTURE_PORT": "9999"})
    assert moved.used_ports() == {
        "kafka": 30092,
        "controller": 30093,
        "postgres": 30054,
        "capture-0": 9999,
        "enrich-0": 30020,
        "score-0": 30030,
        "route-0": 30040,
        "console-0": 30000,
        "signals-0": 30060,
    }


def test_an_instance_listens_as_far_above_the_first_as_its_number() -> None:
    several = dataclasses.replace(layout.from_environment({}), instances={"score": 3})
    assert several.members == ("score-0", "score-1", "score-2")
    assert several.port("score-2") == 8032


def test_all_mistakes_of_the_environment_are_told_at_once() -> None:
    with pytest.raises(SetupError) as told:
        layout.from_environment({"LEADFLOW_PORT_BASE": "65500", "LEADFLOW_SCORE_PORT": "eighty"})
    assert "LEADFLOW_SCORE_PORT is 'eighty'" in str(told.value)
    assert "LEADFLOW_KAFKA_PORT would be 65592" in str(told.value)


def test_a_stack_is_found_again_without_its_port_variables(tmp_path: Path) -> None:
    started = a_layout(tmp_path, LEADFLOW_PORT_BASE="30000")
    layout.save(started)
    assert layout.saved(a_layout(tmp_path)) == started


def test_the_socket_leaves_a_home_whose_path_is_too_long_for_one(tmp_path: Path) -> None:
    assert a_layout(Path("/short")).socket == Path("/short/supervisor.sock")
    assert len(str(a_layout(tmp_path / ("long" * 40)).socket)) < 90


def test_an_installation_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    home = a_layout(tmp_path)
    first = installation.load_or_make(home, {"LEADFLOW_PARTITIONS": "8"})
    assert first.partitions == 8
    assert installation.load_or_make(home, {}) == first
    assert stat.S_IMODE((tmp_path / "installation.json").stat().st_mode) == 0o600


def test_two_homes_share_no_secret(tmp_path: Path) -> None:
    one, other = (installation.load_or_make(a_layout(tmp_path / name), {}) for name in ("one", "other"))
    assert {one.token, one.secret, *one.passwords.values()}.isdisjoint(
        {other.token, other.secret, *other.passwords.values()}
    )


def test_the_number_of_partitions_is_fixed_with_the_home(tmp_path: Path) -> None:
    installation.load_or_make(a_layout(tmp_path), {})
    with pytest.raises(SetupError, match="was made with 4 partitions and keeps them"):
        installation.load_or_make(a_layout(tmp_path), {"LEADFLOW_PARTITIONS": "6"})


def test_a_taken_port_is_told_with_its_holder_and_the_variable_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (complaint,) = ports.complaints({"score-1": port})
    assert f"Port {port} of score-1 is held by pid" in complaint
    assert "LEADFLOW_SCORE_PORT" in complaint
    assert ports.complaints({"score-1": port}) == []


def test_the_brokers_settings_are_filled_in() -> None:
    settings = kafka.settings(broker=1, controller=2, data="/data")
    assert settings["listeners"] == "BROKER://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
    assert not [value for value in settings.values() if "{" in value]
    assert settings["auto.create.topics.enable"] == "false"
    assert int(settings["group.min.session.timeout.ms"]) <= 6000


def test_java_options_are_the_small_ones_unless_a_benchmark_sets_others(tmp_path: Path) -> None:
    home = a_layout(tmp_path)
    assert "-XX:TieredStopAtLevel=1" in kafka.command(home, {})
    fast = kafka.command(home, {"LEADFLOW_KAFKA_JVM": "-Xmx1g -XX:+UseG1GC"})
    assert "-XX:TieredStopAtLevel=1" not in fast
    assert {"-Xmx1g", "-XX:+UseG1GC"} <= set(fast)


def test_the_supervisors_files_hold_passwords_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    home = a_layout(tmp_path)
    supervisor.write(home, [Program(name="a", command=["true"], priority=1)])
    supervisor.write_changing(
        home, [Program(name="b", command=["echo", "50 %"], priority=1, environment={"URL": "http://x?a=1%2C2,3"})]
    )
    changing = (tmp_path / "services.conf").read_text()
    assert 'environment = URL="http://x?a=1%%2C2,3"' in changing
    assert "command = echo '50 %%'" in changing
    for name in ("supervisord.conf", "services.conf"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("value", ['a"b', "it's", "a\nb", "a ;b"])
def test_an_environment_value_that_the_supervisor_would_garble_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SetupError, match="cannot be an environment value"):
        supervisor.write_changing(
            a_layout(tmp_path), [Program(name="a", command=["true"], priority=1, environment={"X": value})]
        )
