"""A Triton that computes nothing: it answers at once, so that what is left is the sidecar's cost.

    python -m bench.instant --port PORT --repository DIR

The golden image and the golden photo get the features that the contract has of them, all others
random ones. Only the calls that the sidecar makes are there.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2, service_pb2_grpc

from sidecar.models import contract, golden

POOL = 4096  # rows to answer with
LARGEST_BATCH = 64
THREADS = 8


class Instant(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """Answers as a Triton that serves one version."""

    def __init__(self, repository: Path) -> None:
        version = contract.read(repository, contract.versions(repository)[-1])
        random = np.random.default_rng(0)
        self._random = random
        features = random.standard_normal((POOL, version.dimension), np.float32)
        keywords = random.dirichlet(np.full(version.keywords, 0.05), POOL).astype(np.float32)
        self._rows = {
            "features": features / np.linalg.norm(features, axis=1, keepdims=True),
            "keywords": keywords,
        }
        photo = golden.photo(version.resize, version.crop)
        self._golden = {
            contract.golden_image(version.crop).tobytes(): _row(version.golden_features),
            photo.tobytes(): _row(version.golden_photo or version.golden_features),
        }

    def ServerLive(self, request: Any, context: Any) -> Any:
        return service_pb2.ServerLiveResponse(live=True)

    def ServerReady(self, request: Any, context: Any) -> Any:
        return service_pb2.ServerReadyResponse(ready=True)

    def ModelReady(self, request: Any, context: Any) -> Any:
        return service_pb2.ModelReadyResponse(ready=True)

    def RepositoryModelLoad(self, request: Any, context: Any) -> Any:
        return service_pb2.RepositoryModelLoadResponse()

    def ModelConfig(self, request: Any, context: Any) -> Any:
        answer = service_pb2.ModelConfigResponse()
        answer.config.max_batch_size = LARGEST_BATCH
        return answer

    def ModelInfer(self, request: Any, context: Any) -> Any:
        count = request.inputs[0].shape[0]
        known = self._golden.get(request.raw_input_contents[0]) if count == 1 else None
        answer = service_pb2.ModelInferResponse(
            model_name=request.model_name, model_version=request.model_version, id=request.id
        )
        first = int(self._random.integers(POOL - count))
        for output in request.outputs:
            rows = self._rows[output.name][first : first + count]
            if known is not None and output.name == "features":
                rows = known
            answer.outputs.add(name=output.name, datatype="FP32", shape=rows.shape)
            answer.raw_output_contents.append(rows.tobytes())
        return answer


def _row(features: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array([features], np.float32)


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.instant", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    arguments = parser.parse_args()
    server = grpc.server(
        ThreadPoolExecutor(THREADS), options=[("grpc.max_receive_message_length", -1)]
    )
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(
        Instant(arguments.repository), server
    )
    server.add_insecure_port(f"127.0.0.1:{arguments.port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
