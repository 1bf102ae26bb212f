"""REST for the workers of a service with a broker."""

from datetime import datetime
from typing import Literal

from flask import Response
from pydantic import BaseModel, Field

from tigertag.services import workers
from tigertag.web import state
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.schemas import NoFields, Nothing, Shape, Text, from_path

routes = Routes("workers", "The processes `tigertag worker`, on any number of machines.")

_WORKER = "/workers/<name>"
_REFUSED = (400, 404, 413, 415)


class JobShape(Shape):
    """What a worker is at: a chunk of a scan."""

    scan: int = from_path("scan_id")
    section: str = Field(description="What people call it; empty: the scan has ended.")
    chunk: int = from_path("chunk_id")
    kind: str = Field(description="list: it lists the section; batch; items, or groups of them.")
    queue: str
    items: int = Field(description="How many items the chunk has.")
    since: datetime


class RefusalShape(Shape):
    """A scan that a worker does not work on."""

    scan: int = from_path("scan_id")
    library: str
    reason: str
    unavailable: bool = Field(description="Whether it is for now: the library does not answer.")


class WorkerShape(Shape):
    """A worker."""

    name: str
    host: str
    pid: int
    version: str = Field(description="TigerTag's version.")
    state: Literal["active", "refusing", "draining", "lost"] = Field(
        description="refusing: it works, but not on each scan; draining: it ends what it is at and"
        " stops; lost: it has not been heard of for 15 s."
    )
    started_at: datetime
    seen_at: datetime = Field(description="When it was heard of last.")
    threads: int = Field(description="How many chunks it works on at once.")
    queues: list[str] = Field(description="Of `default`, `video`, `paid` and `gpu`.")
    libraries: list[str]
    engines: list[str]
    jobs: list[JobShape]
    items_done: int
    items_s: float = Field(description="Items a second in the last minute.")
    refusals: list[RefusalShape]


class QueueShape(Shape):
    """Chunks of a scan that wait in a queue.

    Batches whose file is in a worker's home wait for a worker of that home, as a queue of their
    own.
    """

    queue: str
    scan: int = from_path("scan_id")
    section: str
    waiting: int = Field(description="Chunks that are due and that nobody has taken yet.")
    workers: int = Field(description="How many workers may take them.")
    problem: str = Field(description="Why nobody can, and what to do; empty: somebody can.")


class WorkersShape(Shape):
    """All workers, and what waits for them."""

    clustered: bool = from_path("is_clustered", description="Whether there is a broker.")
    problem: str = Field(description="Why nothing can be sent to workers; empty if it can.")
    workers: list[WorkerShape] = Field(description="By name, those that were lost lately too.")
    queues: list[QueueShape] = Field(description="Those in which chunks wait.")


class WorkerPath(BaseModel):
    name: Text = Field(description="The worker's name.")


@routes.get("/workers", WorkersShape)
def list_workers(query: Nothing) -> Response:
    """List the workers, what each is at, and the queues that have nobody."""
    return sent(WorkersShape, workers.overview(state.core()))


@routes.get(_WORKER, WorkerShape, 404)
def get_worker(path: WorkerPath, query: Nothing) -> Response:
    """Return a worker."""
    return sent(WorkerShape, workers.get(state.core(), path.name))


@routes.post(f"{_WORKER}/drain", WorkerShape, *_REFUSED)
def drain_worker(path: WorkerPath, body: NoFields, query: Nothing) -> Response:
    """Let a worker end what it is at, take nothing more, and stop."""
    return sent(WorkerShape, workers.drain(state.core(), path.name))


@routes.post(f"{_WORKER}/resume", WorkerShape, *_REFUSED)
def resume_worker(path: WorkerPath, body: NoFields, query: Nothing) -> Response:
    """Let a worker go on that is being drained and has not stopped yet."""
    return sent(WorkerShape, workers.resume(state.core(), path.name))
