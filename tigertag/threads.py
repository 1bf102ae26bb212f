"""Steps of a scan on threads of this process: the default executor."""

import gc
import os
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event

Step = Callable[[], bool]
"""Does one piece of work; False when there is none left."""


def default_workers() -> int:
    """One a core, and one that waits for the disk."""
    return (os.cpu_count() or 1) + 1


def run(step: Step, *, workers: int, stop: Event) -> None:
    """Take steps on `workers` threads until one says that none is left, or `stop` is set.

    The first exception of a step stops all and is raised when the others have ended their step.
    """

    def work() -> None:
        while not stop.is_set() and step():
            pass

    # What is there by now mostly stays: looking through it again and again cost 6 % of a scan.
    # Young garbage goes first: frozen it would count as old, and small scans never get to that.
    gc.collect(1)
    gc.freeze()
    with ThreadPoolExecutor(workers, thread_name_prefix="tigertag") as pool:
        futures = [pool.submit(work) for _ in range(workers)]
        try:
            done, _running = wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            stop.set()
            raise
        finally:
            gc.unfreeze()
        if any(future.exception() for future in done):
            stop.set()
    for future in futures:
        future.result()
