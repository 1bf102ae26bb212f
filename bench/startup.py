"""How long `import tigertag` and `tigertag --help` take."""

import json
import subprocess
import sys
import time

RUNS = 7


_IMPORT = (
    "import time; begun = time.perf_counter(); import tigertag; print(time.perf_counter() - begun)"
)


def main() -> None:
    helped = _median([sys.executable, "-m", "tigertag", "--help"])
    print(json.dumps({"import_s": _imported(), "help_s": helped}))


def _imported() -> float:
    """Seconds in a fresh process, the interpreter's own start apart."""
    command = [sys.executable, "-c", _IMPORT]
    return sorted(float(subprocess.check_output(command)) for _ in range(RUNS))[RUNS // 2]


def _median(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - begun)
    return sorted(times)[RUNS // 2]


if __name__ == "__main__":
    main()
