"""The metrics: their names, by Prometheus' conventions, what they tell and their labels.

What can fall, because history is dropped, is a gauge; counters come from the table `counters`.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric. A counter's name ends in `_total`; a summary has `_count` and `_sum`."""

    name: str
    kind: Literal["gauge", "counter", "summary"]
    what: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus keeps it."""
        if self.kind == "summary":
            return (f"{self.name}_count", f"{self.name}_sum")
        return (self.name,)


def _gauge(name: str, what: str, *labels: str) -> Metric:
    return Metric(f"tigertag_{name}", "gauge", what, labels)


def _counter(name: str, what: str, *labels: str) -> Metric:
    return Metric(f"tigertag_{name}_total", "counter", what, labels)


def _summary(name: str, what: str, *labels: str) -> Metric:
    return Metric(f"tigertag_{name}", "summary", what, labels)


_ALL = (
    _gauge(
        "build_info", "Version, database and schema; always 1.", "version", "database", "schema"
    ),
    _gauge(
        "items",
        "Items by outcome. done: nothing is left to do; open: a scan has yet to look at it, or to"
        " write; failed: it has a problem; gone: no longer in the library.",
        "library",
        "section",
        "outcome",
    ),
    _gauge("scans", "Scans in the database by state.", "state"),
    _summary("scan_duration_seconds", "Ended scans, and how long they took.", "state"),
    _gauge("section_scan_failed", "1 if the section's last scan failed.", "library", "section"),
    _gauge(
        "section_last_scan_timestamp_seconds",
        "When the section's last scan ended.",
        "library",
        "section",
    ),
    _gauge(
        "section_last_scan_duration_seconds",
        "How long the section's last scan took.",
        "library",
        "section",
    ),
    _gauge("engine_up", "1 if the engine can be used; 0 if it stopped or is broken.", "engine"),
    _counter("engine_results", "Items that an engine answered, or failed at.", "engine", "result"),
    _summary("engine_answer_seconds", "Answers of an engine, and the time they took.", "engine"),
    _counter("engine_requests", "Pictures sent to the engine's service.", "engine"),
    _counter("engine_lost_requests", "Pictures sent with no known result.", "engine"),
    _counter("engine_calls", "Calls that the engine took of its quota.", "engine"),
    _counter("engine_cost_usd", "What the engine cost, in US dollars.", "engine"),
    _gauge("engine_month_calls", "Calls of this month (UTC), reserved ones included.", "engine"),
    _gauge("engine_month_cost_usd", "Cost of this month (UTC), reserved money included.", "engine"),
    _gauge("engine_budget_calls", "The limit of calls a month.", "engine"),
    _gauge("engine_budget_calls_left", "Calls left in this month's limit.", "engine"),
    _gauge("engine_budget_usd", "The limit of cost a month, in US dollars.", "engine"),
    _gauge("engine_budget_usd_left", "US dollars left in this month's limit.", "engine"),
    _gauge("queue_scan_requests", "Scans that are to start by themselves."),
    _gauge(
        "queue_chunks",
        "Chunks of active scans. queued: due now; leased: at work; later: not due yet.",
        "queue",
        "state",
    ),
    _gauge("queue_unserved", "Scans of which work is due that no worker can do.", "queue"),
    _gauge("workers", "Processes `tigertag worker`, on all machines.", "state"),
    _gauge("workers_items_per_second", "What all live workers did in the last minute."),
    _gauge("queue_age_seconds", "How long the oldest scan waits that could have started."),
    _counter("edits", "Edits of items by how they ended.", "state"),
    _gauge("edits_unsettled", "Edits that are not confirmed yet, by state.", "state"),
    _gauge("library_up", "1 if the library can be reached.", "library"),
    _gauge("database_size_bytes", "Size of the database."),
    _gauge("disk_free_bytes", "Free space where TIGERTAG_HOME is."),
    _gauge("last_backup_timestamp_seconds", "When the newest backup was made."),
    _gauge("task_failed", "1 if the background task's last run failed.", "task"),
    _gauge("task_last_run_timestamp_seconds", "When the background task last ran.", "task"),
    _gauge("processes", "Processes of this service, on this machine.", "role"),
    _counter("process_cpu_seconds", "Processor time of these processes.", "role"),
    _gauge("process_resident_memory_bytes", "Memory of these processes.", "role"),
    _gauge("process_open_files", "Open files of these processes.", "role"),
    _gauge("process_start_time_seconds", "When the oldest of these processes started.", "role"),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
