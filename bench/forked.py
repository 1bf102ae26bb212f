"""Scans in processes that are forked, so that one begins in milliseconds and can be killed.

A line of JSON each on standard input, the environment of a scan; its process id, and at last its
exit code, a line each on standard output. The scan is gone on with if one was cut off.
"""

import json
import os
import sys
import time

from tigertag import bootstrap, settings
from tigertag.engines import imagga, openai
from tigertag.services import scan_status, scans
from tigertag.services.scans import Request

IMPORTED = (imagga, openai)


def main() -> None:
    for line in sys.stdin:
        environment = json.loads(line)
        process = os.fork()
        if process == 0:
            os.setsid()
            _scan(environment)
            os._exit(0)
        print(process, flush=True)
        _pid, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _scan(environment: dict[str, str]) -> None:
    core = bootstrap.build(settings.load(environment))
    bootstrap.open_store(core)
    request = Request("photos", write="apply")
    scan_id = scans.unfinished(core, request)
    if scan_id is None:
        scan_id = scans.start(core, request)
    while (left_s := scans.lease_left_s(core, scan_id)) > 0:
        time.sleep(left_s + 0.01)
    while scan_status.status(core, scan_id).scan.active:
        scans.run(core, scan_id).run()
        time.sleep(0.05)


if __name__ == "__main__":
    main()
