"""Calls Triton over one channel of gRPC."""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

import numpy as np
import tritonclient.grpc as triton
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from sidecar.errors import FeaturesUnavailable
from sidecar.models.contract import MODEL, MODEL_FILE, Contract
from sidecar.models.triton.channel import Options
from sidecar.telemetry import counters

FEATURES, KEYWORDS, REGIONS = "features", "keywords", "regions"  # outputs of the graphs
ONLY = "1"  # version of a model that is loaded from its file
LOADING_TIMEOUT_S = 600  # on a GPU, an engine may have to be built first
LIVENESS_TIMEOUT_S = 3.0  # of a server, one of several, that is looked at
# The header's prefix where Triton runs with `--grpc-restricted-protocol=…:NAME=VALUE`.
RESTRICTED = "triton-grpc-protocol-"

FAILED = re.compile(r"version (\d+) is at [A-Z]+ state: ")

AWAY = {f"StatusCode.{name}" for name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")}


@dataclass(frozen=True)
class Calling:
    """How servers are called.

    Args:
        timeout_s: seconds that an inference may take.
        repository_key: `name=value`, where Triton's repository API is restricted.
    """

    timeout_s: float
    repository_key: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Returns those of calls to the repository API."""
        name, _, value = self.repository_key.partition("=")
        return {RESTRICTED + name: value} if name else {}

    def endpoint(
        self, addresses: Sequence[str], options: Options, counts: bool = True
    ) -> "Endpoint":
        """Makes an endpoint that connects when it is first called.

        Args:
            addresses: one, or more that are numbers of one kind.
            options: of its channel.
            counts: whether calls that fail are counted in the metrics.
        """
        kind = "ipv6:" if addresses[0].startswith("[") else "ipv4:"
        url = addresses[0] if len(addresses) == 1 else kind + ",".join(addresses)
        return Endpoint(url, options, self, counts)


class Endpoint:
    """Calls what is at the other end of a channel: one server, or one of several by turns.

    Concurrent requests of all threads and processes share Triton's batches.
    """

    def __init__(self, url: str, options: Options, calling: Calling, counts: bool) -> None:
        """Takes what `Calling.endpoint` makes of its arguments."""
        self._url = url
        self._options = options
        self._timeout_s = calling.timeout_s
        self._headers = calling.headers
        self._counts = counts
        self._threads = threading.local()
        self._clients = WeakSet[triton.InferenceServerClient]()  # each ends with its thread
        self._connecting = threading.Lock()
        self._is_closed = False

    def check_alive(self) -> None:
        """Raises FeaturesUnavailable: Triton is away."""
        with self._translated("Triton"):
            timeout_s = min(self._timeout_s, LIVENESS_TIMEOUT_S)
            self._client().is_server_live(client_timeout=timeout_s)

    def is_ready(self, version: int) -> bool:
        """Returns whether Triton serves a version. Raises FeaturesUnavailable: Triton is away."""
        with self._translated(version):
            return bool(
                self._client().is_model_ready(MODEL, f"{version}", client_timeout=self._timeout_s)
            )

    def load(self) -> str:
        """Does as `TritonClient.load`; the answer is one line."""
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
        with self._translated(name):
            return bool(self._client().is_model_ready(name, ONLY, client_timeout=self._timeout_s))

    def unload(self, name: str) -> None:
        """Has Triton forget a model of `load_file`, if it has it.

        Raises:
            FeaturesUnavailable: Triton is away, or refuses.
        """
        if self.has_loaded(name):
            with self._translated(name):
                self._client().unload_model(
                    name, headers=self._headers, client_timeout=self._timeout_s
                )

    def _load(self, name: str, **how: Any) -> str:
        try:
            self._client().load_model(
                name, headers=self._headers, client_timeout=LOADING_TIMEOUT_S, **how
            )
        except ValueError as error:  # of the channel: it was closed
            raise FeaturesUnavailable(f"Triton: {error}") from error
        except InferenceServerException as error:
            if error.status() in AWAY:
                raise FeaturesUnavailable(f"Triton: {error.message()}") from error
            return " ".join(str(error.message()).split())
        return ""

    def largest_batch(self, contract: Contract) -> int:
        """Returns how many images one call may have by config.pbtxt; errors as `is_ready`."""
        version = str(contract.version)
        with self._translated(contract.version):
            answer = self._client().get_model_config(MODEL, version, client_timeout=self._timeout_s)
        return max(1, int(answer.config.max_batch_size))

    def features(self, images: NDArray[np.uint8], contract: Contract) -> NDArray[np.float32]:
        """Does as `TritonClient.features`."""
        [rows] = self.infer(images, contract, (FEATURES,))
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
            FeaturesUnavailable: as `TritonClient.features`.
        """
        [rows] = self._infer(image[None], (name, ONLY), (REGIONS,), 0, request_id)
        return np.asarray(rows[0], np.float32)

    def infer(
        self,
        images: NDArray[np.uint8],
        contract: Contract,
        outputs: tuple[str, ...],
        priority: int = 0,
        request_id: str = "",
    ) -> list[NDArray[np.float32]]:
        """Computes some of the graph's outputs in one inference; arguments and errors as
        `TritonClient.infer`."""
        served = (MODEL, f"{contract.version}")
        return self._infer(images, served, outputs, priority, request_id)

    def close(self) -> None:
        """Ends its calls, in every thread; those that come later raise FeaturesUnavailable."""
        with self._connecting:
            self._is_closed = True
            clients = [*self._clients]
            self._threads = threading.local()  # one that lives on complains when Python ends
        for client in clients:
            client.close()

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
        with self._translated(int(version) if name == MODEL else name):
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
        own = self._threads  # `close` puts another in its place
        if not hasattr(own, "client"):
            own.client = self._connected()
        client: triton.InferenceServerClient = own.client
        return client

    def _connected(self) -> triton.InferenceServerClient:
        """Returns a client that `close` knows. Raises FeaturesUnavailable: it was called."""
        with self._connecting:
            if self._is_closed:
                raise FeaturesUnavailable("Triton: the connection to it was closed")
            client = triton.InferenceServerClient(self._url, channel_args=self._options)
            self._clients.add(client)
            return client

    @contextmanager
    def _translated(self, version: int | str) -> Iterator[None]:
        """Translates the library's errors: Triton is away, refuses, or its answer can't be read.

        Args:
            version: the number of a version, or the name of what is called.
        """
        try:
            yield
        except (InferenceServerException, ValueError) as error:
            if self._counts:
                counters.triton_failed(_status(error))
            what = f"version {version}" if isinstance(version, int) else version
            raise FeaturesUnavailable(f"{what}: {error}") from error


def failures(answer: str) -> dict[int, str]:
    """Returns why versions did not load, by version, out of an answer to `load`.

    Triton then drops all that it has loaded in that call, those that did load as well.

    Source: model_repository_manager.cc of triton-inference-server/core, 24.10: "load failed for
    model 'keywording': version 3 is at UNAVAILABLE state: Internal: ...;".
    """
    found: dict[int, str] = {}
    for line in answer.splitlines():  # one for each server
        parts = FAILED.split(line)[1:]
        reasons = (" ".join(reason.split()).rstrip("; ") for reason in parts[1::2])
        found |= zip(map(int, parts[::2]), reasons, strict=True)
    return found


def _status(error: Exception) -> str:
    """Returns gRPC's status, such as "UNAVAILABLE"; "INVALID" for an answer that can't be read."""
    status = error.status() if isinstance(error, InferenceServerException) else None
    return str(status).removeprefix("StatusCode.") if status else "INVALID"
