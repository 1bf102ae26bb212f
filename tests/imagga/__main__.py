"""`python -m tests.imagga`: the fake Imagga as a process of its own.

Prints its URL when it is ready; `GET /_counts` beside it (not below /v2) tells, as JSON, what it
was asked. SIGTERM or Ctrl-C ends it; it then prints those counts, and ends with 1 if it was sent
what no client of Imagga sends.
"""

import argparse
import json
import signal
import sys
from threading import Event

from tests.imagga import ImaggaServer


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.imagga")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--monthly-limit", type=int, default=1_000_000)
    parser.add_argument("--latency-s", type=float, default=0.0, help="of a tagging")
    parser.add_argument("--other-latency-s", type=float, default=0.0, help="of anything else")
    return parser.parse_args()


def main() -> int:
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_told: ended.set())
    imagga = ImaggaServer(**vars(_arguments()))
    try:
        with imagga:
            print(imagga.url, flush=True)
            ended.wait()
    except AssertionError as exc:
        print(exc, file=sys.stderr)
        return 1
    finally:
        print(json.dumps(imagga.counts()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
