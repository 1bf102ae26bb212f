"""Celery: the application, its one task, and what is sent and consumed. Nothing else imports it.

    celery -A tigertag.scan.celery_app inspect active

A message carries the ids of a scan and of a chunk; that the database knows better is the rule: it
may come twice, late or never (see `scan.dispatcher`).
"""

import logging
import warnings
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from threading import Event
from typing import Any

from amqp.exceptions import NotFound as QueueNotFound
from celery import Celery, Task, signals
from celery.apps.worker import Worker
from celery.exceptions import CPendingDeprecationWarning
from celery.platforms import SecurityWarning
from kombu.entity import Queue
from kombu.exceptions import ChannelError, OperationalError

from tigertag import settings
from tigertag.errors import BrokerError
from tigertag.text import one_line, without_password

logger = logging.getLogger(__name__)

VISIBILITY_S = 900
"""After that Redis gives a message to another worker that nobody has acknowledged.

RabbitMQ closes the connection of a consumer that acknowledges nothing for half an hour. A chunk is
given back long before (`scan.cluster_worker.SOFT_LIMIT_S`); a listing, which may take longer, keeps
its lease in the database, so that a message that comes again finds it taken.
"""
_SOCKET_S = 5.0
_AGAIN_S = 1.0
_EXPIRES_S = 3600.0
_PREFIX = "tigertag"
_TASK = "tigertag.work_on_chunk"

WorkOnChunk = Callable[[int, int], None]


def make(broker_url: str) -> Celery:
    """Return the application for a broker; nothing is connected yet."""
    made = Celery(_PREFIX, broker=broker_url, set_as_current=False)
    made.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=True,
        task_ignore_result=True,
        task_create_missing_queues=True,
        task_default_queue=_PREFIX,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=True,
        worker_send_task_events=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=4,
        broker_heartbeat=10,
        broker_transport_options=_transport_options(broker_url),
    )
    made.task(_consumed, name=_TASK, bind=True)
    return made


def _transport_options(broker_url: str) -> dict[str, Any]:
    if not broker_url.startswith("redis"):
        return {"connect_timeout": 4}
    return {
        "visibility_timeout": VISIBILITY_S,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # Without it a network that drops packets keeps who sends for a quarter of an hour, and the
        # event loop that would notice.
        "socket_timeout": _SOCKET_S,
        "socket_connect_timeout": 4,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }


_work: WorkOnChunk | None = None


def _consumed(_task: Task, scan_id: int, chunk_id: int) -> None:
    """Work on a chunk if the database says that it is to be worked on; never raises."""
    if _work is None:
        logger.error("a chunk came to a Celery worker that is none of TigerTag's; it is left")
        return
    _work(scan_id, chunk_id)


def queue_name(scan_id: int, queue: str, home: str = "") -> str:
    """Return the name of a scan's queue at the broker; `home`: the one for files of that home."""
    return f"{_PREFIX}.{scan_id}.{f'home-{home}' if home else queue}"


def _queue(name: str) -> Queue:
    # It outlives the scan's last message by an hour at RabbitMQ; Redis keeps no empty queue.
    return Queue(name, routing_key=name, durable=True, expires=_EXPIRES_S)


class Broker:
    """Sends chunks. For one thread."""

    def __init__(self, url: str) -> None:
        self._app = make(url)
        connection = self._app.connection()
        self._errors = (OperationalError, OSError, *connection.connection_errors)

    def send(self, scan_id: int, name: str, chunk_ids: Iterable[int]) -> None:
        """Send chunks to a queue. Raises `BrokerError`."""
        task = self._app.tasks[_TASK]
        try:
            with self._app.producer_or_acquire() as producer:
                for chunk_id in chunk_ids:
                    task.apply_async(
                        (scan_id, chunk_id), queue=_queue(name), producer=producer, retry=False
                    )
        except self._errors as exc:
            raise BrokerError(_unreachable(exc)) from exc

    def is_empty(self, name: str) -> bool:
        """Whether no message waits in a queue. Raises `BrokerError`."""
        try:
            with self._app.connection_for_read() as connection:
                queue = _queue(name)(connection.default_channel)
                return int(queue.queue_declare(passive=True).message_count) == 0
        except (QueueNotFound, ChannelError):
            return True
        except self._errors as exc:
            raise BrokerError(_unreachable(exc)) from exc

    def empty(self, names: Collection[str]) -> None:
        """Delete what is in these queues. Raises `BrokerError`."""
        try:
            for name in names:
                with (
                    self._app.connection_for_write() as connection,
                    suppress(QueueNotFound, ChannelError),
                ):
                    # An empty queue is none at Redis, and expires by itself at RabbitMQ, where
                    # deleting one that workers still consume would cut their connections.
                    _queue(name)(connection.default_channel).purge()
        except self._errors as exc:
            raise BrokerError(_unreachable(exc)) from exc

    def close(self) -> None:
        self._app.close()


def _unreachable(exc: BaseException) -> str:
    reason = without_password(one_line(str(exc))).rstrip(".")
    return (
        f"The broker cannot be reached: {reason}. Check it and TIGERTAG_BROKER_URL; scans go"
        " on by themselves when it answers, and nothing is lost."
    )


def _keep_our_log(outage: "_Outage") -> None:
    """Let Celery log through our handlers; its lines for each chunk would be most of the log."""
    signals.setup_logging.connect(_leave_logging, weak=False)
    noisy = ("worker.strategy", "worker.consumer.consumer", "app.trace")
    for name in noisy:
        logging.getLogger(f"celery.{name}").setLevel(logging.WARNING)
    for name in ("worker.consumer.consumer", "worker.consumer.connection", "worker.request"):
        logging.getLogger(f"celery.{name}").addFilter(outage)
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning, module="celery")
    # Root in a container is common, and messages are two numbers, never code.
    warnings.filterwarnings("ignore", category=SecurityWarning)


class _Outage(logging.Filter):
    """Tells of a broker that is away in one line, and of its return in another.

    Celery logs each try as an error, and each message that it can no longer acknowledge with a
    traceback; the broker gives those out again, and the database knows what is done.
    """

    def __init__(self, errors: tuple[type[BaseException], ...]) -> None:
        super().__init__()
        self._errors = errors
        self._is_away = False

    def filter(self, record: logging.LogRecord) -> bool:
        args = record.args if isinstance(record.args, tuple) else ()
        error = next((arg for arg in args if isinstance(arg, self._errors)), None)
        is_connected = record.name == "celery.worker.consumer.connection"
        if self._is_away and is_connected:
            self._is_away = False
            logger.info("the broker is reached again")
        elif error is not None and record.name != "celery.worker.request" and not self._is_away:
            self._is_away = True
            logger.warning("the broker cannot be reached: %s; trying again", error)
        return error is None


def _leave_logging(**_settings: object) -> None:
    """Set up nothing: Celery does so only where nobody listens to this signal."""


class Consumer:
    """This process as a Celery worker. `run` works until `stop`, or a signal."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        concurrency: int,
        work: WorkOnChunk,
        stopping: Callable[[], None],
    ) -> None:
        """`work` is called on `concurrency` threads, `stopping` when the process is to end."""
        global _work
        _work = work
        connection = make(url).connection()
        _keep_our_log(_Outage((OSError, OperationalError, *connection.connection_errors)))
        self._url, self._name, self._concurrency = url, name, concurrency
        self._own = f"{_PREFIX}.worker.{name}"
        self._ends = Event()
        self._stopping = stopping
        self._wanted: frozenset[str] = frozenset()
        self._queued_for: object = None
        # Signals hold their receivers weakly.
        signals.worker_shutting_down.connect(self._end, weak=False)
        self._make()

    def _end(self, **_kwargs: object) -> None:
        self._ends.set()
        self._stopping()

    def _make(self) -> None:
        self._app = make(self._url)
        own = Queue(self._own, routing_key=self._own, auto_delete=True)
        self._app.conf.task_queues = [own]
        self._worker: Worker = self._app.Worker(
            pool="threads",
            concurrency=self._concurrency,
            hostname=self._name,
            queues=[self._own],
            without_gossip=True,
            without_mingle=True,
            optimization="fair",
            quiet=True,
        )

    def run(self) -> None:
        """Consume until the process gets SIGTERM or SIGINT; what is at work then ends first.

        Celery's worker gives up at an error that it does not expect, as of a broker that goes away
        while its connection is being closed. Then another is started in its place.
        """
        self._worker.start()
        while not self._ends.wait(_AGAIN_S):
            logger.error("Celery's worker has ended by itself; it is started again")
            self._make()
            self._worker.start()

    def consume(self, names: Collection[str]) -> None:
        """Consume these queues from now on, and no others.

        To be called again and again: what is consumed is seen by Celery's own thread alone, and a
        connection that is lost loses what was to be changed.
        """
        self._wanted = frozenset(names)
        consumer: Any = getattr(self._worker, "consumer", None)
        connected = None if consumer is None else consumer.task_consumer
        # While the broker is away nobody runs what is queued: once for each connection is enough.
        if connected is not None and connected is not self._queued_for:
            self._queued_for = connected
            consumer.call_soon(self._consume, consumer)

    def _consume(self, consumer: Any) -> None:
        self._queued_for = None
        if consumer.task_consumer is None:
            return
        names = self._wanted
        consumed = {queue.name for queue in consumer.task_consumer.queues} - {self._own}
        for name in names - consumed:
            self._app.amqp.queues.add(_queue(name))
            consumer.add_task_queue(name)
        for name in consumed - names:
            consumer.cancel_task_queue(name)


def __getattr__(name: str) -> Celery:
    """Celery's own tools look for `app`."""
    if name == "app":
        return make(settings.load().broker_url)
    raise AttributeError(name)
