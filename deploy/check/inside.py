"""The two parts of the check that need namespaces: `python -m deploy.check.inside PART`.

build    the machine's network: what a Dockerfile installs comes from the registries
run      no network but the engine's own: ports, names and addresses meet nobody else's
"""

import json
import shutil
import sys
from pathlib import Path

from demo.client import Client
from deploy.check import engine, guards, project
from deploy.check.images import Builder
from deploy.check.packages import Home
from deploy.check.progress import Failed, expect, say
from deploy.check.stack import Stack
from deploy.check.story import Story

URL = "http://127.0.0.1:5000"
FIRST = 1000  # images that a training wants
LATER = 100
SPARE = 20
KILLED = ("redis", "triton", "worker", "sidecar", "prometheus", "grafana")


def main() -> int:
    """Do a part; 1 where something is wrong."""
    part, home, copy = sys.argv[1], Home(Path(sys.argv[2])), Path(sys.argv[3])
    try:
        with engine.running(home, network=part == "run") as env:
            stack = Stack(copy, home.tools / "bin/docker-compose", env)
            {"build": _build, "run": _run}[part](home, stack)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _build(home: Home, stack: Stack) -> None:
    services = stack.settings()["services"]
    named = {name: service["image"] for name, service in services.items()}
    Builder(home, stack.project, stack.env).build(named)


def _run(home: Home, stack: Stack) -> None:
    story = Story(Client(URL), project.pictures(home.folder, FIRST + LATER + SPARE))
    try:
        say("the stack, from nothing")
        stack.up()
        _serve(story, stack, home)
        guards.check(stack)
        say("every container: read-only, not root, no capabilities, no new privileges, a limit")
        _observe(stack)
        for service in KILLED:
            _kill(story, stack, service)
        _ask_for_keys(story, stack)
        ended = stack.stop()
        expect(set(ended.values()) == {0}, f"each stops when it is asked to: {ended}")
        say("stopped: each by itself, within its time")
    finally:
        stack.down()


def _serve(story: Story, stack: Stack, home: Home) -> None:
    """The life of a service: images, an index, more images, another model and back."""
    story.add(FIRST)
    say(f"{FIRST} images are added")
    story.run("train")
    story.find_newest()
    say("trained; a search finds the image itself")
    story.add(LATER)
    story.run("update")
    story.find_newest()
    say(f"{LATER} more, and updated")
    _refuse_strangers(stack)
    _put(project.version_2(home.folder), stack.project / "model_repository/keywording/2")
    story.switch("upgrade?version=2")
    told = story.client.get("/similarity/models")
    expect(told["in_use"] == 2, f"version 2 is in use: {told}")
    story.switch("rollback")
    story.switch("retire?version=2")
    moved = stack.project / "model_repository/retired/2"
    expect(moved.is_dir(), "the worker has moved the retired version out of Triton's way")
    say("upgraded to version 2, rolled back, version 2 retired")


def _put(version: Path, target: Path) -> None:
    coming = target.with_name("coming")
    shutil.copytree(version, coming)
    project.give(coming)
    coming.rename(target)


def _refuse_strangers(stack: Stack) -> None:
    triton = Client(f"http://{stack.address('triton')}:8000")
    told = triton.post("/v2/repository/models/keywording/unload")
    expect("restricted" in json.dumps(told), f"Triton refuses who has no key: {told}")
    env = stack.inspect("redis")["Config"]["Env"]
    expect(any(line.startswith("REDIS_PASSWORD=") for line in env), "Redis has a password")
    asked = ["exec", "-T", "redis", "redis-cli", "ping"]
    expect("NOAUTH" in stack.call(*asked), "Redis refuses who has no password")
    stack.call("exec", "-T", "triton", "sh", "-c", "touch /engines/tried && rm /engines/tried")


def _observe(stack: Stack) -> None:
    """Prometheus reaches all that it is told to look at."""
    prometheus = Client(f"http://{stack.address('prometheus')}:9090")

    def up() -> bool:
        targets = prometheus.get("/api/v1/targets")["data"]["activeTargets"]
        return bool(targets) and all(target["health"] == "up" for target in targets)

    stack.wait(up, "every target of Prometheus is up")
    targets = prometheus.get("/api/v1/targets")["data"]["activeTargets"]
    jobs = {target["labels"]["job"] for target in targets}
    expect(jobs == {"sidecar", "worker", "triton", "prometheus"}, f"all jobs, not {jobs}")
    say("every target of Prometheus is up")


def _kill(story: Story, stack: Stack, service: str) -> None:
    restarts = stack.inspect(service)["RestartCount"]
    stack.kill(service)
    stack.wait_healthy(service, restarts + 1)
    stack.wait(story.client.is_ready, "/health/ready is ok")
    story.go_on()
    say(f"{service}: killed, restarted by the engine; adds and searches go on, nothing is lost")


def _ask_for_keys(story: Story, stack: Stack) -> None:
    """The settings change: from now on clients need a key, and so does Prometheus."""
    both = "python -m sidecar key check read,write,admin 2>&1"
    run = ["run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "sidecar", "-c", both]
    shown, line = stack.call(*run).splitlines()
    secret = shown.rpartition(" ")[2]
    keys = stack.project / "deploy/keys"
    (keys / "api-keys").write_text(f"{line}\n")
    (keys / "prometheus").write_text(secret)
    values = {"API_KEYS_FILE": "deploy/keys/api-keys"}
    values["PROMETHEUS_KEY_FILE"] = "./deploy/keys/prometheus"
    project.configure(stack.project, values)
    stack.up()
    refused = story.client.get("/similarity/stats")
    expect(refused["message"] == "key_required", f"a call without a key is refused: {refused}")
    story.client = Client(URL, secret)
    story.go_on()
    _observe(stack)
    say("with API keys: refused without one, answered with one")


if __name__ == "__main__":
    sys.exit(main())
