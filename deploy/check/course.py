"""Takes a stack through its course: brought up, used, killed, asked for keys, stopped."""

import json
import shutil
from pathlib import Path
from typing import Any

from similarity_client import Similarity
from similarity_client.errors import KeyRequired

from deploy.check import guards, project
from deploy.check.progress import expect, say
from deploy.check.stack import Stack
from deploy.check.story import Story
from local.readiness import is_ready

FIRST = 1000  # images that a training wants
LATER = 100
SPARE = 20
KILLED = ("redis", "triton", "worker", "sidecar", "prometheus", "grafana")
UNLOAD = "http://127.0.0.1:8000/v2/repository/models/keywording/unload"
TARGETS = "http://127.0.0.1:9090/api/v1/targets"


def run(folder: Path, stack: Stack) -> None:
    """Brings the stack up, uses it, breaks it, and takes it down again.

    Args:
        folder: of the check, with version 2 and the photos.
    """
    url = f"http://127.0.0.1:{stack.port('sidecar')}"
    story = Story(Similarity(url), project.pictures(folder, FIRST + LATER + SPARE))
    try:
        say("the stack, from nothing")
        stack.up()
        _serve(story, stack, folder)
        guards.check(stack)
        say("every container: read-only, not root, no capabilities, no new privileges, a limit")
        _observe(stack)
        for service in KILLED:
            _kill(story, stack, service)
        _ask_for_keys(story, stack, url)
        ended = stack.stop()
        expect(set(ended.values()) == {0}, f"each stops when it is asked to: {ended}")
        say("stopped: each by itself, within its time")
    finally:
        stack.down()


def _serve(story: Story, stack: Stack, folder: Path) -> None:
    """Lives the life of a service: images, an index, more images, another model and back."""
    story.add(FIRST)
    say(f"{FIRST} images are added")
    story.finish(story.client.train())
    story.find_newest()
    say("trained; a search finds the image itself")
    story.add(LATER)
    story.finish(story.client.update())
    story.find_newest()
    say(f"{LATER} more, and updated")
    _refuse_strangers(stack)
    _put(project.version_2(folder), stack.project / "model_repository/keywording/2")
    story.finish(story.client.upgrade(2))
    models = story.client.models()
    expect(models.in_use == 2, f"version 2 is in use: {models}")
    story.finish(story.client.rollback())
    story.finish(story.client.retire(2))
    moved = stack.project / "model_repository/retired/2"
    expect(moved.is_dir(), "the worker has moved the retired version out of Triton's way")
    say("upgraded to version 2, rolled back, version 2 retired")


def _put(version: Path, target: Path) -> None:
    coming = target.with_name("coming")
    shutil.copytree(version, coming)
    project.give(coming)
    coming.rename(target)


def _refuse_strangers(stack: Stack) -> None:
    answer = stack.ask("triton", "curl", "-s", "-X", "POST", UNLOAD)
    expect("restricted" in answer, f"Triton refuses who has no key: {answer}")
    env = stack.inspect("redis")["Config"]["Env"]
    expect(any(line.startswith("REDIS_PASSWORD=") for line in env), "Redis has a password")
    expect("NOAUTH" in stack.ask("redis", "redis-cli", "ping"), "Redis refuses who has no password")
    stack.ask("triton", "sh", "-c", "touch /engines/tried && rm /engines/tried")


def _observe(stack: Stack) -> None:
    """Checks that Prometheus reaches every target that it is configured to scrape."""

    def up() -> bool:
        targets = _targets(stack)
        return bool(targets) and all(target["health"] == "up" for target in targets)

    stack.wait(up, "every target of Prometheus is up")
    jobs = {target["labels"]["job"] for target in _targets(stack)}
    expect(jobs == {"sidecar", "worker", "triton", "prometheus"}, f"all jobs, not {jobs}")
    say("every target of Prometheus is up")


def _targets(stack: Stack) -> list[Any]:
    page = stack.ask("prometheus", "wget", "-q", "-O", "-", TARGETS)
    targets: list[Any] = json.loads(page)["data"]["activeTargets"]
    return targets


def _kill(story: Story, stack: Stack, service: str) -> None:
    restarts = stack.inspect(service)["RestartCount"]
    stack.kill(service)
    stack.wait_healthy(service, restarts + 1)
    stack.wait(lambda: is_ready(story.client.settings.url), "/health/ready is ok")
    story.go_on()
    say(f"{service}: killed, restarted by the engine; adds and searches go on, nothing is lost")


def _ask_for_keys(story: Story, stack: Stack, url: str) -> None:
    """Changes the settings: from now on clients need a key, and so does Prometheus."""
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
    expect(_is_refused(story.client), "a call without a key is refused")
    story.client = Similarity(url, secret)
    story.go_on()
    _observe(stack)
    say("with API keys: refused without one, answered with one")


def _is_refused(client: Similarity) -> bool:
    try:
        client.stats()
    except KeyRequired:
        return True
    return False
