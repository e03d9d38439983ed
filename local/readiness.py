"""Whether a service is ready."""

from similarity_client import Retries, Similarity, SimilarityError

ANSWER_TIMEOUT_S = 5.0


def is_ready(url: str) -> bool:
    """Says whether a service answers, and every part of it, at once: nothing is tried again."""
    with Similarity(url, timeout=ANSWER_TIMEOUT_S, retries=Retries(count=0)) as similarity:
        try:
            return similarity.ready().ok
        except SimilarityError:
            return False
