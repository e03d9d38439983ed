"""The launcher of Redis, and the ports that both launchers check."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from local.ports import LaunchRefused, free_port, free_ports
from local.stack import ROOT, Stack


def launch(folder: Path, url: str, **settings: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"REDIS_URL": url, "DATA_DIR": str(folder)} | settings
    command = [sys.executable, "-m", "local.redis"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def is_up(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisConnectionError:
        return False


def test_redis_keeps_its_data_in_the_data_folder(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    try:
        stack.start("redis")
        with Redis.from_url(stack.env["REDIS_URL"]) as redis:
            stack.wait(lambda: is_up(redis), "Redis answers")
            redis.set("kept", "yes")
            assert Path(redis.config_get("dir")["dir"]) == tmp_path / "redis"
            stack.kill("redis")
            stack.start("redis")
            stack.wait(lambda: is_up(redis), "it is back")
            assert redis.get("kept") == b"yes"
    finally:
        stack.stop()


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = launch(tmp_path, f"redis://127.0.0.1:{port}/0")
    assert done.returncode == 1
    assert done.stderr == f"local.redis: port {port} is taken; set REDIS_URL to another\n"


def test_a_missing_server_is_reported(tmp_path: Path) -> None:
    [port] = free_ports(1)
    done = launch(tmp_path, f"127.0.0.1:{port}", PATH="/nowhere", REDIS_ENV="nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("local.redis: no redis-server on PATH nor nowhere/")


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("redis://db.example:6379/0", "another machine's"),
        ("127.0.0.1:99999", "names no port"),
        ("127.0.0.1:http", "names no port"),
        ("0", "names no port"),
    ],
)
def test_an_address_that_cannot_be_served_is_refused(address: str, problem: str) -> None:
    with pytest.raises(LaunchRefused, match=problem):
        free_port("SOME_URL", address, 1)


def test_ports_are_read_from_any_form_of_address() -> None:
    one, two, three = free_ports(3)
    assert free_port("V", f"redis://:secret@localhost:{one}/0", 1) == one
    assert free_port("V", f"127.0.0.1:{two}", 1) == two
    assert free_port("V", str(three), 1) == three
    assert free_port("V", "", one) == one
