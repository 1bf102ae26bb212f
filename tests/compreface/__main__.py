"""`python -m tests.compreface`: serve a fake CompreFace; print its URL and its key.

SIGTERM or Ctrl-C ends it; it then prints, as JSON, how many requests of each kind it had, and ends
with 1 if one of them was nothing that TigerTag may ask.
"""

import argparse
import sys

from tests.alone import ending, serve
from tests.compreface import KEY, CompreFaceServer


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.compreface")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--answer-s", type=float, default=0.0, help="how long an answer takes")
    return parser.parse_args()


def main() -> int:
    told, ended = _arguments(), ending()
    server = CompreFaceServer(port=told.port, key=told.key)
    server.answer_s = told.answer_s
    return serve(server, ended, ready=f"{server.url} {server.key}", told=lambda: server.counts)


if __name__ == "__main__":
    sys.exit(main())
