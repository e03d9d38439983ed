"""Every setting of the sidecar and the worker, read once from the environment."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sidecar.errors import SettingsError

MEBIBYTE = 1 << 20
MOST_RESULTS = 1000
MOST_NPROB = 100
DEFAULT_NPROB = 5
SECRET = ("catalogue_url", "redis_url", "triton_repository_key")


class Settings(BaseSettings):
    """A field's environment variable is its name in capitals; its description is the manual."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="address on which the sidecar listens")
    port: int = Field(5000, ge=1, le=65_535, description="port on which the sidecar listens")
    http_processes: int = Field(2, ge=1, le=64, description="processes that answer HTTP")
    http_threads: int = Field(
        128,
        ge=1,
        le=1024,
        description="threads of each; an eighth is kept for saying 503 to more requests than that",
    )
    request_timeout_s: float = Field(
        60.0,
        ge=1,
        le=3600,
        description="seconds a request may take to arrive; a batch, seconds of silence",
    )
    api_keys_file: Path | None = Field(
        None, description="file of the keys that clients have to send; empty lets everybody in"
    )
    data_dir: Path = Field(Path("var"), description="volume of the catalogue and the index")
    catalogue_url: str = Field(
        "",
        pattern=r"^$|^sqlite:////|^postgresql\+psycopg://",
        description="`postgresql+psycopg://user:password@host/name`; empty is SQLite in `DATA_DIR`",
    )
    model_repository: Path = Field(
        Path("model_repository"), description="Triton's model repository, for its contracts"
    )
    triton_url: str = Field("127.0.0.1:8001", description="Triton's gRPC address, host:port")
    triton_timeout_s: float = Field(
        10.0, gt=0, le=600, description="seconds an inference may take before the answer is 503"
    )
    triton_repository_key: str = Field(
        "",
        pattern="^$|^[^=]+=.+$",
        description="`name=value` of the key to Triton's repository API, where that is restricted",
    )
    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Redis, for handing out tasks")
    similarity_search_num_results: int = Field(
        10, ge=1, le=MOST_RESULTS, description="neighbours in an answer; per request `num_results=`"
    )
    nprob: int = Field(
        DEFAULT_NPROB,
        ge=1,
        le=MOST_NPROB,
        description="1 fastest, 100 most accurate; per request `nprob=`",
    )
    auto_update_s: float = Field(
        0,
        ge=0,
        description="update by itself this many seconds after the last add or removal; 0 is never",
    )
    auto_train: bool = Field(
        False, description="1 trains by itself where an update finds that a training is due"
    )
    exact_search_max: int = Field(
        2000,
        ge=0,
        le=10**6,
        description="images up to which a search compares every one: it takes a millisecond",
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
        description="days that a finished task can be asked for; the last 1,000 always can",
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
        100_000_000, ge=1024, le=10**9, description="largest image, width times height"
    )
    task_lease_s: float = Field(
        30.0, ge=1, le=3600, description="seconds of silence after which a task is run again"
    )
    keep_originals: bool = Field(
        False, description="1 keeps each upload as it came, beside the JPEG that is made of it"
    )
    max_batch_bytes: int = Field(
        16 * 1024 * MEBIBYTE,
        ge=1024,
        description="largest batch, in bytes, unpacked and as it comes",
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error"
    )

    log_format: Literal["text", "json"] = Field(
        "text", description="form of a line of the log: `text` or `json`"
    )

    @property
    def database_url(self) -> str:
        return self.catalogue_url or f"sqlite:///{self.data_dir.absolute()}/catalogue.sqlite"

    @property
    def most_requests(self) -> int:
        """Requests that a process has in hand at once; its other threads refuse what is more."""
        return max(1, self.http_threads - self.http_threads // 8)

    @property
    def index_dir(self) -> Path:
        return self.data_dir / "index"


def from_environment(**overrides: Any) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: one line for each variable that breaks its rule, with the rule.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(map(_told, error.errors()))) from error


def _told(problem: Any) -> str:
    """A line for a variable that breaks its rule; what may hold a password is not shown."""
    name = "_".join(map(str, problem["loc"]))
    given = "" if name in SECRET else f"={problem['input']!r}"
    return f"{name.upper()}{given}: {problem['msg']}"
