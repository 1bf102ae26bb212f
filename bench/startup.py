"""How long `import tigertag` and `tigertag --help` take."""

import json
import subprocess
import sys
import time

RUNS = 7


def main() -> None:
    bare = _median([sys.executable, "-c", "pass"])
    imported = _median([sys.executable, "-c", "import tigertag"])
    helped = _median([sys.executable, "-m", "tigertag", "--help"])
    print(json.dumps({"import_s": imported - bare, "help_s": helped}))


def _median(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - begun)
    return sorted(times)[RUNS // 2]


if __name__ == "__main__":
    main()
