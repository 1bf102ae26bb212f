"""The process that runs yt-dlp: it can hang, or be killed, and nobody else is harmed.

One line of JSON comes in: link, folder, limits. One goes out: {"file": name}, or {"problem": line,
"retryable": bool}. It also ends when its standard input is closed.
"""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from tigertag.errors import Unreadable
from tigertag.genres.trailers import NO_EXTRA, TrailerLimits

if TYPE_CHECKING:
    from yt_dlp.extractor.common import InfoExtractor


def main(extractors: Iterable["InfoExtractor"] = ()) -> None:
    """Do the task on the standard input."""
    answer_to = os.dup(1)
    os.dup2(2, 1)
    task = json.loads(sys.stdin.buffer.readline())
    Thread(target=_end_with_parent, daemon=True).start()
    os.write(answer_to, json.dumps(_answer(task, extractors)).encode())


def _answer(task: dict[str, Any], extractors: Iterable["InfoExtractor"]) -> dict[str, object]:
    try:
        from tigertag.genres.trailers.ytdlp import download
    except ImportError:
        return {"problem": NO_EXTRA, "retryable": False}
    try:
        limits = TrailerLimits(**task["limits"])
        return {"file": download(task["link"], Path(task["folder"]), limits, extractors)}
    except Unreadable as exc:
        return {"problem": str(exc), "retryable": exc.retryable}


def _end_with_parent() -> None:
    if not os.read(0, 1):
        os._exit(1)


if __name__ == "__main__":
    main()
