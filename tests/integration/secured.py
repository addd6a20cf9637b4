"""A throw-away authority, a Kafka that lets nobody in without TLS and a password, and TLS in front of Postgres. For tests of what keeps others out."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aiokafka.errors import KafkaError

from deploy.local import kafka, layout, ports
from shared import access, topics

PASSWORD = "throw-away"
ADMIN = "admin"
LISTENERS = {
    "listener.security.protocol.map": "BROKER:SASL_SSL,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
    "listener.name.broker.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
    f'username="{ADMIN}" password="{PASSWORD}";',
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:{ADMIN};User:ANONYMOUS",  # nobody is anonymous but on the controller's own listener
    "allow.everyone.if.no.acl.found": "false",
}


@dataclass(frozen=True, slots=True)
class Authority:
    """PEM files: its own certificate, and a server's certificate and key for 127.0.0.1."""

    ca: Path
    cert: Path
    key: Path


def authority(folder: Path) -> Authority:
    """A new one, whose key is gone with the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Authority(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    signed = ["openssl", "x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1"]
    for command in (
        [*new, "-x509", "-days", "1", "-subj", "/CN=throw-away CA", "-keyout", "ca.key", "-out", "ca.pem"],
        [*new, "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr"],
        [*signed, "-in", "server.csr", "-extfile", "names", "-out", "server.pem"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return made


@contextlib.contextmanager
def broker(folder: Path, given: Authority) -> Iterator[str]:
    """host:port of a broker of its own, with every user of shared/access.py under PASSWORD, and the house's topics and permissions."""
    base = ports.free_base()
    home = layout.from_environment({"LEADFLOW_HOME": str(folder / "home"), "LEADFLOW_PORT_BASE": str(base)})
    home = replace(home, cache=layout.from_environment().cache)
    kafka.fetch(home)
    keystore = folder / "keystore.pem"
    keystore.write_text(given.key.read_text() + given.cert.read_text())
    wanted = kafka.settings(broker=home.ports["kafka"], controller=home.ports["controller"], data=str(folder / "data"))
    wanted |= LISTENERS | {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(keystore)}
    wanted |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(given.ca)}
    properties = folder / "server.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in wanted.items()))
    (home.home / "kafka" / "tmp").mkdir(parents=True)
    java = kafka.command(home)[:-2]  # without the class and its settings
    users = (ADMIN, access.MAKER, access.OPERATOR, *access.SERVICES, "signals", *access.OUTSIDE)
    formatting = [
        *java,
        "kafka.tools.StorageTool",
        "format",
        "--cluster-id",
        "bGVhZGZsb3ctc2VjdXJlZA",
        "--config",
        str(properties),
    ]
    for user in users:
        formatting += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={PASSWORD}]"]
    done = subprocess.run(formatting, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with (folder / "broker.log").open("w") as log:
        process = subprocess.Popen([*java, "kafka.Kafka", str(properties)], stdout=log, stderr=log)
        try:
            asyncio.run(_prepared(at(home.kafka, ADMIN, given.ca), at(home.kafka, access.MAKER, given.ca)))
            yield home.kafka
        finally:
            process.kill()
            process.wait()


def at(place: str, user: str, ca: Path, password: str = PASSWORD) -> str:
    """The address of `user`."""
    return f"sasl_ssl://{user}:{password}@{place}?ca={ca}"


async def _prepared(admin: str, maker: str) -> None:
    until = time.monotonic() + 300
    while True:
        try:
            await topics.allow(admin)
            break
        except (OSError, KafkaError):
            assert time.monotonic() < until, "the broker does not come up"
            await asyncio.sleep(0.3)
    await topics.apply(maker, 2)


@contextlib.asynccontextmanager
async def tls_before(host: str, port: int, given: Authority) -> AsyncIterator[int]:
    """The port of what speaks Postgres' way into TLS (SSLRequest, answered with S) and hands on to a Postgres that was built without it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(given.cert, given.key)
    carrying: set[asyncio.Task[None]] = set()

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if (await reader.readexactly(8))[4:] != b"\x04\xd2\x16\x2f":
                writer.close()  # who asks for no TLS is not let in
                return
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(context)
            there, back = await asyncio.open_connection(host, port)
            carrying.update(asyncio.create_task(one) for one in (carry(reader, back), carry(there, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
