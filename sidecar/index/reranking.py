"""Neighbours ordered by what they have in common: those of a query are compared with each other.

Each candidate stands for itself and for the candidates next to it, and the query for itself and for
the first candidates. So an image comes forward where those around it are near to the query as well,
and one goes back that is near by chance. Everything is made of the candidates at hand.

Sources: Turcot and Lowe, "Better matching with fewer features", 2009, for images that are augmented
by their neighbours; Chum et al., "Total recall: automatic query expansion with a generative feature
model for object retrieval", 2007; Radenović, Tolias and Chum, "Fine-tuning CNN image retrieval with
no human annotation", 2018, for weights that are powers of the similarity.
"""

import numpy as np
from numpy.typing import NDArray

RERANKED = 100  # candidates that are compared with each other
AROUND = 10  # neighbours that each of them stands for
EXPANDING = 5  # candidates that the query stands for

Scores = NDArray[np.float32]  # [T]


def scores(query: NDArray[np.float32], features: NDArray[np.float32]) -> Scores:
    """Returns how well each candidate answers a query, the higher the better.

    With s_i = q·x_i and g_ij = x_i·x_j: w_ij is max(g_ij, 0)³ for the ten nearest j of i, 1 for i
    itself, and 0 else; t = s + Σ s_j³ g_j over the five nearest j of the query; the score of i is
    (w_i·t) / √(w_iᵀ g w_i), the similarity of the two that are made of candidate and query.

    Args:
        query: float32 [D].
        features: float32 [T, D] of norm 1, nearest first; one of norm 0 has the score 0.
    Returns:
        float32 [T], in the order of `features`.
    """
    s, g = features @ query, features @ features.T
    first = slice(0, EXPANDING)
    t = s + _weights(s[first]) @ g[first]
    w = _around(g)
    norms = np.einsum("ij,ij->i", w @ g, w)
    # It is 1 at least where features have norm 1: weights are not negative, and meet no g below 0.
    scored: Scores = (w @ t) / np.sqrt(np.maximum(norms, np.finfo(np.float32).tiny))
    return scored


def order(scored: Scores) -> NDArray[np.intp]:
    """Returns the places of candidates by their scores, int64 [T]; of equal ones the nearest first.

    The first stays first: the same image, saved in another form, would not always be it.
    """
    return np.concatenate(
        [np.arange(min(1, len(scored))), 1 + np.argsort(-scored[1:], kind="stable")]
    )


def _around(g: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns how much each candidate stands for each other, float32 [T, T], by their products."""
    count = len(g)
    w = np.eye(count, dtype=np.float32)
    near = min(AROUND, count - 1)
    if near > 0:
        others = g.copy()
        np.fill_diagonal(others, -np.inf)
        rows = np.arange(count)[:, None]
        nearest = np.argpartition(others, count - near, axis=1)[:, count - near :]
        w[rows, nearest] = _weights(g[rows, nearest])
    return w


def _weights(similarities: NDArray[np.float32]) -> NDArray[np.float32]:
    kept: NDArray[np.float32] = np.maximum(similarities, 0)
    return kept * kept * kept  # 20 times as fast as a power
