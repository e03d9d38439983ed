"""The stack of the compose files, as an operator drives it."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.check.programs import output
from deploy.check.progress import Failed

FILES = ("docker-compose.yml", "docker-compose.cpu.yml")
HEALTHY_TIMEOUT_S = 120


@dataclass(frozen=True)
class Stack:
    """Compose on a copy of the repository.

    Args:
        project: the copy.
        compose: the program.
        env: variables with which it finds the engine.
    """

    project: Path
    compose: Path
    env: dict[str, str]

    def call(self, *words: str) -> str:
        """`docker-compose` with the files for a machine without a GPU."""
        files = [f"--file={name}" for name in FILES]
        return output([str(self.compose), *files, *words], self.env, self.project)

    def settings(self) -> Any:
        """The whole configuration, as Compose understands it."""
        return json.loads(self.call("config", "--format", "json"))

    def up(self) -> None:
        """Start what does not run as configured, and wait until all of it is healthy."""
        wait = ["--wait", "--wait-timeout", str(HEALTHY_TIMEOUT_S)]
        try:
            self.call("up", "--detach", "--no-build", "--pull", "never", *wait)
        except Failed as error:
            raise Failed(f"{error}\n{self.call('ps', '--all')}\n{self.logs()}") from error

    def stop(self) -> dict[str, int]:
        """Stop all of it in the time that each is given, and tell how each ended."""
        services = self.settings()["services"]
        self.call("stop")
        return {name: self.inspect(name)["State"]["ExitCode"] for name in services}

    def down(self) -> None:
        """Remove all of it, volumes too."""
        self.call("down", "--volumes", "--timeout", "1")

    def logs(self) -> str:
        return self.call("logs", "--no-color", "--tail", "40")

    def inspect(self, service: str) -> Any:
        """What the engine knows of a service's container."""
        container = self.call("ps", "--all", "--quiet", service).strip()
        return json.loads(output(["docker", "inspect", container], self.env))[0]

    def address(self, service: str) -> str:
        """The address of a service that is not published, on the network of the containers."""
        [network] = self.inspect(service)["NetworkSettings"]["Networks"].values()
        return str(network["IPAddress"])

    def kill(self, service: str) -> None:
        """Kill -9 its first process, as a machine that runs out of memory does."""
        os.kill(self.inspect(service)["State"]["Pid"], signal.SIGKILL)

    def wait_healthy(self, service: str, restarts: int) -> None:
        """Until it is healthy, having been restarted this often by the engine itself."""

        def healthy() -> bool:
            told = self.inspect(service)
            return (told["RestartCount"], told["State"]["Health"]["Status"]) == (
                restarts,
                "healthy",
            )

        self.wait(healthy, f"{service} is healthy after restart {restarts}")

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Until it holds.

        Raises:
            Failed: it does not for too long.
        """
        deadline = time.monotonic() + HEALTHY_TIMEOUT_S
        while not condition():
            if time.monotonic() > deadline:
                raise Failed(f"waited in vain until {what}\n{self.logs()}")
            time.sleep(0.3)
