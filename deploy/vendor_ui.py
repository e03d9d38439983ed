"""Makes the one file of the pages that is not ours, from npm's packages: `make vendor-ui`.

It is kept in the repository, so that neither a user nor a test needs npm; `vendored.json` beside it
says what it is made of, and a test holds its SHA-256.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "sidecar" / "ui" / "vendor"
FILE, LIST = "preact.js", "vendored.json"
PACKAGES = (
    {"name": "preact", "version": "10.29.8", "licence": "MIT"},
    {"name": "htm", "version": "3.1.1", "licence": "Apache-2.0"},
)
ESBUILD = "esbuild@0.28.2"
ENTRY = """
import { h } from "preact";
import htm from "htm";
export { render, Component, Fragment, createContext } from "preact";
export * from "preact/hooks";
export const html = htm.bind(h);
"""


def main() -> int:
    """Makes the file and its list anew; returns 1, with a line, where npm can't."""
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not installed", file=sys.stderr)
        return 1
    packages = [f"{each['name']}@{each['version']}" for each in PACKAGES]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "entry.js").write_text(ENTRY)
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", *packages, ESBUILD], cwd=folder, check=True
        )
        banner = f"/* {', '.join(packages)}: see {LIST} */"
        bundle = ["--bundle", "--minify", "--format=esm", "--legal-comments=none"]
        subprocess.run(
            [folder / "node_modules/.bin/esbuild", "entry.js", *bundle, f"--banner:js={banner}",
             f"--outfile={FOLDER / FILE}"],
            cwd=folder,
            check=True,
        )  # fmt: skip
        for each in PACKAGES:
            licence = folder / "node_modules" / each["name"] / "LICENSE"
            shutil.copy(licence, FOLDER / f"LICENSE-{each['name']}")
    (FOLDER / LIST).write_text(json.dumps(_list(), indent=1) + "\n")
    return 0


def _list() -> dict[str, object]:
    sha256 = hashlib.sha256((FOLDER / FILE).read_bytes()).hexdigest()
    return {"file": FILE, "sha256": sha256, "packages": PACKAGES, "joined_by": ESBUILD}


if __name__ == "__main__":
    sys.exit(main())
