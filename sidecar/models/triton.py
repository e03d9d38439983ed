"""Asks Triton for features and keywords. The one door to tritonclient."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from sidecar.errors import FeaturesUnavailable
from sidecar.models.contract import MODEL, MODEL_FILE, Contract
from sidecar.settings import Settings
from sidecar.telemetry import counters

FEATURES, KEYWORDS, REGIONS = "features", "keywords", "regions"  # outputs of the graphs
ONLY = "1"  # version of a model that is loaded from its file
LOADING_TIMEOUT_S = 600  # on a GPU, an engine may have to be built first
# The header's prefix where Triton runs with `--grpc-restricted-protocol=…:NAME=VALUE`.
RESTRICTED = "triton-grpc-protocol-"

FAILED = re.compile(r"version (\d+) is at [A-Z]+ state: ")

AWAY = {f"StatusCode.{name}" for name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")}

# gRPC waits up to two minutes before it tries a server again; a restarted Triton is up sooner.
CHANNEL = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


class TritonClient:
    """Asks one Triton, which batches the concurrent requests of all threads and processes."""

    def __init__(self, url: str, timeout_s: float, repository_key: str = "") -> None:
        """Connects when it is first needed.

        Args:
            url: host:port of Triton's gRPC.
            timeout_s: seconds that an inference may take.
            repository_key: `name=value`, where Triton's repository API is restricted.
        """
        self._url = url
        self._timeout_s = timeout_s
        name, _, value = repository_key.partition("=")
        self._repository_key = {RESTRICTED + name: value} if name else {}
        self._threads = threading.local()

    @classmethod
    def of(cls, settings: Settings) -> "TritonClient":
        """Makes the client that the settings describe."""
        return cls(settings.triton_url, settings.triton_timeout_s, settings.triton_repository_key)

    def features(self, images: NDArray[np.uint8], contract: Contract) -> NDArray[np.float32]:
        """Computes the features of images.

        Args:
            images: uint8 [N, S, S, 3], RGB, S being the contract's crop.
            contract: of the version that answers; Triton is never asked without one.
        Returns:
            float32 [N, D], each row of L2 norm 1.
        Raises:
            FeaturesUnavailable: Triton is away, refused, or took over `timeout_s`.
        Source: KServe v2 inference protocol over gRPC.
        """
        return self.infer(images, contract, FEATURES)

    def check(self, contract: Contract) -> None:
        """Raises FeaturesUnavailable unless Triton serves the version of the contract."""
        if not self.is_ready(contract.version):
            raise FeaturesUnavailable(f"Triton does not serve version {contract.version}")

    def is_ready(self, version: int) -> bool:
        """Returns whether Triton serves a version. Raises FeaturesUnavailable: Triton is away."""
        with _translated(version):
            return bool(
                self._client().is_model_ready(MODEL, f"{version}", client_timeout=self._timeout_s)
            )

    def load(self) -> str:
        """Has Triton load the versions that are new in the repository, and drop those that are
        gone. One that stays is not touched, and answers meanwhile.

        Returns:
            Triton's message about versions that do not load, or about a request that it refuses;
            "" where all is well.
        Raises:
            FeaturesUnavailable: Triton is away.
        Source: the model repository extension of Triton.
        """
        return self._load(MODEL)

    def load_file(self, name: str, config: str, file: bytes) -> str:
        """Has Triton load a graph that lies in no repository, as a model of its own.

        Args:
            name: of the model; Triton forgets it when it ends.
            config: in the place of config.pbtxt, in JSON.
            file: ONNX.
        Returns:
            Triton's message if it does not load; "" where all is well.
        Raises:
            FeaturesUnavailable: Triton is away.
        Source: the model repository extension of Triton, parameters "config" and "file:...".
        """
        return self._load(name, config=config, files={f"file:{ONLY}/{MODEL_FILE}": file})

    def has_loaded(self, name: str) -> bool:
        """Returns whether Triton serves a model of `load_file`; errors as `is_ready`."""
        with _translated(name):
            return bool(self._client().is_model_ready(name, ONLY, client_timeout=self._timeout_s))

    def unload(self, name: str) -> None:
        """Has Triton forget a model of `load_file`, if it has it.

        Raises:
            FeaturesUnavailable: Triton is away, or refuses.
        """
        if self.has_loaded(name):
            with _translated(name):
                self._client().unload_model(
                    name, headers=self._repository_key, client_timeout=self._timeout_s
                )

    def _load(self, name: str, **how: Any) -> str:
        try:
            self._client().load_model(
                name, headers=self._repository_key, client_timeout=LOADING_TIMEOUT_S, **how
            )
        except InferenceServerException as error:
            if error.status() in AWAY:
                raise FeaturesUnavailable(f"Triton: {error.message()}") from error
            return str(error.message())
        return ""

    def largest_batch(self, contract: Contract) -> int:
        """Returns how many images one call may have by config.pbtxt; errors as `features`."""
        version = str(contract.version)
        with _translated(contract.version):
            answer = self._client().get_model_config(MODEL, version, client_timeout=self._timeout_s)
        return max(1, int(answer.config.max_batch_size))

    def infer(
        self,
        images: NDArray[np.uint8],
        contract: Contract,
        output: str,
        priority: int = 0,
        request_id: str = "",
    ) -> NDArray[np.float32]:
        """Computes one of the graph's outputs; other arguments and errors as `features`.

        Args:
            output: FEATURES [N, D] or KEYWORDS [N, K].
            priority: 1 the most urgent of config.pbtxt's `priority_levels`; 0, or a level that it
                lacks, is its default.
            request_id: names the request in Triton's log.
        """
        served = (MODEL, f"{contract.version}")
        [rows] = self._infer(images, served, (output,), priority, request_id)
        return rows

    def infer_regions(
        self, image: NDArray[np.uint8], name: str, request_id: str = ""
    ) -> NDArray[np.float32]:
        """Computes what each region of an image adds to its features.

        Args:
            image: uint8 [S, S, 3], RGB.
            name: of a model of `load_file` that gives REGIONS.
        Returns:
            float32 [H, W, D], whose sum over H and W is the features.
        Raises:
            FeaturesUnavailable: as `features`.
        """
        [rows] = self._infer(image[None], (name, ONLY), (REGIONS,), 0, request_id)
        return np.asarray(rows[0], np.float32)

    def infer_both(
        self,
        images: NDArray[np.uint8],
        contract: Contract,
        priority: int = 0,
        request_id: str = "",
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Computes features [N, D] and keywords [N, K] in one inference; arguments and errors as
        `infer`."""
        served, both = (MODEL, f"{contract.version}"), (FEATURES, KEYWORDS)
        features, keywords = self._infer(images, served, both, priority, request_id)
        return features, keywords

    def _infer(
        self,
        images: NDArray[np.uint8],
        served: tuple[str, str],
        outputs: tuple[str, ...],
        priority: int,
        request_id: str,
    ) -> list[NDArray[np.float32]]:
        """Computes outputs of a model, which is `served` by its name and version."""
        (name, version), tensor = served, triton.InferInput("image", [*images.shape], "UINT8")
        tensor.set_data_from_numpy(images)
        with _translated(int(version) if name == MODEL else name):
            answer = self._client().infer(
                name,
                [tensor],
                model_version=version,
                outputs=[triton.InferRequestedOutput(output) for output in outputs],
                request_id=request_id,
                priority=priority,
                client_timeout=self._timeout_s,
            )
            rows = [answer.as_numpy(output) for output in outputs]
        return [np.asarray(each, np.float32) for each in rows]

    def _client(self) -> triton.InferenceServerClient:
        """Returns the client of this thread: the library's clients are not made to be shared."""
        if not hasattr(self._threads, "client"):
            self._threads.client = triton.InferenceServerClient(self._url, channel_args=CHANNEL)
        client: triton.InferenceServerClient = self._threads.client
        return client


def failures(answer: str) -> dict[int, str]:
    """Returns why versions did not load, by version, out of Triton's answer to `load`.

    Triton then drops all that it has loaded in that call, those that did load as well.

    Source: model_repository_manager.cc of triton-inference-server/core, 24.10: "load failed for
    model 'keywording': version 3 is at UNAVAILABLE state: Internal: ...;".
    """
    parts = FAILED.split(answer)[1:]
    reasons = (" ".join(reason.split()).rstrip("; ") for reason in parts[1::2])
    return dict(zip(map(int, parts[::2]), reasons, strict=True))


@contextmanager
def _translated(version: int | str) -> Iterator[None]:
    """Translates the library's errors: Triton is away, refuses, or its answer can't be read.

    Args:
        version: the number of a version, or the name of a model of `load_file`.
    """
    try:
        yield
    except (InferenceServerException, ValueError) as error:
        counters.triton_failed(_status(error))
        what = f"version {version}" if isinstance(version, int) else version
        raise FeaturesUnavailable(f"{what}: {error}") from error


def _status(error: Exception) -> str:
    """Returns gRPC's status, such as "UNAVAILABLE"; "INVALID" for an answer that can't be read."""
    status = error.status() if isinstance(error, InferenceServerException) else None
    return str(status).removeprefix("StatusCode.") if status else "INVALID"
