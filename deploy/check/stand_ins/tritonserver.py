#!/usr/bin/env python3
"""Stands in for the `tritonserver` of NVIDIA's container, in a container made of the wheel."""

import os
import sys
from pathlib import Path

sys.path.insert(0, "/opt/stand-in")
from local.triton import assemble, find_environment, variables

environment = find_environment(Path("/opt/triton"))
server = str(environment.server / "bin" / "tritonserver")
command = [server, f"--backend-directory={assemble(environment)}", *sys.argv[1:]]
os.execve(server, command, variables(environment))  # noqa: S606  no shell; never returns
