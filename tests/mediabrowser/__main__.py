"""`python -m tests.mediabrowser FOLDER`: serve a folder of pictures as Emby or Jellyfin would.

Prints its URL when it is ready. SIGTERM or Ctrl-C ends it; it then prints, as JSON, how many
requests of each kind it had, and ends with 1 if one of them is not in the server's own document.
"""

import argparse
import sys
from pathlib import Path

from tests.alone import ending, serve
from tests.mediabrowser import KEY, MediaServer, fill
from tests.mediabrowser.spec import FILES


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mediabrowser")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", default="jellyfin", choices=sorted({kind for kind, _v in FILES}))
    parser.add_argument("--version", help="4.8 of Emby; 10.10, 10.11 (default) or 12 of Jellyfin")
    parser.add_argument("--title", default="Photos", help="the section's name")
    parser.add_argument("--photos", type=int, help="how many there are, the pictures going round")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default=KEY)
    return parser.parse_args()


def main() -> int:
    told, ended = _arguments(), ending()
    version = told.version or {"emby": "4.8", "jellyfin": "10.11"}[told.kind]
    server = MediaServer(told.kind, version, port=told.port, key=told.key)
    fill(server, told.folder, title=told.title, photos=told.photos)
    return serve(server, ended, ready=server.url, told=lambda: server.counts)


if __name__ == "__main__":
    sys.exit(main())
