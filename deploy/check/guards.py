"""What a container that was taken over could not do, asked of the engine and of the kernel."""

from pathlib import Path
from typing import Any

from deploy.check.progress import expect
from deploy.check.stack import Stack

SERVICES = ("triton", "redis", "sidecar", "worker", "prometheus", "grafana")
PUBLISHED = {"sidecar": ("5000/tcp", "5000"), "grafana": ("3000/tcp", "3000")}


def check(stack: Stack) -> None:
    """Raises Failed: a container may do more than it needs."""
    for service in SERVICES:
        told = stack.inspect(service)
        host = told["HostConfig"]
        expect(host["ReadonlyRootfs"], f"{service}'s root is read-only")
        expect(host["CapDrop"] == ["ALL"], f"{service} has no capabilities")
        expect(host["Memory"] > 0, f"{service}'s memory is limited")
        expect(not host["Privileged"], f"{service} is not privileged")
        expect(host["RestartPolicy"]["Name"] == "unless-stopped", f"{service} is restarted")
        expect(_ports(told) == _expected(service), f"{service} publishes {_expected(service)}")
        _check_process(service, told["State"]["Pid"])


def _expected(service: str) -> dict[str, str]:
    if service not in PUBLISHED:
        return {}
    inner, outer = PUBLISHED[service]
    return {inner: f"127.0.0.1:{outer}"}


def _ports(told: Any) -> dict[str, str]:
    """What is published, by the port within: the address outside."""
    bound = told["HostConfig"]["PortBindings"] or {}
    return {inner: f"{a['HostIp']}:{a['HostPort']}" for inner, [a] in bound.items()}


def _check_process(service: str, pid: int) -> None:
    """What the kernel says of its first process, whatever the engine was told."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    told = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    expect("0" not in told["Uid"].split(), f"{service} does not run as root")
    expect(told["NoNewPrivs"].strip() == "1", f"{service} gains no privileges")
    expect(int(told["CapEff"], 16) == 0, f"{service}'s process has no capabilities")
