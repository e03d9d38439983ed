"""Measures the parts of a search one by one, without HTTP: what a search costs at least."""

from collections.abc import Sequence
from pathlib import Path

from bench.ceiling import Offline
from bench.timing import median_ms
from sidecar.index import GenerationStore, SearchRequest, rank
from sidecar.models.triton import TritonClient

COUNT = 300
REQUEST = SearchRequest(num_results=10, nprob=5, max_dist=4.0)


def parts_of_a_search(
    env: dict[str, str], offline: Offline, photos: Sequence[bytes]
) -> dict[str, float]:
    """Returns median milliseconds of decoding, an inference by Triton, a search of the index.

    Args:
        env: of a stack that runs and has an index.
    """
    generation = GenerationStore(Path(env["DATA_DIR"]) / "index").current()
    triton = TritonClient(env["TRITON_URL"], timeout_s=10)
    images = [offline.decode(photo) for photo in photos[:COUNT]]
    queries = [triton.features(image[None], offline.contract) for image in images]
    return {
        "decode": median_ms(offline.decode, photos[:COUNT]),
        "inference": median_ms(lambda i: triton.features(i[None], offline.contract), images),
        "index": median_ms(lambda query: rank(generation, query[0], REQUEST), queries),
    }
