"""Pixels to features and keywords, by asking Triton. The one door to tritonclient."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import tritonclient.grpc as triton
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from sidecar.contract import MODEL, Contract
from sidecar.errors import FeaturesUnavailable

URGENT, ORDINARY = 1, 2  # priority_levels in the model's config.pbtxt

# gRPC waits up to two minutes before it tries a server again; a restarted Triton is up sooner.
CHANNEL = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


class Extractor:
    """Triton as seen by the sidecar: batches form there, out of concurrent requests."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._threads = threading.local()

    def features(self, images: NDArray[np.uint8], contract: Contract) -> NDArray[np.float32]:
        """Turn images into feature vectors.

        Args:
            images: uint8 [N, S, S, 3], RGB, S being the contract's crop.
            contract: of the version that shall answer; Triton is never asked without one.
        Returns:
            float32 [N, D], each row of L2 norm 1.
        Raises:
            FeaturesUnavailable: Triton is away, refused, or took over `timeout_s`.
        Source: KServe v2 inference protocol over gRPC.
        """
        return self.infer(images, contract, "features")

    def check(self, contract: Contract) -> None:
        """Raises FeaturesUnavailable unless Triton serves the contract's version."""
        version = str(contract.version)
        with _translated(contract):
            ready = self._client().is_model_ready(MODEL, version, client_timeout=self._timeout_s)
        if not ready:
            raise FeaturesUnavailable(f"Triton does not serve version {version}")

    def largest_batch(self, contract: Contract) -> int:
        """How many images one call may have, by the model's config.pbtxt; errors as `check`."""
        version = str(contract.version)
        with _translated(contract):
            answer = self._client().get_model_config(MODEL, version, client_timeout=self._timeout_s)
        return max(1, int(answer.config.max_batch_size))

    def infer(
        self, images: NDArray[np.uint8], contract: Contract, output: str, urgent: bool = False
    ) -> NDArray[np.float32]:
        """Ask for one of the graph's outputs; arguments and errors as `features`.

        Args:
            output: "features" [N, D] or "keywords" [N, K].
            urgent: whether it overtakes, in Triton's queue, what is not.
        """
        tensor = triton.InferInput("image", list(images.shape), "UINT8")
        tensor.set_data_from_numpy(images)
        with _translated(contract):
            answer = self._client().infer(
                MODEL,
                [tensor],
                model_version=str(contract.version),
                outputs=[triton.InferRequestedOutput(output)],
                priority=URGENT if urgent else ORDINARY,
                client_timeout=self._timeout_s,
            )
            values = answer.as_numpy(output)
        return np.asarray(values, np.float32)

    def _client(self) -> triton.InferenceServerClient:
        """A client of this thread's own: they are not made to be shared."""
        if not hasattr(self._threads, "client"):
            self._threads.client = triton.InferenceServerClient(self._url, channel_args=CHANNEL)
        client: triton.InferenceServerClient = self._threads.client
        return client


@contextmanager
def _translated(contract: Contract) -> Iterator[None]:
    """What the library says of a server that is away, refuses, or answers what can't be read."""
    try:
        yield
    except (InferenceServerException, ValueError) as error:
        raise FeaturesUnavailable(f"version {contract.version}: {error}") from error
