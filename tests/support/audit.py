"""Compares every pinned package with the known vulnerabilities: `python -m tests.support.audit`.

pip-audit itself skips packages that the advisory service does not know or did not answer for, and
calls that a success; this reports how many they were.
"""

import json
import subprocess
import sys
from typing import Any

from local.stack import ROOT

# The id of an advisory, and why it does not concern this project.
ACCEPTED: dict[str, str] = {}


def main() -> int:
    """Prints a line for each vulnerability; returns 1 where one is not accepted."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format", "json"]
    pins = ["--requirement", "constraints.txt", "--progress-spinner", "off"]
    done = subprocess.run([*command, *pins], cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        print(f"audit: pip-audit could not ask: {done.stderr.strip().splitlines()[-1]}")
        return 0
    packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    known = [package for package in packages if "vulns" in package]
    found = list(vulnerabilities(known))
    print(
        f"audit: {len(known)} packages have been held against the advisories, {len(found)} found;"
    )
    print(
        f"       of {len(packages) - len(known)} the service could not be asked, or knows nothing"
    )
    for line in found:
        print(f"       {line}")
    return 1 if found else 0


def vulnerabilities(packages: list[dict[str, Any]]) -> list[str]:
    """Returns a line for each vulnerability that is not accepted."""
    return [
        f"{package['name']} {package['version']}: {each['id']}, mended in {each['fix_versions']}"
        for package in packages
        for each in package["vulns"]
        if not {each["id"], *each["aliases"]} & set(ACCEPTED)
    ]


if __name__ == "__main__":
    sys.exit(main())
