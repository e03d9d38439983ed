"""Whether this machine can run the campaign."""

import os
import shutil

from local import namespaces, postgres, s3
from local.ports import LaunchRefused

PROGRAMS = {
    **{"ip": "iproute2", "nginx": "nginx-light", "setpriv": "util-linux", "unshare": "util-linux"},
    "mount": "mount",
}


def missing() -> str:
    """Returns in one line what is missing, and how it is had; empty where nothing is."""
    if os.geteuid() != 0:
        return "it needs root, for namespaces of its own"
    absent = {package: name for name, package in PROGRAMS.items() if not shutil.which(name)}
    if absent:
        names, packages = ", ".join(absent.values()), " ".join(absent)
        return f"it needs {names}: apt-get install {packages}"
    try:
        postgres.programs()
        s3.program()
    except LaunchRefused as error:
        return str(error)
    refusal = namespaces.refusal()
    return f"no namespaces here: {refusal}" if refusal else ""
