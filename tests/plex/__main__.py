"""`python -m tests.plex FOLDER`: serve a folder of pictures as a Plex photo section.

Prints its URL when it is ready. SIGTERM or Ctrl-C ends it; it then prints, as JSON, how many
requests of each kind it had, and ends with 1 if one of them was nothing that a client of Plex asks.
"""

import argparse
import sys
from pathlib import Path

from tests.alone import ending, serve
from tests.plex import TOKEN, PlexServer, fill


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.plex")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--title", default="Photos", help="the section's name")
    parser.add_argument("--photos", type=int, help="how many there are, the pictures going round")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    return parser.parse_args()


def main() -> int:
    told, ended = _arguments(), ending()
    plex = PlexServer(port=told.port, token=told.token)
    fill(plex, told.folder, title=told.title, photos=told.photos)
    return serve(plex, ended, ready=plex.url, told=lambda: plex.counts)


if __name__ == "__main__":
    sys.exit(main())
