"""Score's Faust worker: reads leads.enriched.v1, keeps windows over it, writes leads.signals.v1 keyed by lead. It advises; nobody waits for it.

What is notable is decided in domain/windows.py. Faust's traps and what is done about them: an exception in an agent acknowledges the event,
so the agent catches everything; tables would make changelog topics, so the windows live in memory, and a worker that starts knows
nothing of before; it declares no topic; `concurrency` is 1. It is nice to the others: a busy machine has no time for it, and what is said
late is stale when it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import tempfile
from typing import Annotated, Any

import faust
import msgspec
import uvloop
from msgspec import Meta, Struct
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.score.domain.windows import Noted, Seen, Windows
from services.score.settings import SignalSettings
from shared import address, clock, cloudevent, contracts, ids, logs, ops, service, settings, waiting
from shared.contracts import Moment, Signal
from shared.health import Health
from shared.topology import ENRICHED, SIGNALS

GROUP = "leadflow-signals"
TYPE = "lead.signal"
_NICE = 10
_MOST_LABELS = 200  # of properties and kinds in the funnel's metric

EVENTS = Counter("leadflow_signals_events_total", "Records of leads.enriched.v1 by what became of them", ["outcome"])
SAID = Counter("leadflow_signals_said_total", "Signals written", ["signal"])
BEHIND = Gauge("leadflow_signals_behind_seconds", "Age of the record that was read last when it was read")
TOOK = Histogram(
    "leadflow_signals_window_seconds",
    "Time of one record in the windows",
    buckets=(0.00005, 0.0001, 0.00025, 0.001, 0.01),
)


class _Email(Struct):
    kind: str | None = None
    domain: str | None = None


class _Profile(Struct):
    email: _Email | None = None


class _Campaign(Struct):
    source: str | None = None


class _Activity(Struct):
    id: str
    kind: str
    occurred_at: Moment
    property: str = ""
    campaign: _Campaign | None = None
    withdrawn: bool | None = None


class _Enriched(Struct):
    event_id: str
    lead_id: Annotated[str, Meta(max_length=200)]
    activity: _Activity
    profile: _Profile
    history: bool | None = None


_decode = msgspec.json.Decoder(_Enriched).decode


def read(value: bytes, now_ms: int) -> Seen | None:
    """The activity that a record tells of; None where it is none of now: it was taken away, or an import told
    it. A later word on the same activity counts once, by its id. Raises msgspec.DecodeError."""
    try:
        told = _decode(value)
    except msgspec.ValidationError:
        return None  # lead.merged, lead.split, lead.noted, or what enrich never writes
    activity = told.activity
    if activity.withdrawn or told.history:
        return None
    mail = told.profile.email
    return Seen(
        lead_id=told.lead_id,
        activity_id=activity.id,
        kind=activity.kind,
        property=activity.property,
        source=(activity.campaign.source if activity.campaign is not None else None) or "",
        domain=(mail.domain if mail is not None and mail.kind == "business" else None) or "",
        at=clock.to_ms(activity.occurred_at),
        now=now_ms,
    )


def event(noted: Noted, cause: str) -> tuple[bytes, list[tuple[str, bytes]]]:
    """lead.signal as a record's value and headers. `cause` is the activity that it was noted at."""
    event_id = ids.event_id("signals", cause, noted.lead_id, 0, f"{TYPE}/{noted.name}")
    at = clock.from_ms(noted.at)
    said = Signal(
        event_id=event_id,
        lead_id=noted.lead_id,
        name=noted.name,
        value=noted.value,
        at=at,
        expires_at=clock.from_ms(noted.expires_at),
    )
    headers = cloudevent.headers(
        event_id=event_id, type_=TYPE, source="signals", time=clock.text(at), subject=noted.lead_id
    )
    return contracts.encode(said), headers


def made(given: SignalSettings, windows: Windows) -> Any:
    """The Faust app."""
    place = address.read(given.kafka)
    app: Any = faust.App(
        GROUP,
        broker=[f"kafka://{server}" for server in place.servers.split(",")],
        broker_credentials=_credentials(place),
        broker_client_id=given.member,
        broker_session_timeout=30.0,
        broker_heartbeat_interval=3.0,
        broker_max_poll_interval=3600.0,
        consumer_auto_offset_reset="latest",  # what is past says nothing of now
        store="memory://",
        datadir=tempfile.gettempdir(),
        web_enabled=False,
        topic_partitions=given.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
    )
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    enriched, signals = app.topic(ENRICHED.name, **raw), app.topic(SIGNALS.name, **raw)

    @app.agent(enriched, name="signals", concurrency=1)  # type: ignore[untyped-decorator]
    async def watch(stream: Any) -> None:
        async for one in stream.events():
            try:
                await _take(one.message, windows, signals)
            except Exception as error:  # whatever it is: the next record is another one
                EVENTS.labels("failed").inc()
                logs.get().warning("a record gave no signal", error=type(error).__name__)

    return app


def _credentials(place: address.Address) -> Any:
    if place.user:
        return faust.SASLCredentials(
            username=place.user, password=place.password, ssl_context=place.context, mechanism=place.mechanism
        )
    return place.context


async def _take(message: Any, windows: Windows, signals: Any) -> None:
    now_ms = int(message.timestamp * 1000)
    BEHIND.set(max(0.0, (clock.now_ms() - now_ms) / 1000))
    seen = read(message.value, now_ms)
    EVENTS.labels("passed" if seen is None else "taken").inc()
    if seen is None:
        return
    with TOOK.time():
        noted = windows.take(seen)
    for one in noted:
        value, headers = event(one, seen.activity_id)
        # To the number that the lead is in: score reads both from there.
        await signals.send(key=one.lead_id.encode(), value=value, headers=headers, partition=message.partition)
        SAID.labels(one.name).inc()


class Funnel(Collector):
    """People of this hour by property and kind of activity, each once: the live funnel. As many as the metric has room for."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    def collect(self) -> Any:
        """The gauge."""
        found = GaugeMetricFamily(
            "leadflow_signals_people_this_hour",
            "People by what they did this hour, each once",
            labels=["property", "kind"],
        )
        latest = max((hour for hour, _, _ in self._windows.funnel), default=0)
        rows = [
            (place, kind, people) for (hour, place, kind), people in [*self._windows.funnel.items()] if hour == latest
        ]
        for place, kind, people in rows[:_MOST_LABELS]:
            found.add_metric([place, kind], people)
        yield found


def main() -> None:
    """Runs the worker until it is told to stop. Exits with 1 when it can't go on; whoever started it starts it again."""
    given = settings.load(SignalSettings)
    logs.configure("signals", given.member)
    logging.getLogger("faust").setLevel(logging.WARNING)
    listening = service.listen(given.http_host, given.http_port, "LEADFLOW_SIGNALS_PORT")
    uvloop.run(_serve(given, listening))


async def _serve(given: SignalSettings, listening: socket.socket) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    health, windows = Health(), Windows()
    REGISTRY.register(Funnel(windows))
    http = service.server(ops.app("signals", health))
    http_task = asyncio.create_task(http.serve(sockets=[listening]))
    app = made(given, windows)
    try:
        await app.start()
        is_nice = False
        while not stop.is_set() and not app.should_stop:
            has_joined = app.rebalancing_count > 0 and not app.rebalancing
            if has_joined and not is_nice:
                is_nice = bool(os.nice(_NICE))  # from here on: whoever starts it waits until it is ready
            health.report("start", None if has_joined else "waiting for its numbers")
            await waiting.for_event(stop, 1.0 if has_joined else 0.1)
    finally:
        health.draining = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(app.stop(), 5.0)
        http.should_exit = True
        await asyncio.wait([http_task], timeout=4.0)
    if not stop.is_set():
        raise SystemExit(1)


if __name__ == "__main__":
    main()
