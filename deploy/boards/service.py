"""One board for each service. The jobs of Prometheus are the services' names."""

from __future__ import annotations

from deploy.boards import Board, Panel
from deploy.boards.promql import quantile, rate


def _requests(job: str) -> tuple[str, tuple[Panel, ...]]:
    where = f'{{job="{job}"}}'
    return (
        "Requests and the process",
        (
            Panel(
                "Requests",
                "Per second, by route and answer",
                "reqps",
                ((rate("leadflow_http_requests_total", "route, code", where), "{{route}} {{code}}"),),
            ),
            Panel(
                "Time of requests",
                "99 %, by route",
                "s",
                ((quantile(0.99, "leadflow_http_request_seconds", "route", where), "{{route}}"),),
            ),
            Panel(
                "Connections to Postgres",
                "By state, and the most that there may be",
                "short",
                (
                    (f"sum by (state) (leadflow_database_pool_connections{where})", "{{state}}"),
                    (f"sum(leadflow_database_pool_limit{where})", "limit"),
                ),
            ),
            Panel(
                "Producers replaced",
                "In an hour",
                "short",
                ((f"sum(increase(leadflow_producers_replaced_total{where}[1h]))", "replaced"),),
            ),
            Panel(
                "CPU",
                "Cores in use, by instance",
                "short",
                ((rate("process_cpu_seconds_total", "instance", where), "{{instance}}"),),
            ),
            Panel(
                "Memory", "Resident, by instance", "bytes", ((f"process_resident_memory_bytes{where}", "{{instance}}"),)
            ),
        ),
    )


def _stage(job: str) -> tuple[tuple[str, tuple[Panel, ...]], ...]:
    where = f'{{job="{job}"}}'
    return (
        (
            "Records",
            (
                Panel(
                    "Read",
                    "Records per second, by topic",
                    "reqps",
                    ((rate("leadflow_records_in_total", "stage, topic", where), "{{stage}} {{topic}}"),),
                ),
                Panel(
                    "Decided",
                    "Events per second that are told, by type",
                    "reqps",
                    (
                        (
                            f"{rate('leadflow_events_decided_total', 'stage, type', where)} or vector(0)",
                            "{{stage}} {{type}}",
                        ),
                    ),
                ),
                Panel(
                    "Repeats dropped",
                    "Records per second that counted already",
                    "reqps",
                    ((rate("leadflow_duplicates_dropped_total", "stage", where), "{{stage}}"),),
                ),
                Panel(
                    "Unread",
                    "Records, by topic",
                    "short",
                    ((f"sum by (stage, topic) (leadflow_lag_records{where})", "{{stage}} {{topic}}"),),
                ),
                Panel(
                    "Behind",
                    "Seconds, by number",
                    "s",
                    ((f"max by (stage, part) (leadflow_lag_seconds{where})", "{{stage}} {{part}}"),),
                ),
                Panel(
                    "Numbers held",
                    "Partition numbers, by instance",
                    "short",
                    ((f"sum by (stage, instance) (leadflow_numbers_held{where})", "{{stage}} {{instance}}"),),
                ),
            ),
        ),
        (
            "Batches",
            (
                Panel(
                    "Size",
                    "Median of records in a batch",
                    "short",
                    ((quantile(0.5, "leadflow_batch_records", "stage", where), "{{stage}}"),),
                ),
                Panel(
                    "Time by step",
                    "Mean of each step",
                    "s",
                    (
                        (
                            f"{rate('leadflow_batch_step_seconds_sum', 'stage, step', where)} / {rate('leadflow_batch_step_seconds_count', 'stage, step', where)}",
                            "{{stage}} {{step}}",
                        ),
                    ),
                ),
                Panel(
                    "Outbox",
                    "Batches that Kafka may not have",
                    "short",
                    ((f"max by (stage) (leadflow_outbox_rows{where})", "{{stage}}"),),
                ),
                Panel(
                    "Numbers lost while writing",
                    "Fences in an hour",
                    "short",
                    ((f"sum by (stage) (increase(leadflow_fenced_total{where}[1h]))", "{{stage}}"),),
                ),
                Panel(
                    "Consumers rebuilt",
                    "In an hour",
                    "short",
                    ((f"sum by (stage) (increase(leadflow_watchdog_rebuilds_total{where}[1h]))", "{{stage}}"),),
                ),
                Panel(
                    "Batches cut",
                    "Since Postgres refused a row, in an hour",
                    "short",
                    ((f"sum by (stage) (increase(leadflow_batches_bisected_total{where}[1h]))", "{{stage}}"),),
                ),
            ),
        ),
    )


def _service(name: str, says: str) -> Board:
    return Board(f"leadflow-{name}", f"Leadflow: {name}", says, (*_stage(name), _requests(name)))


CAPTURE = Board(
    "leadflow-capture",
    "Leadflow: capture",
    "The public door: what is sent, what it becomes, what waits.",
    (
        (
            "The door",
            (
                Panel(
                    "Durable",
                    "Records per second, by where",
                    "reqps",
                    ((rate("leadflow_capture_events_total", "durable"), "{{durable}}"),),
                ),
                Panel(
                    "Told to come later",
                    "Requests per second answered 429, by limit",
                    "reqps",
                    ((f"{rate('leadflow_capture_limited_total', 'limit')} or vector(0)", "{{limit}}"),),
                ),
                Panel(
                    "Turned away",
                    "Connections per second answered 503",
                    "reqps",
                    (("sum(rate(leadflow_capture_turned_away_total[5m]))", "connections"),),
                ),
                Panel(
                    "Ways to keep events",
                    "1: works",
                    "short",
                    (("min by (path) (leadflow_capture_path_up)", "{{path}}"),),
                ),
                Panel(
                    "What enrich has not read",
                    "Age of the oldest",
                    "s",
                    (("max(leadflow_capture_backlog_oldest_seconds)", "oldest"),),
                ),
                Panel(
                    "Vendors' leads that are not fetched yet",
                    "How many, and the oldest",
                    "short",
                    (
                        ("max(leadflow_capture_fetches)", "leads"),
                        ("max(leadflow_capture_fetch_oldest_seconds)", "oldest (s)"),
                    ),
                ),
            ),
        ),
        (
            "The spool",
            (
                Panel(
                    "Events in it",
                    "And how many there may be",
                    "short",
                    (
                        ("max(leadflow_capture_spool_events)", "events"),
                        ("max(leadflow_capture_spool_limit_events)", "limit"),
                    ),
                ),
                Panel(
                    "Oldest event in it",
                    "How long it waits for Kafka",
                    "s",
                    (("max(leadflow_capture_spool_oldest_seconds)", "oldest"),),
                ),
                Panel(
                    "Drained",
                    "Events per second from the spool to Kafka",
                    "reqps",
                    (("sum(rate(leadflow_capture_drained_events_total[5m]))", "events"),),
                ),
            ),
        ),
        _requests("capture"),
    ),
)
ENRICH = _service("enrich", "Whose an event is: records, batches and requests of enrich.")
SCORE = _service("score", "What a lead is worth: records, batches and requests of score.")
ROUTE = _service(
    "route", "Who gets a lead: records, batches and requests of route, its intake of outcomes and its webhooks."
)
CONSOLE = _service("console", "Dead letters and the books: records, batches and requests of console.")
