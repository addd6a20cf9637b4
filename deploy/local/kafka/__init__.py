"""The local Kafka: fetches its jars once, writes its configuration, formats its storage. Runs under the supervisor."""

from __future__ import annotations

import base64
import fcntl
import os
import shlex
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local.layout import HOST, Layout, SetupError
from deploy.local.ports import is_taken

VERSION = "4.4.0"
HERE = Path(__file__).parent
DEFAULT_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xms256m -Xmx512m"


def libraries(layout: Layout) -> Path:
    """The folder of the jars."""
    return layout.cache / f"kafka-{VERSION}"


def fetch(layout: Layout) -> None:
    """Has Maven fetch the pinned jars, checked against their checksums, unless they are there. Safe beside itself."""
    target = libraries(layout)
    if target.is_dir():
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise SetupError(
            "Maven (mvn) is not installed; Kafka's jars are fetched with it. `make install` or `leads doctor` say how."
        )
    layout.cache.mkdir(parents=True, exist_ok=True)
    with (layout.cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return
        with tempfile.TemporaryDirectory(dir=layout.cache, prefix="fetch-") as work:
            command = [maven, "--batch-mode", "--quiet", "--strict-checksums", f"-Dmaven.repo.local={work}/repository"]
            command += ["--file", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
            command += ["-DincludeScope=runtime", f"-DoutputDirectory={work}/jars"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = "\n".join((done.stdout + done.stderr).splitlines()[:20])
                raise SetupError(f"Maven could not fetch Kafka {VERSION}; {shlex.join(command)} said:\n{said}")
            (Path(work) / "jars").rename(target)


def settings(*, broker: int, controller: int, data: str) -> dict[str, str]:
    """The broker's settings by name, for these ports and this data folder."""
    text = (HERE / "server.properties").read_text()
    values = {"host": HOST, "broker": str(broker), "controller": str(controller), "data": data}
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def prepare(layout: Layout) -> None:
    """Writes the configuration, and formats the storage of a new home."""
    folder = layout.home / "kafka"
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    wanted = settings(broker=layout.ports["kafka"], controller=layout.ports["controller"], data=str(folder / "data"))
    (folder / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in wanted.items()))
    if (folder / "data" / "meta.properties").exists():
        return
    number = uuid.uuid4().bytes
    # The first bit is cleared, so that the id never begins with a dash and is not taken for an option.
    cluster = base64.urlsafe_b64encode(bytes([number[0] & 0x7F]) + number[1:]).decode().rstrip("=")
    command = [*_java(layout, DEFAULT_JVM), "kafka.tools.StorageTool", "format", "--ignore-formatted"]
    command += ["--cluster-id", cluster, "--config", str(folder / "server.properties")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"Kafka's storage in {folder / 'data'} could not be formatted:\n{done.stdout}{done.stderr}")


def command(layout: Layout, environ: Mapping[str, str] = os.environ) -> list[str]:
    """What the supervisor runs. LEADFLOW_KAFKA_JVM replaces the Java options, which suit tests and small machines."""
    options = environ.get("LEADFLOW_KAFKA_JVM") or DEFAULT_JVM
    return [*_java(layout, options), "kafka.Kafka", str(layout.home / "kafka" / "server.properties")]


async def answers(address: str) -> bool:
    """Whether the broker at this port of the machine takes part in its own cluster, so that topics can be made."""
    if not is_taken(int(address.rpartition(":")[2])):
        return False
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=2000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (OSError, TimeoutError, KafkaError):
        return False
    finally:
        await admin.close()


def _java(layout: Layout, options: str) -> list[str]:
    java = shutil.which("java")
    if java is None:
        raise SetupError("Java is not installed; Kafka needs 17 or newer. `make install` or `leads doctor` say how.")
    return [
        java,
        *shlex.split(options),
        "-XX:-UsePerfData",  # leaves no file in the temporary folder
        f"-Djava.io.tmpdir={layout.home / 'kafka' / 'tmp'}",
        f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}",
        "-cp",
        f"{libraries(layout)}/*",
    ]
