"""A strict fake of Imagga on a real socket, and its owner's hands on it."""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from tests.faults import Faults
from tests.imagga.handler import Handler, Refused
from tests.imagga.picture import short_side_px
from tests.wire import FakeServer

KEY, SECRET = "acc_0f1e2d3c4b5a697", "s3cret-of-an-account"
KINDS = ("cut", "dropped", "html", "malformed", "slow")
PLACES = ("uploads", "tags", "delete", "usage")
_WORDS = {
    "en": ("harbour", "boat", "sky", "rope", "gull", "cloud", "quay"),
    "de": ("Hafen", "Boot", "Himmel", "Tau", "Möwe", "Wolke", "Kai"),
    "zh_chs": ("港口", "船", "天空", "绳子", "海鸥", "云", "码头"),
}


class ImaggaServer(FakeServer):
    """`with ImaggaServer() as imagga:` serves on `imagga.url` to whoever has KEY and SECRET.

    Beyond `concurrency` requests at once, of any kind but /usage, it answers 429; beyond
    `monthly_limit` taggings 403. `latency_s` is how long a tagging takes, `other_latency_s` an
    upload or a delete. What no client of Imagga sends is kept in `violations` and raised when the
    block ends. `overrides` change what /usage tells; what is None there is left out. `says` is the
    text of an answer that is an injected status, unless `speaks_json` is off.
    """

    blame = "Imagga was sent what nobody sends it"

    def __init__(
        self,
        *,
        port: int = 0,
        concurrency: int = 8,
        monthly_limit: int = 1_000_000,
        processed: int = 0,
        latency_s: float = 0.0,
        other_latency_s: float = 0.0,
    ) -> None:
        super().__init__(port, Handler)
        self.key, self.secret = KEY, SECRET
        self.concurrency = concurrency
        self.monthly_limit = monthly_limit
        self.processed = processed
        self.latency_s = latency_s
        self.other_latency_s = other_latency_s
        self.silence_s = 1.0
        self.retry_after = ""
        self.says = ""
        self.speaks_json = True
        self.languages = set(_WORDS)
        self.taggers = {"general_v3", "own one/2"}
        self.overrides: dict[str, object] = {}
        self.faults = Faults(PLACES, KINDS)
        self.lock = threading.RLock()
        self.uploads: dict[str, str] = {}
        self.taggings: Counter[str] = Counter()
        self.short_sides: deque[int] = deque(maxlen=100_000)
        self.bodies: deque[bytes] = deque(maxlen=1000)
        self.log: deque[str] = deque(maxlen=100_000)
        self.requests = 0
        self.most_at_once = 0
        self.most_taggings_at_once = 0
        self.refused = 0
        self._now: Counter[str] = Counter()
        self._ids = iter(range(1, 1 << 40))

    @property
    def url(self) -> str:
        return f"{super().url}/v2"

    def fail(self, at: str, kind: int | str, *, times: float = 1) -> None:
        """Let the next requests of "uploads", "tags", "delete" or "usage" fail.

        `kind` is a status, "dropped" (nothing is done, the connection is closed); or, after it was
        done: "cut" (in the middle of the answer), "html" (with 200), "slow" (an answer that never
        comes), "malformed" (JSON with nothing in it).
        """
        self.faults.add(at, kind, times=times)

    def mend(self) -> None:
        self.faults.clear()

    def asked(self, start: str) -> list[str]:
        """The requests that begin like this."""
        return [line for line in self.log if line.startswith(start)]

    def counts(self) -> dict[str, Any]:
        """What `GET /_counts` tells. A picture is known by its SHA-256."""
        with self.lock:
            return {
                "taggings": dict(self.taggings),
                "processed": self.processed,
                "most_at_once": self.most_at_once,
                "most_taggings_at_once": self.most_taggings_at_once,
                "refused": self.refused,
                "uploads_left": len(self.uploads),
                "requests": self.requests,
                "violations": list(self.violations),
            }

    def latency(self, at: str) -> float:
        match at:
            case "tags":
                return self.latency_s
            case "usage":
                return 0.0
            case _:
                return self.other_latency_s

    def note(self, line: str, body: bytes) -> None:
        with self.lock:
            self.requests += 1
            self.log.append(line)
            if body:
                self.bodies.append(body)

    @contextmanager
    def under_way(self, at: str) -> Iterator[bool]:
        """Count a request as under way; tell whether it may be."""
        if at == "usage":
            yield True
            return
        with self.lock:
            self._now[at] += 1
            now = self._now.total()
            self.most_at_once = max(self.most_at_once, now)
            self.most_taggings_at_once = max(self.most_taggings_at_once, self._now["tags"])
            self.refused += now > self.concurrency
            allowed = now <= self.concurrency
        try:
            yield allowed
        finally:
            with self.lock:
                self._now[at] -= 1

    def keep(self, picture: bytes) -> str:
        """Take an upload. Raises `NoPicture` and `Telltale`."""
        side = short_side_px(picture)
        with self.lock:
            upload = f"i05{next(self._ids):09}"
            self.uploads[upload] = sha256(picture).hexdigest()
            self.short_sides.append(side)
            return upload

    def forget(self, upload: str) -> None:
        with self.lock:
            if self.uploads.pop(upload, None) is None:
                raise Refused(404, "There is no such upload")

    def tagged(self, upload: str, language: str) -> list[dict[str, Any]]:
        """The tags of an upload, which is paid for."""
        with self.lock:
            if upload not in self.uploads:
                raise Refused(404, "There is no such upload")
            if self.processed >= self.monthly_limit:
                raise Refused(403, "You have reached your monthly limit")
            digest = self.uploads[upload]
            self.taggings[digest] += 1
            self.processed += 1
        return tags_of(digest, language)

    def usage(self) -> dict[str, object]:
        month = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
        with self.lock:
            told: dict[str, object] = {
                "billing_period_end": month.isoformat(),
                "billing_period_start": (month - timedelta(days=30)).isoformat(),
                "concurrency": {"max": self.concurrency, "now": self._now.total()},
                "monthly_limit": self.monthly_limit,
                "monthly_processed": self.processed,
            }
        told |= self.overrides
        return {name: value for name, value in told.items() if value is not None}


def tags_of(digest: str, language: str = "en") -> list[dict[str, Any]]:
    """What the service says of a picture: it is always the same."""
    first = int(digest[:2], 16) / 4 + 30
    words = _WORDS[language]
    return [
        {"confidence": first / (1 + 0.3 * rank), "tag": {language: word}}
        for rank, word in enumerate(words)
    ]
