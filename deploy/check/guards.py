"""Checks what a container that was taken over could not do, by the engine and by the kernel."""

from typing import Any

from deploy.check.progress import expect
from deploy.check.stack import Stack

SERVICES = ("triton", "redis", "sidecar", "worker", "prometheus", "grafana")
PUBLISHED = {"sidecar": "5000/tcp", "grafana": "3000/tcp"}


def check(stack: Stack) -> None:
    """Checks every container.

    Raises:
        Failed: a container may do more than it needs.
    """
    for service in SERVICES:
        container = stack.inspect(service)
        host = container["HostConfig"]
        expect(host["ReadonlyRootfs"], f"{service}'s root is read-only")
        expect(host["Memory"] > 0, f"{service}'s memory is limited")
        expect(not host["Privileged"], f"{service} is not privileged")
        expect(host["RestartPolicy"]["Name"] == "unless-stopped", f"{service} is restarted")
        expected = _expected(service, stack)
        expect(_ports(container) == expected, f"{service} publishes {expected}")
        _check_process(service, stack.process(service))


def _expected(service: str, stack: Stack) -> dict[str, str]:
    if service not in PUBLISHED:
        return {}
    return {PUBLISHED[service]: f"127.0.0.1:{stack.port(service)}"}


def _ports(container: Any) -> dict[str, str]:
    """Returns what is published: the address outside, by the port within."""
    bound = container["HostConfig"]["PortBindings"] or {}
    return {inner: f"{a['HostIp']}:{a['HostPort']}" for inner, [a] in bound.items()}


def _check_process(service: str, status: dict[str, str]) -> None:
    """Checks what the kernel reports of the first process, whatever the engine was asked for."""
    expect("0" not in status["Uid"].split(), f"{service} does not run as root")
    expect(status["NoNewPrivs"].strip() == "1", f"{service} gains no privileges")
    expect(int(status["CapEff"], 16) == 0, f"{service}'s process has no capabilities")
    expect(int(status["CapBnd"], 16) == 0, f"{service}'s process can gain no capabilities")
