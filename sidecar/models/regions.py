"""What each region of an image adds to its features, by a version exported with `--explain`.

The graph for that is a file beside the model. Triton gets it when somebody first asks, as a model
of its own, so that it costs nothing before, and never an inference for anything else: Triton's ONNX
Runtime backend computes all outputs of a model, whichever are asked for.
"""

import hashlib
import json
import threading
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import FeaturesUnavailable, ModelRefused, RegionsMissing
from sidecar.models.contract import REGIONS_FILE, golden_image
from sidecar.models.triton import REGIONS, Endpoint, TritonClient
from sidecar.models.version_files import VersionFiles

# On the CPU, on one thread: it is asked for one image at a time, and seldom.
CONFIG = {
    "backend": "onnxruntime",
    "max_batch_size": 1,
    "input": [{"name": "image", "data_type": "TYPE_UINT8", "dims": [-1, -1, 3]}],
    "output": [{"name": REGIONS, "data_type": "TYPE_FP32", "dims": [-1, -1, -1]}],
    "instance_group": [{"kind": "KIND_CPU", "count": 1}],
}
THREADS = "intra_op_thread_count"
MARK = "sha256"  # a parameter that no backend knows: Triton loads anew what has another config


class Regions:
    """Computes the regions of images by one version.

    Args:
        files: of the version.
        triton: the client of its server, or servers.
    """

    def __init__(self, files: VersionFiles, triton: TritonClient) -> None:
        self._files = files
        self._triton = triton
        self._name = name(files.contract.version)
        self._loading = threading.Lock()
        self._proved = WeakSet[Endpoint]()

    def check(self) -> None:
        """Raises RegionsMissing where the version was exported without `--explain`."""
        if self._files.contract.regions is None:
            raise RegionsMissing(
                f"version {self._files.contract.version} can't say what matches where: export one"
                " with `python -m export --explain` and upgrade to it"
            )

    def of(self, image: NDArray[np.uint8], request_id: str = "") -> NDArray[np.float32]:
        """Computes what each region of an image adds to its features.

        Args:
            image: uint8 [S, S, 3], RGB, S being the contract's crop.
            request_id: names the request in Triton's log.
        Returns:
            float32 [H, W, D], whose sum over H and W is the features.
        Raises:
            ModelRefused: the file is not that of the contract, or gives something else.
            FeaturesUnavailable: as `TritonClient.features`.
        """
        away: FeaturesUnavailable | None = None
        for server in self._triton.in_turn(self._files.contract):
            try:
                self._serve(server)
                return server.infer_regions(image, self._name, request_id)
            except FeaturesUnavailable as error:
                away = error
        raise away or FeaturesUnavailable(f"no Triton serves {self._name}")

    def _serve(self, server: Endpoint) -> None:
        """Has a server load the file, where it has not, or has one of a version that was
        replaced."""
        if server.has_loaded(self._name) and server in self._proved:
            return
        with self._loading:
            if not server.has_loaded(self._name) or not self._is_right(server):
                self._load(server)
            self._proved.add(server)

    def _load(self, server: Endpoint) -> None:
        contract, path = self._files.contract, self._files.folder / REGIONS_FILE
        try:
            file = path.read_bytes()
        except OSError as error:
            raise ModelRefused(f"{path} is missing; `python -m export` writes it") from error
        if hashlib.sha256(file).hexdigest() != contract.regions_sha256:
            raise ModelRefused(f"version {contract.version}: {path} is not that of its contract")
        parameters = {THREADS: "1", MARK: contract.regions_sha256}
        texts = {key: {"string_value": value} for key, value in parameters.items()}
        config = json.dumps(CONFIG | {"name": self._name, "parameters": texts})
        answer = " ".join(server.load_file(self._name, config, file).split())
        if not server.has_loaded(self._name):  # another process may have been faster
            raise ModelRefused(f"Triton does not load {path}: {answer}")
        if not self._is_right(server):
            raise ModelRefused(
                f"the regions of version {contract.version} do not sum to the features of its"
                f" contract {answer}".rstrip()
            )

    def _is_right(self, server: Endpoint) -> bool:
        """Returns whether the regions of the golden image sum to its features."""
        contract = self._files.contract
        found = server.infer_regions(golden_image(contract.crop), self._name)
        return found.shape[:2] == contract.regions and contract.accepts(found.sum((0, 1)))


def name(version: int) -> str:
    """Returns the name of the model that Triton has for the regions of a version."""
    return f"{REGIONS}-{version}"
