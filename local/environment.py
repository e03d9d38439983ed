"""The environment of a private stack: free ports, and a folder for all that it writes."""

import os
import sys
from pathlib import Path

from local.ports import HOST, free_ports


def private(folder: Path) -> dict[str, str]:
    """Returns the environment of this process with every port and folder of the stack replaced.

    Args:
        folder: the stack's DATA_DIR.
    """
    port, grpc, http, metrics, redis, worker = free_ports(6)
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
        "DATA_DIR": str(folder),
        "HOST": HOST,
        "PORT": str(port),
        "TRITON_URL": f"{HOST}:{grpc}",
        "TRITON_HTTP_PORT": str(http),
        "TRITON_METRICS_PORT": str(metrics),
        "METRICS_PORT": str(worker),
        "REDIS_URL": f"redis://{HOST}:{redis}/0",
    }
