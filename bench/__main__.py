"""`python -m bench [part …]`: one table of figures beside their floors.

Ratios are taken within one run on one machine; an exit code of 1 says that a floor was missed.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

Figures = Mapping[str, float]

PARTS = {
    "startup": ["bench.startup"],
    "pace": ["bench.pace"],
    "pace together": ["bench.pace", "together"],
    "idle": ["bench.idle"],
    "kills": ["bench.kills", "200", "200"],
    "plex": ["bench.plex"],
    "immich": ["bench.immich"],
    "hook": ["bench.hook"],
    "pages": ["bench.pages", "sqlite"],
    "pages on PostgreSQL": ["bench.pages", "postgres"],
    "backup": ["bench.backup"],
    "kills at Plex": ["bench.plex_kills", "60", "2000"],
    "kills at Immich": ["bench.immich_kills", "60", "1000"],
    "paid": ["bench.paid"],
    "kills while paying": ["bench.paid_kills", "1000", "200"],
    "batches": ["bench.batches", "100000"],
    "video": ["bench.video"],
    "scenes": ["bench.scenes"],
    "genre": ["bench.genre"],
    "life": ["bench.life"],
    "heic": ["bench.heic"],
    "metadata": ["bench.metadata"],
    "places": ["bench.places"],
    "history": ["bench.history"],
    "schedules": ["bench.schedules", "200", "3"],
    "million": ["bench.million"],
    "kills of a cluster on Redis": ["bench.cluster_kills", "redis"],
    "kills of a cluster on RabbitMQ": ["bench.cluster_kills", "rabbitmq"],
    "faults of a cluster": ["bench.cluster_faults"],
    "cluster": ["bench.cluster"],
}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure, how it is written, and the floor (or ceiling) that it is held to.

    `of_shared`: it is of data that are not part of the repository, and is missing without them.
    """

    part: str
    what: str
    value: Callable[[Figures], float]
    unit: str
    least: float | None = None
    most: float | None = None
    of_shared: bool = False

    def holds(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )

    @property
    def bound(self) -> str:
        if self.least is not None:
            return f"≥ {self.least:g}"
        return "" if self.most is None else f"≤ {self.most:g}"


def _of(name: str) -> Callable[[Figures], float]:
    return lambda figures: figures[name]


def _ratio(one: str, other: str) -> Callable[[Figures], float]:
    return lambda figures: figures[one] / figures[other]


def _pages(part: str) -> Iterator[Row]:
    on = "PostgreSQL" if "Postgre" in part else "SQLite"
    yield Row(part, f"100 000 items, {on}: pages, 95 % within", _of("p95_ms"), "ms", most=150)
    yield Row(part, "... half of them within", _of("median_ms"), "ms")
    yield Row(part, "... while a scan runs at", _of("scan_per_s"), "photos/s")
    yield Row(part, "... /metrics, slowest of ten", _of("scrape_ms"), "ms", most=50)


def _together(setup: str, what: str, *, of_shared: bool = False) -> Iterator[Row]:
    def row(text: str, value: Callable[[Figures], float], unit: str, **bound: float) -> Row:
        return Row("pace together", text, value, unit, **bound, of_shared=of_shared)

    scan, limit = f"{setup}_scan_per_s", f"{setup}_limit_per_s"
    yield row(f"classifier, detector, metadata, {what}", _of(scan), "photos/s")
    yield row("... decoding a photo", _of(f"{setup}_decode_core_ms"), "core-ms")
    yield row("... inference of a photo", _of(f"{setup}_infer_core_ms"), "core-ms")
    yield row("... of the machine's limit", _ratio(scan, limit), "times", least=0.75)


def _of_immich() -> Iterator[Row]:
    def row(
        text: str,
        value: Callable[[Figures], float],
        unit: str,
        *,
        least: float | None = None,
        most: float | None = None,
    ) -> Row:
        return Row("immich", text, value, unit, least, most)

    of_bare = _ratio("immich_unchanged_s", "immich_bare_s")
    many = "20 000 photos in Immich"
    yield row(f"{many}: first scan, instant engine, tags verified", _of("immich_first_s"), "s")
    yield row(f"{many}: listed bare, by the same requests", _of("immich_bare_s"), "s")
    yield row(f"{many}: nothing changed", _of("immich_unchanged_s"), "s")
    yield row("... of the bare listing, from a fake that answers at once", of_bare, "x")
    of_slow = _of("immich_unchanged_slow_of_bare")
    yield row("... of the bare listing, 0.25 s a page of 1 000", of_slow, "x", most=1.3)
    yield row("... peak memory", _of("immich_unchanged_mb"), "MB", most=200)
    yield row("... requests for lists", _of("immich_unchanged_lists"), "")
    yield row("... requests but for lists", _of("immich_unchanged_fetched"), "", most=0)
    yield row("... items asked about", _of("immich_unchanged_asked"), "", most=0)
    for write, what in (("preview", "a preview"), ("apply", "tags written and verified")):
        pace, folder = f"immich_{write}_per_s", f"immich_folder_{write}_per_s"
        yield row(f"600 photos from a folder, {write}", _of(folder), "photos/s")
        yield row(f"from Immich, {what}", _of(pace), "photos/s")
        # What is written is verified a while later: that time is Immich's.
        least = 0.8 if write == "preview" else None
        yield row("... of the folder's pace", _ratio(pace, folder), "times", least=least)
    yield row("tags of 80 photos, ten each", _of("immich_written"), "", least=800)
    yield row("... written and verified in", _of("immich_words_s"), "s")
    yield row("... lost", _of("immich_words_lost"), "", most=0)
    yield row("... doubled or of nobody", _of("immich_words_doubled"), "", most=0)
    yield row("... lost where they are put one by one", _of("immich_naive_lost"), "", least=1)


def _of_cluster_kills(broker: str, name: str) -> Iterator[Row]:
    part = f"kills of a cluster on {broker}"
    what = f"kills of workers, service, PostgreSQL and {broker}, paid scans writing"
    yield Row(part, what, _of(f"{name}_kills"), "", least=300)
    yield Row(part, "... items, one answer an engine, each tag once", _of(f"{name}_items"), "")
    yield Row(part, "... answers given twice, in flight at a kill", _of(f"{name}_twice"), "")
    of_ledger = _ratio(f"{name}_twice", f"{name}_doubt")
    yield Row(part, "... of the calls that the ledger counts twice", of_ledger, "times", most=1)


def _of_cluster_faults() -> Iterator[Row]:
    def row(what: str, name: str, most: float | None = None) -> Row:
        return Row("faults of a cluster", what, _of(name), "s", most=most)

    yield row("a worker killed: all it had is worked on elsewhere, median", "failover_median_s")
    yield row("... the longest of 20", "failover_max_s", 15)
    yield row("SIGTERM at paid calls, the longest of 10", "term_paid_max_s", 10)
    yield row("SIGTERM at an item that takes 30 s, the longest of 10", "term_slow_item_max_s", 10)
    for name, title in (("redis", "Redis"), ("rabbitmq", "RabbitMQ")):
        yield row(f"{title} flushed in mid-scan: later than undisturbed", f"{name}_flushed_later_s")
        yield row(f"{title} away for 30 s: all at work again", f"{name}_away_goes_on_s")
        cut = f"{name}_database_cut_elsewhere_s"
        yield row(f"on {title}, a worker cut from PostgreSQL: work elsewhere", cut, 15)


def _of_cluster() -> Iterator[Row]:
    def row(text: str, value: Callable[[Figures], float], unit: str, least: float | None) -> Row:
        return Row("cluster", text, value, unit, least)

    one = "paid_1_per_s"
    yield row("a worker of one thread, a paid service of 200 ms", _of(one), "photos/s", None)
    for count, least in ((4, 3.6), (16, 13.0)):
        pace = f"paid_{count}_per_s"
        yield row(f"{count} workers", _of(pace), "photos/s", None)
        yield row("... times one worker", _ratio(pace, one), "x", least)
    parts = ("workers", "database", "service", "broker")
    for part in parts:
        yield row(f"... a photo costs, {part}", _of(f"paid_16_{part}_core_ms"), "core-ms", None)
    yield row("... idle, all together", _of("paid_16_idle_cores"), "cores", None)
    for name, what in (("two_threads", "of two threads"), ("two_processes", "of one thread, two")):
        yield row(f"classifier, workers {what}", _of(f"local_{name}_per_s"), "photos/s", None)
        yield row("... peak memory of each", _of(f"local_{name}_mb"), "MB", None)
    yield row("... two of one thread: times one of two", _of("local_ratio"), "x", 0.95)


def _of_posters(what: str, name: str, above: float) -> Iterator[Row]:
    part, figure = "genre", f"genre_{name}"
    yield Row(part, f"posters, the latest fifth: {what}", _of(figure), "", of_shared=True)
    forest = "... above a forest of 10"
    yield Row(part, forest, _of(f"{figure}_above"), "", least=above, of_shared=True)


def _of_life(setup: str, what: str, *, tagged: float, found: float, person: float) -> Iterator[Row]:
    """`tagged`, `found`, `person`: the floors. Nobody has labelled all that a photo shows."""

    def row(what: str, name: str, least: float | None = None) -> Row:
        return Row("life", what, _of(f"life_{setup}_{name}"), "", least=least, of_shared=True)

    yield row(f"real-life photos, {what}: share with a tag", "tagged", tagged)
    yield row("... search words found", "found", found)
    yield row("... person found", "person", person)
    yield row("... tags of things that are right", "right", 0.95)
    yield row("... at least (95 %)", "right_at_least")
    yield row("... of the half that no threshold was chosen on: photos", "other_half_photos")
    yield row("... ... share with a tag", "other_half_tagged")
    yield row("... ... search words found", "other_half_found")
    yield row("... ... at least (95 %)", "other_half_found_at_least")
    yield row("... ... tags of things that are right", "other_half_right")


ROWS = (
    Row("startup", "import tigertag", _of("import_s"), "s", most=0.15),
    Row("startup", "tigertag --help", _of("help_s"), "s", most=0.5),
    Row("pace", "start-up: database, model (apart)", _of("start_up_s"), "s"),
    Row("pace", "decoding a photo, mean of sizes", _of("decode_core_ms"), "core-ms"),
    Row("pace", "inference of a photo", _of("infer_core_ms"), "core-ms"),
    Row("pace", "the machine's limit", _of("limit_per_s"), "photos/s"),
    Row("pace", "scan, all steps, sidecars written", _of("scan_per_s"), "photos/s"),
    Row(
        "pace",
        "... of the machine's limit",
        _ratio("scan_per_s", "limit_per_s"),
        "times",
        least=0.7,
    ),
    Row("pace", "the plain way: full decode, ResNet-50", _of("plain_per_s"), "photos/s"),
    Row("pace", "scan against the plain way", _ratio("scan_per_s", "plain_per_s"), "x", least=6),
    Row("pace", "tag --json over 800 photos", _of("tag_per_s"), "photos/s"),
    Row("pace", "... of the machine's limit", _ratio("tag_per_s", "limit_per_s"), "x", least=0.7),
    Row("pace", "12 Mpx, decoded in full", _of("full_12mpx_ms"), "core-ms"),
    Row("pace", "12 Mpx, decoded at the size needed", _of("ours_12mpx_ms"), "core-ms"),
    Row("pace", "... faster", _ratio("full_12mpx_ms", "ours_12mpx_ms"), "x", least=3),
    *_together("people", "nothing fetched"),
    *_together("nano", "with YOLOX-Nano", of_shared=True),
    Row("idle", "20 000 items: first scan, instant engine", _of("first_s"), "s"),
    Row("idle", "20 000 items: the same preview again", _of("preview_s"), "s"),
    Row("idle", "20 000 items: applied, sidecars written", _of("apply_s"), "s"),
    Row("idle", "20 000 items: nothing changed", _of("unchanged_s"), "s", most=5),
    Row("idle", "... peak memory", _of("unchanged_mb"), "MB", most=400),
    Row("idle", "... files opened", _of("unchanged_opened"), "", most=0),
    Row("idle", "... items asked about", _of("unchanged_asked"), "", most=0),
    Row("idle", "20 000 items: decided again", _of("decide_s"), "s", most=20),
    Row("idle", "... items decided", _of("decide_items"), "", least=20_000),
    Row("idle", "... items asked about", _of("decide_asked"), "", most=0),
    Row(
        "kills", "kills at random moments, nothing lost or asked twice", _of("kills"), "", least=200
    ),
    Row("kills", "... scans of 200 photos brought to their end", _of("kill_scans"), ""),
    Row("kills", "... photos in flight at a kill, asked again", _of("kill_in_flight"), ""),
    Row("plex", "20 000 photos in Plex: first scan, instant engine", _of("plex_first_s"), "s"),
    Row("plex", "20 000 photos in Plex: listed with bare plexapi", _of("plex_bare_s"), "s"),
    Row("plex", "20 000 photos in Plex: nothing changed", _of("plex_unchanged_s"), "s"),
    Row(
        "plex",
        "... of the time of the bare listing",
        _ratio("plex_unchanged_s", "plex_bare_s"),
        "x",
        most=1.5,
    ),
    Row("plex", "... peak memory", _of("plex_unchanged_mb"), "MB", most=400),
    Row("plex", "... requests but for lists", _of("plex_unchanged_fetched"), "", most=0),
    Row("plex", "... items asked about", _of("plex_unchanged_asked"), "", most=0),
    Row("plex", "the same photos from a folder, sidecars written", _of("folder_per_s"), "photos/s"),
    Row("plex", "from Plex, tags written", _of("plex_ready_per_s"), "photos/s"),
    Row(
        "plex",
        "... of the folder's pace",
        _ratio("plex_ready_per_s", "folder_per_s"),
        "times",
        least=0.5,
    ),
    Row("plex", "from Plex, each picture 50 ms late", _of("plex_slow_per_s"), "photos/s"),
    Row("plex", "... which the server delivers, eight at once", _of("plex_delivers_per_s"), "/s"),
    Row(
        "plex",
        "... of that, or of the pace without, whichever is less",
        lambda of: of["plex_slow_per_s"] / min(of["plex_ready_per_s"], of["plex_delivers_per_s"]),
        "times",
        least=0.6,
    ),
    Row("plex", "from Plex, pictures made on this machine", _of("plex_cold_per_s"), "photos/s"),
    *_of_immich(),
    Row(
        "hook",
        "one new photo of 20 000 in Plex: from webhook to tags, quiet time 1 s",
        _of("hook_quick_s"),
        "s",
        most=5,
    ),
    Row("hook", "... with the default quiet time", _of("hook_default_s"), "s", most=75),
    Row("hook", "... requests about unchanged items", _of("hook_unchanged_asked"), "", most=0),
    Row("hook", "... requests in all, for both", _of("hook_asked"), ""),
    Row(
        "history",
        "2 000 daily scans of 61 photos, 90 days kept: rows more than after 160",
        _of("history_rows_more"),
        "",
        most=0,
    ),
    Row(
        "history",
        "... size of the database, beside then",
        _ratio("history_bytes_late", "history_bytes_early"),
        "times",
        most=1.1,
    ),
    Row("history", "... pruning took at most", _of("history_prune_s"), "s"),
    Row("history", "... an old scan is not undone", _of("history_old_undo_refused"), "", least=1),
    Row("history", "... a young one is", _of("history_young_undo_works"), "", least=1),
    *_pages("pages"),
    *_pages("pages on PostgreSQL"),
    Row("backup", "100 000 items: backup, verified", _of("create_s"), "s", most=60),
    Row("backup", "... its memory", _of("create_mb"), "MB", most=300),
    Row("backup", "... the archive", _of("size_mb"), "MB"),
    Row("backup", "... pages meanwhile, 95 % within", _of("p95_ms"), "ms", most=150),
    Row("backup", "... restore onto an empty home", _of("restore_s"), "s", most=120),
    Row("backup", "... db copy to PostgreSQL", _of("copy_s"), "s", most=180),
    Row(
        "kills at Plex",
        "kills of a service that writes to Plex",
        _of("plex_kills"),
        "",
        least=60,
    ),
    Row("kills at Plex", "... in the middle of writing", _of("plex_kills_midway"), ""),
    Row(
        "kills at Immich",
        "kills of a service that writes to Immich",
        _of("immich_kills"),
        "",
        least=60,
    ),
    Row("kills at Immich", "... in the middle of writing", _of("immich_kills_midway"), ""),
    Row(
        "paid",
        "a scan by OpenAI, 200 ms a call, 8 at once",
        _of("openai_per_s"),
        "calls/s",
        least=38,
    ),
    Row("paid", "... most at once", _of("openai_at_once"), "", most=8),
    Row("paid", "... pictures asked about twice", _of("openai_repeated"), "", most=0),
    Row(
        "paid",
        "a scan by Imagga, 200 ms a request, 8 at once",
        _of("imagga_per_s"),
        "requests/s",
        least=38,
    ),
    Row("paid", "... most at once", _of("imagga_at_once"), "", most=8),
    Row("paid", "... refused for being too many", _of("imagga_refused"), "", most=0),
    Row(
        "kills while paying",
        "kills of paid scans of 200 photos, nothing answered asked again",
        _of("paid_kills"),
        "",
        least=1000,
    ),
    Row("kills while paying", "... scans brought to their end", _of("paid_scans"), ""),
    Row("kills while paying", "... of them with a budget too small", _of("paid_tight"), ""),
    Row(
        "kills while paying", "... answers given twice, in flight at a kill", _of("paid_twice"), ""
    ),
    Row(
        "kills while paying",
        "... of the calls that the ledger counts twice",
        _ratio("paid_twice", "paid_doubt"),
        "times",
        most=1,
    ),
    Row("batches", "100 000 pictures through OpenAI's batches", _of("batch_items"), "", least=1e5),
    Row("batches", "... in batches", _of("batches"), "", least=2),
    Row("batches", "... a second", _of("batch_per_s"), "pictures/s"),
    Row("batches", "... peak memory", _of("batch_mb"), "MB", most=300),
    Row("batches", "... most in the spool", _of("batch_disk_mb"), "MB"),
    Row("batches", "... files left in the spool", _of("batch_spool_left"), "", most=0),
    Row("batches", "... files left at the service", _of("batch_files_left"), "", most=0),
    Row("video", "10 min of 1080p H.264: a frame each 5 s", _of("video_ours_s"), "s"),
    Row("video", "... by reading every frame with OpenCV", _of("video_opencv_s"), "s"),
    Row("video", "... faster", _ratio("video_opencv_s", "video_ours_s"), "x", least=8),
    Row(
        "video", "... frames that are the same", _ratio("video_same", "video_frames"), "x", least=1
    ),
    Row("video", "2 h of it: 120 frames", _of("video_interval_s"), "s"),
    Row("video", "2 h of it: ten frames of shots", _of("video_scenes_s"), "s"),
    Row("video", "2 h of it: ten keyframes", _of("video_keyframes_s"), "s"),
    Row("video", "... peak memory, the most of the three", _of("video_long_mb"), "MB", most=300),
    Row("video", "... size of the film", _of("video_film_mb"), "MB"),
    Row(
        "video", "... loaded of it over HTTP for ten frames of shots", _of("video_loaded_mb"), "MB"
    ),
    Row("video", "... in requests", _of("video_requests"), ""),
    Row("scenes", "10 min of 1080p: shots by PySceneDetect's full pass", _of("scenes_full_s"), "s"),
    Row("scenes", "... by the fast pass, a frame of each", _of("scenes_ours_s"), "s"),
    Row("scenes", "... faster", _ratio("scenes_full_s", "scenes_ours_s"), "x", least=6),
    Row("scenes", "... of its shots represented", _of("scenes_represented"), "share", least=0.8),
    Row("scenes", "known films at hand", _of("scenes_known"), ""),
    Row(
        "scenes",
        "... whose cuts the exact pass does not find",
        lambda of: of["scenes_known"] - of["scenes_exact"],
        "",
        most=0,
    ),
    *_of_posters("macro AP", "macro_ap", 0.08),
    *_of_posters("micro AP", "micro_ap", 0.10),
    *_of_posters("macro AUC", "macro_auc", 0.12),
    Row(
        "genre",
        "... of these three, 95 % intervals apart",
        _of("genre_apart"),
        "",
        least=3,
        of_shared=True,
    ),
    Row(
        "genre",
        "... expected calibration error",
        _of("genre_ece"),
        "",
        most=0.04,
        of_shared=True,
    ),
    Row("genre", "learning from 3 000 pictures", _of("genre_learn_s"), "s", most=240),
    Row("genre", "... peak memory", _of("genre_learn_mb"), "MB", most=1000),
    Row("genre", "... again, all of them seen before", _of("genre_again_s"), "s"),
    Row("genre", "a trailer, the whole command", _of("genre_predict_s"), "s"),
    Row(
        "genre",
        "... faster than it plays",
        _ratio("genre_trailer_s", "genre_predict_s"),
        "x",
        least=20,
    ),
    Row(
        "genre",
        "... 1 or 2 frames a second move a probability by",
        _of("genre_twice_moved"),
        "",
        most=0.10,
    ),
    Row("genre", "... being encoded anew moves it by", _of("genre_anew_moved"), "", most=0.10),
    Row("heic", "12-Mpx HEIC of 48 tiles, size", _of("heic_mb"), "MB"),
    Row("heic", "... through a thumbnail of 512 x 384", _of("heic_512_ms"), "core-ms", most=60),
    Row("heic", "... with one of 320 x 240, which is too small", _of("heic_320_ms"), "core-ms"),
    Row("heic", "... without one", _of("heic_plain_ms"), "core-ms"),
    Row("heic", "... by libheif", _of("heic_libheif_ms"), "core-ms"),
    Row("heic", "12-Mpx JPEG", _of("heic_jpeg_ms"), "core-ms"),
    Row("heic", "answers moved by DCT scaling of a JPEG", _of("heic_jpeg_moved"), ""),
    Row("heic", "... by the thumbnail of 512 x 384", _of("heic_512_moved"), ""),
    Row("heic", "... by the faster decoder", _of("heic_plain_moved"), ""),
    *_of_life("classifier", "the classifier alone", tagged=0, found=0, person=0),
    *_of_life("default", "nothing fetched", tagged=0.57, found=0.32, person=0.75),
    *_of_life("nano", "with YOLOX-Nano", tagged=0.68, found=0.42, person=0.85),
    Row(
        "metadata",
        "photos of 3 MB in a folder: metadata alone",
        _of("metadata_per_s"),
        "photos/s",
        least=2000,
    ),
    Row("metadata", "... in a scan, all steps, a preview", _of("metadata_scan_per_s"), "photos/s"),
    Row("places", "20 000 places looked up", _of("places_s"), "s", most=2),
    Row("places", "... loading their data", _of("places_load_s"), "s"),
    Row("places", "... peak memory", _of("places_mb"), "MB", most=150),
    Row("places", "... with a name", _of("places_named"), "share"),
    Row(
        "schedules",
        "times of four schedules, in four processes of which three were killed",
        _of("schedule_firings"),
        "",
        least=200,
    ),
    Row("schedules", "... fired twice", _of("schedule_doubled"), "", most=0),
    Row("schedules", "... not fired", _of("schedule_missed"), "", most=0),
    Row("schedules", "... the latest of them", _of("schedule_latest_s"), "s"),
    Row("schedules", "... scans that they started", _of("schedule_scans"), "", least=4),
    *_of_cluster(),
    Row(
        "million",
        "1 000 000 items on PostgreSQL, 1 % new: first chunk at work",
        _of("first_chunk_s"),
        "s",
        most=30,
    ),
    Row("million", "... all listed", _of("listed_s"), "s"),
    Row("million", "... peak memory", _of("mb"), "MB", most=400),
    Row("million", "... items asked about", _of("asked"), "", least=10_000),
    Row("million", "8 processes that lease and finish chunks", _of("leases_per_s"), "chunks/s"),
    Row(
        "million",
        "... with fsync=off",
        _of("leases_unsynced_per_s"),
        "chunks/s",
        least=200,
    ),
    *_of_cluster_kills("Redis", "redis"),
    *_of_cluster_kills("RabbitMQ", "rabbitmq"),
    *_of_cluster_faults(),
)


def main() -> int:
    parts = sys.argv[1:] or list(PARTS)
    table = Table("what", "measured", "unit", "bound", "", title=_machine())
    missed = False
    for part in parts:
        figures = _measured(part)
        for row in (row for row in ROWS if row.part == part):
            verdict, value = _judged(row, figures)
            missed |= verdict == "MISSED"
            table.add_row(row.what, value, row.unit, row.bound, verdict)
    Console(width=110).print(table)
    return int(missed)


def _judged(row: Row, figures: Figures) -> tuple[str, str]:
    try:
        value = row.value(figures)
    except KeyError:
        if not row.of_shared:
            raise
        return "not at hand", "-"
    verdict = "" if not row.bound else "ok" if row.holds(value) else "MISSED"
    return verdict, _written(value)


def _written(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:.3g}"


def _measured(part: str) -> Figures:
    print(f"{part} …", file=sys.stderr, flush=True)
    output = subprocess.check_output([sys.executable, "-m", *PARTS[part]])
    figures: Figures = json.loads(output.splitlines()[-1])
    return figures


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}, {cores} cores, Python {platform.python_version()}, precision auto"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
