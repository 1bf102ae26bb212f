"""A strict fake of OpenAI's API on a real socket, and its owner's hands on it."""

import tempfile
import threading
from collections import Counter, deque
from pathlib import Path
from typing import Any

from tests.faults import Faults
from tests.openai_server import running
from tests.openai_server.habits import Habits
from tests.openai_server.handler import Handler
from tests.openai_server.holdings import Batch, File
from tests.openai_server.refusals import Refused
from tests.service import AtOnce
from tests.wire import FakeServer

KEY = "sk-proj-the0wners0wn0key0123456789abcd"
_OPENAI = Habits()
KINDS = ("quota", "dropped", "lost", "cut", "html", "empty", "slow")
PLACES = ("chat", "model", "models", "upload", "files", "delete", "content", "start", "batch",
          "batches", "cancel")  # fmt: skip
_SNAPSHOTS = {
    "gpt-6-luna": "gpt-6-luna-2026-09-22",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "unpriced": "unpriced",
}


class OpenAIServer(FakeServer):
    """`with OpenAIServer() as openai:` serves on `openai.url` to whoever has KEY.

    A batch is answered `batch_delay_s` after it was made; None: when `finish` says so. Beyond
    `allowed_at_once` chats it answers 429. `script` holds what the next answers are instead of
    what is seen: their content, refusal or finish_reason. What no client sends is kept in
    `violations` and raised when the block ends. Everything large is on disk.
    """

    blame = "OpenAI was sent what nobody sends"

    def __init__(
        self,
        *,
        port: int = 0,
        habits: Habits = _OPENAI,
        latency_s: float = 0.0,
        batch_delay_s: float | None = None,
        allowed_at_once: int | None = None,
    ) -> None:
        super().__init__(port, Handler)
        self.key = KEY
        self.habits = habits
        self.models = dict(_SNAPSHOTS)
        self.latency_s = latency_s
        self.batch_delay_s = batch_delay_s
        self.allowed_at_once = allowed_at_once
        self.silence_s = 1.0
        self.retry_after = ""
        self.cached_tokens = 0
        self.answer_tokens: int | None = None
        self.max_lines, self.max_bytes = 50_000, 200_000_000
        self.script: deque[dict[str, Any]] = deque()
        self.faults = Faults(PLACES, KINDS)
        self.lock = threading.RLock()
        self.files: dict[str, File] = {}
        self.batches: dict[str, Batch] = {}
        self.counts: Counter[str] = Counter()
        self.pictures: Counter[str] = Counter()
        self.bodies: deque[bytes] = deque(maxlen=64)
        self.headers: deque[dict[str, str]] = deque(maxlen=64)
        self.log: deque[str] = deque(maxlen=100_000)
        self.chats = AtOnce()
        self.is_closing = False
        self._ids = iter(range(1, 1 << 40))
        self._running: list[threading.Thread] = []
        self._folder = tempfile.TemporaryDirectory(prefix="openai-server-")

    def _close(self) -> None:
        self.is_closing = True
        super()._close()
        for one in self._running:
            one.join()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    def fail(self, at: str, kind: int | str, *, times: float = 1) -> None:
        """Let the next requests of this sort, of PLACES, fail.

        `kind` is a status, "quota" (429), "dropped" (nothing is done, the connection is closed);
        or, after it was done: "lost" (there is no answer), "cut" (half of it), "html" (with 200),
        "empty" (JSON with nothing in it), "slow" (an answer that comes too late).
        """
        self.faults.add(at, kind, times=times)

    def mend(self) -> None:
        self.faults.clear()

    def say(self, **message: Any) -> None:
        """Answer the next question with this content, refusal or finish_reason.

        `refuse`: the status, message and code of an error instead.
        """
        self.script.append(message)

    def scripted(self) -> dict[str, Any]:
        with self.lock:
            return self.script.popleft() if self.script else {}

    def snapshot(self, model: object) -> str | None:
        """The dated name of a model; None where there is no such model."""
        known = {**{one: one for one in self.models.values()}, **self.models}
        if self.habits.any_model:
            return str(model)
        return known.get(model) if isinstance(model, str) else None

    def count(self, digest: str) -> None:
        with self.lock:
            self.pictures[digest] += 1

    def told(self) -> dict[str, Any]:
        """What `GET /_counts` tells. A picture is known by its SHA-256."""
        with self.lock:
            return {
                "requests": dict(self.counts),
                "pictures": dict(self.pictures),
                "most_at_once": self.most_at_once,
                "files": len(self.files),
                "batches": {one.id: one.status for one in self.batches.values()},
                "violations": list(self.violations),
            }

    @property
    def most_at_once(self) -> int:
        return self.chats.most

    def finish(self, batch: str, *, share: float = 1.0, end: str = "completed") -> None:
        """Answer a share of a batch, then let it end as completed, expired or cancelled."""
        one = self.batches[batch]
        self.validate(batch)
        if one.status != "failed":
            running.run(self, one, self.files[one.file].path, share=share, end=end)

    def validate(self, batch: str) -> None:
        one = self.batches[batch]
        if one.status == "validating":
            running.validate(self, one, self.files[one.file].path)

    def fail_batch(self, batch: str, code: str, message: str, *, line: int | None = None) -> None:
        """Let a batch fail as a whole."""
        one = self.batches[batch]
        one.errors = [{"code": code, "message": message, "line": line, "param": None}]
        one.status = "failed"

    def started(self, file: str, metadata: dict[str, str]) -> Batch:
        """Make a batch of a file. Raises `Refused`."""
        with self.lock:
            if file not in self.files or self.files[file].purpose != "batch":
                raise Refused(400, f"Invalid file ID: {file}", param="input_file_id")
            one = Batch(f"batch_{next(self._ids):012}", file, metadata)
            self.batches[one.id] = one
        if self.batch_delay_s is not None:
            runner = threading.Thread(target=self._later, args=(one.id,), daemon=True)
            self._running.append(runner)
            runner.start()
        return one

    def new_file(self, purpose: str, name: str = "") -> File:
        """Return a file that is written, and not kept yet."""
        with self.lock:
            number = f"file-{next(self._ids):012}"
        path = Path(self._folder.name) / number
        path.touch()
        return File(number, name or f"{number}.jsonl", purpose, path)

    def keep(self, file: File) -> None:
        with self.lock:
            self.files[file.id] = file

    def settled(self, file: File) -> str | None:
        """Keep a file that has something in it; return its id."""
        if file.path.stat().st_size:
            self.keep(file)
            return file.id
        file.path.unlink()
        return None

    def forget(self, file: str) -> None:
        """Delete a file. Raises `Refused`."""
        with self.lock:
            gone = self.files.pop(file, None)
        if gone is None:
            raise Refused(404, f"No such File object: {file}", param="id")
        gone.path.unlink()

    def _later(self, batch: str) -> None:
        threading.Event().wait(self.batch_delay_s)
        one = self.batches[batch]
        if not self.is_closing and not one.has_ended:
            cancelled = one.status == "cancelling"
            self.finish(batch, share=0.0 if cancelled else 1.0, end=_end(cancelled=cancelled))


def _end(*, cancelled: bool) -> str:
    return "cancelled" if cancelled else "completed"
