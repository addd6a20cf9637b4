"""The board for those who operate: is it well, how far behind is it, what did it lose. The jobs of Prometheus are the services' names."""

from __future__ import annotations

from deploy.boards import Board, Panel
from deploy.boards.promql import quantile, rate

OVERVIEW = Board(
    "leadflow-overview",
    "Leadflow: overview",
    "Is it healthy, how far behind is it, what did it lose: the golden signals of each stage.",
    (
        (
            "Well or not",
            (
                Panel(
                    "Ready",
                    "Instances whose /readyz says ready, by service",
                    "short",
                    (("sum by (job) (leadflow_ready)", "{{job}}"),),
                    "stat",
                ),
                Panel(
                    "Missing",
                    "Accepted events without an end though everybody has read past them: must be 0",
                    "short",
                    (
                        ("max(leadflow_books_missing)", "missing"),
                        ("max(leadflow_books_unbalanced)", "hours that do not add up"),
                    ),
                    "stat",
                ),
                Panel(
                    "On their way",
                    "Accepted events that have not ended, and for how long the oldest",
                    "short",
                    (
                        ("max(leadflow_books_in_flight)", "in flight"),
                        ("max(leadflow_books_oldest_in_flight_seconds)", "oldest (s)"),
                    ),
                    "stat",
                ),
                Panel(
                    "Degraded",
                    "Parts that do their work in another way than they should, by service",
                    "short",
                    (("sum by (job) (leadflow_degraded)", "{{job}}"),),
                    "stat",
                ),
                Panel(
                    "Builds",
                    "Instances by version",
                    "short",
                    (("count by (version) (leadflow_build_info)", "{{version}}"),),
                    "stat",
                ),
                Panel(
                    "Up",
                    "Processes that answer Prometheus",
                    "short",
                    (('sum by (job) (up{job=~"capture|enrich|score|signals|route|console"})', "{{job}}"),),
                    "stat",
                ),
            ),
        ),
        (
            "Traffic",
            (
                Panel(
                    "Accepted",
                    "Records per second that capture made durable, by where",
                    "reqps",
                    ((rate("leadflow_capture_events_total", "durable"), "{{durable}}"),),
                ),
                Panel(
                    "Read",
                    "Records per second that each stage takes",
                    "reqps",
                    (("leadflow:records_in:rate5m", "{{stage}}"),),
                ),
                Panel(
                    "Written",
                    "Records per second that Kafka acknowledged, by topic",
                    "reqps",
                    ((rate("leadflow_records_out_total", "topic"), "{{topic}}"),),
                ),
            ),
        ),
        (
            "Errors",
            (
                Panel(
                    "Answers with an error of ours",
                    "Share of requests to capture answered 5xx; the objective is 0.1 %",
                    "percentunit",
                    (
                        ("leadflow:capture_errors:ratio_rate5m", "5 minutes"),
                        ("leadflow:capture_errors:ratio_rate1h", "an hour"),
                    ),
                ),
                Panel(
                    "Dead letters",
                    "Records per second that were refused, by stage and reason",
                    "reqps",
                    ((rate("leadflow_records_rejected_total", "stage, reason"), "{{stage}} {{reason}}"),),
                ),
                Panel(
                    "Late handovers",
                    "Share of handovers more than 5 s after our acceptance; the objective is 1 %",
                    "percentunit",
                    (
                        ("leadflow:handovers_late:ratio_rate5m", "5 minutes"),
                        ("leadflow:handovers_late:ratio_rate1h", "an hour"),
                    ),
                ),
            ),
        ),
        (
            "Latency",
            (
                Panel(
                    "From end to end, median",
                    "From our acceptance until Kafka has it, by topic",
                    "s",
                    ((quantile(0.5, "leadflow_end_to_end_seconds", "topic"), "{{topic}}"),),
                ),
                Panel(
                    "From end to end, 99 %",
                    "The same, of the slowest hundredth; exemplars name an event",
                    "s",
                    (("leadflow:end_to_end_seconds:p99_5m", "{{topic}}"),),
                ),
                Panel(
                    "Durable",
                    "Until capture has answered, by route, 99 %",
                    "s",
                    ((quantile(0.99, "leadflow_http_request_seconds", "route", '{job="capture"}'), "{{route}}"),),
                ),
            ),
        ),
        (
            "Saturation",
            (
                Panel(
                    "Behind, in seconds",
                    "For how long at most the oldest unread record waits, by stage",
                    "s",
                    (("leadflow:lag_seconds:max", "{{stage}}"),),
                ),
                Panel(
                    "Oldest record that is not done",
                    "Unread, or in a batch under way",
                    "s",
                    (("max by (stage) (leadflow_oldest_unprocessed_seconds)", "{{stage}}"),),
                ),
                Panel(
                    "Outbox",
                    "Age of the oldest decision that Kafka may not have",
                    "s",
                    (("max by (stage) (leadflow_outbox_oldest_seconds)", "{{stage}}"),),
                ),
                Panel(
                    "CPU",
                    "Cores in use, by service",
                    "short",
                    ((rate("process_cpu_seconds_total", "job"), "{{job}}"),),
                ),
                Panel(
                    "Memory",
                    "Resident, by service",
                    "bytes",
                    (("sum by (job) (process_resident_memory_bytes)", "{{job}}"),),
                ),
                Panel(
                    "The loop is late",
                    "By how much at worst in half a minute",
                    "s",
                    (("max by (job) (leadflow_loop_late_seconds)", "{{job}}"),),
                ),
            ),
        ),
    ),
)
