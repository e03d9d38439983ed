"""Drives the stack of the compose files, as an operator does."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.check.engines import Engine
from deploy.check.programs import output
from deploy.check.progress import Failed

NAME = "similarity-check"
FILES = ("docker-compose.yml", "docker-compose.cpu.yml")
SHELL = "redis"  # the service whose image lends its shell
HEALTHY_TIMEOUT_S = 120


@dataclass(frozen=True)
class Stack:
    """Calls Compose on a copy of the repository.

    Args:
        project: the copy.
        engine: where it runs.
    """

    project: Path
    engine: Engine

    def call(self, *words: str) -> str:
        """Calls Compose with the files for a machine without a GPU, as a project of its own."""
        options = [f"--project-name={NAME}", *(f"--file={name}" for name in FILES)]
        command = [*self.engine.compose, *options, *words]
        return output(command, self.engine.env, self.project)

    def settings(self) -> Any:
        """Returns the whole configuration, as Compose understands it."""
        return json.loads(self.call("config", "--format", "json"))

    def images(self) -> dict[str, str]:
        """Returns the name of each service's image."""
        services = self.settings()["services"]
        return {name: service["image"] for name, service in services.items()}

    def port(self, service: str) -> int:
        """Returns the port of this machine at which a service is published."""
        [port] = self.settings()["services"][service]["ports"]
        return int(port["published"])

    def up(self) -> None:
        """Starts what does not run as configured, and waits until all services are healthy."""
        wait = ["--wait", "--wait-timeout", str(HEALTHY_TIMEOUT_S)]
        try:
            self.call("up", "--detach", "--no-build", "--pull", "never", *wait)
        except Failed as error:
            raise Failed(f"{error}\n{self.call('ps', '--all')}\n{self.logs()}") from error

    def stop(self) -> dict[str, int]:
        """Stops all services within their own grace periods; returns the exit code of each."""
        services = self.settings()["services"]
        self.call("stop")
        return {name: self.inspect(name)["State"]["ExitCode"] for name in services}

    def down(self) -> None:
        """Removes all containers, networks and volumes."""
        self.call("down", "--volumes", "--timeout", "1")

    def left(self) -> list[str]:
        """Returns the containers, networks and volumes that are still there."""
        label = f"label=com.docker.compose.project={NAME}"
        lists = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        found = (self.engine.call(*words, "--quiet", "--filter", label) for words in lists)
        return [name for names in found for name in names.split()]

    def logs(self) -> str:
        return self.call("logs", "--no-color", "--tail", "40")

    def inspect(self, service: str) -> Any:
        """Returns what the engine knows of a service's container."""
        container = self.call("ps", "--all", "--quiet", service).strip()
        return json.loads(self.engine.call("inspect", container))[0]

    def ask(self, service: str, *command: str) -> str:
        """Runs a program within a service's container and returns its output."""
        return self.call("exec", "-T", service, *command)

    def on_machine(self, command: str) -> str:
        """Runs a shell that sees the machine's processes, wherever the engine has them."""
        words = ["run", "--rm", "--pid=host", "--network=none", "--user=0:0", "--entrypoint=sh"]
        return self.engine.call(*words, self.images()[SHELL], "-c", command)

    def process(self, service: str) -> dict[str, str]:
        """Returns the kernel's status of a service's first process, by the names of its lines."""
        pid = self.inspect(service)["State"]["Pid"]
        lines = self.on_machine(f"cat /proc/{pid}/status").splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def kill(self, service: str) -> None:
        """Kills a service's first process with SIGKILL, as a machine that runs out of memory does.

        `docker kill` would keep the engine from starting it again.
        """
        self.on_machine(f"kill -9 {self.inspect(service)['State']['Pid']}")

    def wait_healthy(self, service: str, restarts: int) -> None:
        """Waits until a service is healthy and the engine itself has restarted it this often."""

        def healthy() -> bool:
            container = self.inspect(service)
            health = container["State"]["Health"]["Status"]
            return bool(container["RestartCount"] == restarts and health == "healthy")

        self.wait(healthy, f"{service} is healthy after restart {restarts}")

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Waits until a condition holds.

        Raises:
            Failed: it does not within HEALTHY_TIMEOUT_S.
        """
        deadline = time.monotonic() + HEALTHY_TIMEOUT_S
        while not condition():
            if time.monotonic() > deadline:
                raise Failed(f"waited {HEALTHY_TIMEOUT_S} s in vain until {what}\n{self.logs()}")
            time.sleep(0.3)
