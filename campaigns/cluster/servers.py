"""What runs on each host: how it is started, and how one knows that it answers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from campaigns.cluster.hosts import accepts, answers
from campaigns.cluster.network import GATEWAY, SUBNET
from local import environment, postgres, s3
from local.process import ROOT, Start
from local.stack import COMMANDS

PORTS = {"HTTP": 5000, "METRICS": 9091, "REDIS": 6379, "POSTGRES": 5432, "NGINX": 80}
TRITON = {"grpc": 8001, "http": 8000, "metrics": 8002}
S3 = (9333, 19333, 8080, 18080, 8888, 18888, 8333, 18333)
FILER, FOLDER = S3[4], "/buckets/index/generations"
EXAMPLE = ROOT / "deploy" / "nginx.conf"
MADE = "made"  # an object that is there from the beginning
TRUST = f"host all all {SUBNET} trust\n"
MAIN = """
daemon off;
user root;
pid {folder}/pid;
error_log {folder}/log;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/requests;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/similarity.conf;
}}
"""


def database(folder: Path, address: str) -> tuple[Start, str]:
    """Returns how PostgreSQL is started, whose database is made here, and its URL."""
    start = postgres.server(folder, address, PORTS["POSTGRES"])
    with (folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write(TRUST)
    return start, postgres.url(address, PORTS["POSTGRES"])


def objects(folder: Path, address: str) -> tuple[Start, dict[str, str]]:
    """Returns how the S3 server is started, and the settings by which it is found."""
    return s3.server(folder, address, S3)


def readable(start: Start, address: str) -> Start:
    """Returns the same start of the S3 server, which counts as back when an object can be read:
    it answers seconds before."""
    return replace(start, ready=lambda: answers(address, FILER, f"{FOLDER}/{MADE}"))


def redis(folder: Path, address: str) -> tuple[Start, str]:
    """Returns how Redis is started, and its URL."""
    port = PORTS["REDIS"]
    url = f"redis://{address}:{port}/0"
    env = environment.private(folder) | {"LOCAL_HOST": address, "REDIS_URL": url}
    return _line("redis", folder, env, ready=lambda: accepts(address, port)), url


def triton(folder: Path, address: str, models: str) -> Start:
    """Returns how a Triton is started over a model repository."""
    env = environment.private(folder) | {
        "LOCAL_HOST": address,
        "MODEL_REPOSITORY": models,
        "TRITON_URL": f"{address}:{TRITON['grpc']}",
        "TRITON_HTTP_PORT": str(TRITON["http"]),
        "TRITON_METRICS_PORT": str(TRITON["metrics"]),
    }
    ready = "/v2/health/ready"
    return _line("triton", folder, env, ready=lambda: answers(address, TRITON["http"], ready))


def ours(name: str, folder: Path, address: str, shared: Mapping[str, str], code: Path) -> Start:
    """Returns how a sidecar or a worker is started.

    Args:
        name: of its line in the Procfile.
        folder: its DATA_DIR.
        shared: settings that all hosts have in common.
        code: the root of the repository that it runs.
    """
    own = {"HOST": address, "PORT": str(PORTS["HTTP"]), "METRICS_PORT": str(PORTS["METRICS"])}
    env = {**environment.private(folder), **shared, **own, "PYTHONPATH": ""}
    port, path = {
        "sidecar": (PORTS["HTTP"], "/health/live"),
        "worker": (PORTS["METRICS"], "/metrics"),
    }[name]
    return _line(name, folder, env, ready=lambda: answers(address, port, path), cwd=code)


def nginx(folder: Path, sidecars: Mapping[str, str]) -> Start:
    """Returns how nginx is started, with the configuration that users are given.

    Args:
        sidecars: addresses by names.
    """
    site = EXAMPLE.read_text().replace("listen 80;", f"listen {GATEWAY}:{PORTS['NGINX']};")
    for name, address in sidecars.items():
        site = re.sub(rf"\b{name}\b", address, site)
    (folder / "similarity.conf").write_text(site)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    command = ["nginx", "-c", f"{folder}/nginx.conf", "-p", f"{folder}", "-e", f"{folder}/log"]
    return Start(command, folder / "out", lambda: accepts(GATEWAY, PORTS["NGINX"]))


def _line(
    name: str, folder: Path, env: Mapping[str, str], ready: Callable[[], bool], cwd: Path = ROOT
) -> Start:
    """Returns how a line of the Procfile is started."""
    words = ["/bin/sh", "-c", COMMANDS[name]]
    return Start(words, folder / "log", ready, env=env, cwd=cwd)
