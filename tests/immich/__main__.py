"""`python -m tests.immich FOLDER`: serve a folder of pictures as Immich would.

Prints its URL when it is ready. SIGTERM or Ctrl-C ends it; it then prints, as JSON, how many
requests of each kind it had, and ends with 1 if it was asked what a tagger must never ask.
"""

import argparse
import sys
from pathlib import Path

from tests.alone import ending, serve
from tests.immich import KEY, ImmichServer, fill


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.immich")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--version", default="3.1", choices=("3.1", "3.2"))
    parser.add_argument("--photos", type=int, help="how many there are, the pictures going round")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--extraction-s", type=float, default=0.2, help="of background work")
    return parser.parse_args()


def main() -> int:
    arguments, ended = _arguments(), ending()
    server = ImmichServer(arguments.version, port=arguments.port, key=arguments.key)
    server.extraction_s = arguments.extraction_s
    fill(server, arguments.folder, photos=arguments.photos)
    return serve(server, ended, ready=server.url, told=lambda: server.counts)


if __name__ == "__main__":
    sys.exit(main())
