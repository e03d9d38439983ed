"""The stack of the compose files, as an operator drives it."""

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
    """Compose on a copy of the repository.

    Args:
        project: the copy.
        engine: where it runs.
    """

    project: Path
    engine: Engine

    def call(self, *words: str) -> str:
        """Compose with the files for a machine without a GPU, and a name of the check's own."""
        options = [f"--project-name={NAME}", *(f"--file={name}" for name in FILES)]
        command = [*self.engine.compose, *options, *words]
        return output(command, self.engine.env, self.project)

    def settings(self) -> Any:
        """The whole configuration, as Compose understands it."""
        return json.loads(self.call("config", "--format", "json"))

    def images(self) -> dict[str, str]:
        """The name of each service's image."""
        services = self.settings()["services"]
        return {name: service["image"] for name, service in services.items()}

    def port(self, service: str) -> int:
        """The port of this machine at which a service is published."""
        [port] = self.settings()["services"][service]["ports"]
        return int(port["published"])

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

    def left(self) -> list[str]:
        """What is still there of it: containers, networks, volumes."""
        label = f"label=com.docker.compose.project={NAME}"
        lists = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        found = (self.engine.call(*words, "--quiet", "--filter", label) for words in lists)
        return [name for names in found for name in names.split()]

    def logs(self) -> str:
        return self.call("logs", "--no-color", "--tail", "40")

    def inspect(self, service: str) -> Any:
        """What the engine knows of a service's container."""
        container = self.call("ps", "--all", "--quiet", service).strip()
        return json.loads(self.engine.call("inspect", container))[0]

    def ask(self, service: str, *command: str) -> str:
        """What a program within a service's container says."""
        return self.call("exec", "-T", service, *command)

    def on_machine(self, command: str) -> str:
        """What a shell says that sees the machine's processes, wherever the engine has them."""
        words = ["run", "--rm", "--pid=host", "--network=none", "--user=0:0", "--entrypoint=sh"]
        return self.engine.call(*words, self.images()[SHELL], "-c", command)

    def process(self, service: str) -> dict[str, str]:
        """What the kernel says of a service's first process, by the names of its lines."""
        pid = self.inspect(service)["State"]["Pid"]
        lines = self.on_machine(f"cat /proc/{pid}/status").splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def kill(self, service: str) -> None:
        """Kill -9 its first process, as a machine that runs out of memory does.

        `docker kill` would keep the engine from starting it again.
        """
        self.on_machine(f"kill -9 {self.inspect(service)['State']['Pid']}")

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
