"""`python -m tests.imagga`: the fake Imagga as a process of its own.

Prints its URL when it is ready; `GET /_counts` beside it (not below /v2) tells, as JSON, what it
was asked. SIGTERM or Ctrl-C ends it; it then prints those counts, and ends with 1 if it was sent
what no client of Imagga sends.
"""

import argparse
import sys

from tests.alone import ending, serve
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
    ended = ending()
    imagga = ImaggaServer(**vars(_arguments()))
    return serve(imagga, ended, ready=imagga.url, told=imagga.counts)


if __name__ == "__main__":
    sys.exit(main())
