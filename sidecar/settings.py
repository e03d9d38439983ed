"""The settings of the sidecar and the worker, read once from the environment."""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from sidecar.errors import SettingsError
from sidecar.triton_targets import target

MEBIBYTE = 1 << 20
MOST_RESULTS = 1000
MOST_NPROB = 100
DEFAULT_NPROB = 5
ORIGIN = r"https?://[^\s/,*]+"
NAME = r"[\w.-]+"
DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "postgresql": 5432}
Order = Literal["distance", "similar"]
SECRET = ("catalogue_url", "redis_url", "triton_repository_key", "milvus_token")


class Settings(BaseModel):
    """Holds all settings. A field's variable is its name in capitals; `--help` and the manual print
    its description."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address on which the sidecar listens")
    port: int = Field(5000, ge=1, le=65_535, description="port on which the sidecar listens")
    http_processes: int = Field(2, ge=1, le=64, description="processes that answer HTTP")
    http_threads: int = Field(
        128,
        ge=1,
        le=1024,
        description="threads of each process; an eighth answers 503 to what is over the limit, a "
        "quarter of the rest at most reads batches, another uploads that arrive slowly",
    )
    http_keepalive_s: int = Field(
        75,
        ge=1,
        le=3600,
        description="seconds for which an idle connection is kept; a proxy's have to be fewer",
    )
    request_timeout_s: float = Field(
        60.0,
        ge=1,
        le=3600,
        description="seconds in which a request has to arrive; for a batch, seconds of silence",
    )
    api_keys_file: Path | None = Field(
        None, description="file of the API keys that requests need; empty lets everybody in"
    )
    cors_origins: str = Field(
        "",
        pattern=rf"^$|^\*$|^{ORIGIN}(, *{ORIGIN})*$",
        description="origins whose web pages may call, as `https://a.example,https://b.example`; "
        "`*` is all",
    )
    host_names: str = Field(
        "",
        pattern=rf"^$|^{NAME}(, *{NAME})*$",
        description="names of the service besides `localhost` and addresses; with any, or where "
        "`HOST` is this machine alone, a request for another is refused",
    )
    trusted_proxies: str = Field(
        "",
        description="proxies whose `X-Forwarded-For` and `X-Forwarded-Prefix` count, as "
        "`127.0.0.1,10.0.0.0/8`",
    )
    ui: bool = Field(True, description="1 serves the pages for people at `/ui/`; 0 leaves them out")
    data_dir: Path = Field(Path("var"), description="volume of the catalogue and the index")
    catalogue_url: str = Field(
        "",
        pattern=r"^$|^sqlite:////|^postgresql\+psycopg://",
        description="`postgresql+psycopg://user:password@host/name`; empty is SQLite in `DATA_DIR`",
    )
    index_store: str = Field(
        "",
        pattern=r"^$|^s3://[^/]+(/.*)?$|^file:///.+$|^/.+$",
        description="where several hosts share the index: `s3://bucket/prefix` or a folder; empty "
        "is one host",
    )
    pictures_store: str = Field(
        "",
        pattern=r"^$|^s3://[^/]+(/.*)?$|^file:///.+$|^/.+$",
        description="where the images' JPEGs and kept uploads are: `s3://bucket/prefix` or a "
        "folder; empty is in the catalogue",
    )
    index_engine: Literal["local", "milvus"] = Field(
        "local",
        description="what keeps the features of the index and searches them: `local`, each host in "
        "its files, or `milvus`, for more images than a host holds",
    )
    milvus_uri: str = Field(
        "",
        validate_default=True,
        pattern=r"^$|^https?://[^\s/]+$",
        description="Milvus' address, as `http://host:19530`; needed with `INDEX_ENGINE=milvus`",
    )
    milvus_token: str = Field("", description="Milvus' key, or `user:password`; empty is none")
    milvus_ca_file: Path | None = Field(
        None,
        description="who may sign Milvus' certificate, in PEM; empty is whom the system trusts",
    )
    milvus_database: str = Field("default", description="database of Milvus for the collections")
    milvus_index: Literal["HNSW", "IVF_FLAT", "IVF_SQ8"] = Field(
        "HNSW",
        description="Milvus' index from the next training on: `HNSW` is fastest, `IVF_FLAT` takes "
        "less memory, `IVF_SQ8` a quarter of it",
    )
    model_repository: Path = Field(
        Path("model_repository"), description="Triton's model repository, for its contracts"
    )
    triton_url: str = Field(
        "127.0.0.1:8001",
        description="Triton's gRPC address, host:port; several as `dns:///name:8001` or "
        "`ipv4:10.0.0.1:8001,10.0.0.2:8001`",
    )
    triton_timeout_s: float = Field(
        10.0,
        gt=0,
        le=600,
        description="seconds that an inference may take; above that the answer is 503",
    )
    triton_repository_key: str = Field(
        "",
        pattern="^$|^[^=]+=.+$",
        description="`name=value` of the key to Triton's repository API, where that is restricted",
    )
    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Redis, for handing out tasks")
    similarity_search_num_results: int = Field(
        10,
        ge=1,
        le=MOST_RESULTS,
        description="neighbours in an answer, where a request has no `num_results=`",
    )
    nprob: int = Field(
        DEFAULT_NPROB,
        ge=1,
        le=MOST_NPROB,
        description="1 fastest, 100 most accurate, where a request has no `nprob=`",
    )
    search_order: Order = Field(
        "distance",
        description="order of what a search finds, where a request has no `order=`: `distance`, or "
        "`similar`, by what the nearest have in common",
    )
    auto_update_s: float = Field(
        0,
        ge=0,
        description="seconds from the last add or removal to an update by itself; 0 is never",
    )
    live_search: bool = Field(
        True,
        description="1: a search finds an image from its add on; 0: only what an update published",
    )
    live_search_max: int = Field(
        20_000,
        ge=1,
        le=10**6,
        description="images that a search compares one by one because no update has reached them; "
        "half of it has an update asked for",
    )
    auto_train: bool = Field(
        False, description="1 starts a training by itself when an update finds that one is due"
    )
    exact_search_max: int = Field(
        2000,
        ge=0,
        le=10**6,
        description="number of images up to which a search compares all, in a millisecond",
    )
    faiss_device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description="where the worker trains: `cpu`, `gpu`, or `auto`, a GPU if it has one"
    )
    keep_generations: int = Field(
        2, ge=1, le=100, description="generations of the index that stay on the volume"
    )
    keep_tasks_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="days for which a finished task is kept; the last 1,000 always are",
    )
    metrics_port: int = Field(
        9091, ge=0, le=65_535, description="port of a worker's metrics; 0 is none"
    )
    canonical_size: int = Field(
        384, ge=64, le=4096, description="short side, in pixels, at which an image is kept"
    )
    max_image_bytes: int = Field(
        32 * MEBIBYTE, ge=1024, le=1024 * MEBIBYTE, description="largest upload, in bytes"
    )
    max_image_pixels: int = Field(
        100_000_000, ge=1024, le=10**9, description="largest image, in pixels, width times height"
    )
    max_decode_bytes: int = Field(
        0,
        ge=0,
        description="memory that images being decoded take in each process, in bytes; 0 is an "
        "eighth of the container's memory limit",
    )
    max_decode_s: float = Field(
        10.0, ge=0.1, le=600, description="processor seconds that decoding an image may take"
    )
    task_lease_s: float = Field(
        30.0,
        ge=1,
        le=3600,
        description="seconds without a worker's heartbeat after which a task is run again",
    )
    keep_originals: bool = Field(
        False, description="1 keeps each upload as it came, beside its canonical JPEG"
    )
    max_batch_bytes: int = Field(
        16 * 1024 * MEBIBYTE,
        ge=1024,
        description="largest batch, in bytes, as it comes and unpacked",
    )
    max_batch_files: int = Field(
        100_000,
        ge=1,
        le=1_000_000,
        description="most files in a batch; folders and what is passed over count, too",
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error"
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="format of the log: `text` or `json`"
    )

    @field_validator("triton_url")
    @classmethod
    def _target(cls, url: str) -> str:
        target(url)  # its ValueError names the form
        return url

    @field_validator("milvus_uri")
    @classmethod
    def _needed(cls, uri: str, info: ValidationInfo) -> str:
        if info.data.get("index_engine") == "milvus" and not uri:
            raise ValueError("is needed with INDEX_ENGINE=milvus")
        return uri

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        for word in filter(None, map(str.strip, text.split(","))):
            ip_network(word)  # its ValueError names the word
        return text

    @property
    def database_url(self) -> str:
        return self.catalogue_url or f"sqlite:///{self.data_dir.absolute()}/catalogue.sqlite"

    @property
    def stack(self) -> str:
        """Returns what all processes of one stack have in common, without passwords."""
        catalogue = _address(self.catalogue_url) if self.catalogue_url else "in DATA_DIR"
        return f"the catalogue {catalogue} and the Redis {_address(self.redis_url)}"

    @property
    def most_requests(self) -> int:
        """Returns how many requests a process answers at once; other threads refuse the rest."""
        return max(1, self.http_threads - self.http_threads // 8)

    @property
    def index_dir(self) -> Path:
        return self.data_dir / "index"


def from_environment(**overrides: Any) -> Settings:
    """Reads the settings. A variable that is empty counts as missing.

    Args:
        overrides: by the names of fields; they go before the environment.
    Raises:
        SettingsError: one line for each variable that breaks its rule, with the rule.
    """
    given = {name: os.environ.get(name.upper()) for name in Settings.model_fields}
    try:
        return Settings(**{name: text for name, text in given.items() if text} | overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(map(_describe, error.errors()))) from error


def _address(url: str) -> str:
    """Returns host, port and path of a URL, which are all that two names of one place share."""
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    port = parts.port or DEFAULT_PORTS.get(parts.scheme.partition("+")[0])
    return f"{host}:{port}{parts.path}" if host else parts.path


def _describe(problem: Any) -> str:
    """Describes a variable that breaks its rule, without its value if that may hold a password."""
    name = "_".join(map(str, problem["loc"]))
    given = "" if name in SECRET else f"={problem['input']!r}"
    return f"{name.upper()}{given}: {problem['msg']}"
