"""A worker of Celery in a process of its own, which prints the chunks that it gets.

Celery gives up when it loses its broker for the first time, as it does where that goes away while
a connection is being closed.
"""

import logging
import sys
from threading import Event, Thread
from unittest.mock import patch

from celery.worker.consumer.consumer import Consumer as CelerysConsumer

from tigertag.scan.celery_app import Consumer


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    ended = Event()
    url, queue = sys.argv[1:]
    consumer = Consumer(url, name="one", concurrency=1, work=_print, stopping=ended.set)

    def subscribe() -> None:
        while not ended.wait(0.1):
            consumer.consume([queue])

    Thread(target=subscribe, daemon=True).start()
    lost = "on_connection_error_after_connected"
    unexpected = [AttributeError("'NoneType' object has no attribute 'hostname'")]
    original = getattr(CelerysConsumer, lost)

    def gives_up_once(self: CelerysConsumer, exc: Exception) -> None:
        if unexpected:
            raise unexpected.pop()
        original(self, exc)

    with patch.object(CelerysConsumer, lost, gives_up_once):
        consumer.run()


def _print(_scan_id: int, chunk_id: int) -> None:
    print(chunk_id, flush=True)


if __name__ == "__main__":
    main()
