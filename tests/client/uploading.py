"""Uploads a folder, as a process that can be killed: it stops where it is asked to, and says so.

python -m tests.client.uploading URL FOLDER PARALLEL STOP_AT
"""

import json
import signal
import sys
from pathlib import Path

from similarity_client import Progress, Retries, Similarity, UploadStopped
from similarity_client.upload import Report

QUICK = Retries(first_s=0.05, longest_s=0.2)


def main(url: str, folder: str, parallel: int, stop_at: int) -> None:
    """Prints a line at the stop, and goes on after a line of stdin; then prints the report."""

    def on_file(progress: Progress) -> None:
        if progress.done == stop_at:
            print("stopped", flush=True)
            sys.stdin.readline()

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    paths = sorted(Path(folder).iterdir())
    with Similarity(url, retries=QUICK) as similarity:
        try:
            report = similarity.upload(paths, parallel=parallel, progress=on_file)
            print(shown(report), flush=True)
        except UploadStopped as error:
            print(f"UploadStopped {error}", file=sys.stderr)
            print(shown(error.report), flush=True)
            sys.exit(5)


def shown(report: Report) -> str:
    failed = {path.name: f"{error}" for path, error in report.failed}
    return json.dumps({"added": report.added, "same": report.same, "failed": failed})


if __name__ == "__main__":
    url, folder, parallel, stop_at = sys.argv[1:]
    main(url, folder, int(parallel), int(stop_at))
