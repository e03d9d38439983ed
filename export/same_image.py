"""Fits the constants of the probability of the same image, by made twins of photos of one's own.

The packaged photos will not do: their cuts overlap, so that a twin's ten nearest are parts of its
own photo. Efficientnet-lite0 as int8, tried on 2,060 photos that fitted nothing, a twin of each
(ECE over the ten nearest; precision and recall at P >= 0.9):

    the general constants                   .017    .976  .967
    by 100 packaged cuts                    .018   1.000  .468
    by 100 photos of the same kinds         .003 to .013   .977 to .988  .938 to .970   three draws
    by 300                                  .003    .988 to .997  .894 to .943
    by 1,000                                .001 to .002  .989 to .993  .917 to .934

The photos of the last three are one half, those that they were tried on the other, where the
general constants have .026 to .029. Without shrinking, 60 or 100 photos gave anything.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from export import runtime, samples
from sidecar.images.twins import CHANGES, twin
from sidecar.index.calibration import Pairs, pairs_of
from sidecar.index.probability import COPIES, GENERAL, TENTH, Constants
from sidecar.models.contract import SameImage

if TYPE_CHECKING:
    from export.networks import Network

FEWEST, MOST = 100, 300  # photos
SPREAD = (0.5, 1.0)  # how far a and b are believed to be from the general ones, before any photo
STEPS, CLOSE = 100, 1e-9

Say = Callable[[str], None]


def constants(network: "Network", model: Path, folder: Path | None, say: Say) -> SameImage | None:
    """Returns the constants of a version; None where the general ones are as good, or there are too
    few photos to say.

    Args:
        model: the very file that is published.
        folder: of photos; None has none of one's own.
    """
    if folder is None:
        return None
    photos = samples.jpegs(folder, MOST)
    if len(photos) < FEWEST:
        lacking = FEWEST - len(photos)
        say(f"note: when two images are the same is not fitted: that takes {lacking} photos more")
        return None
    kinds = [*CHANGES]
    twins = [twin(jpeg, kinds[place % len(kinds)]) for place, jpeg in enumerate(photos)]
    own, of_twins = (_features(network, model, each) for each in (photos, twins))
    found = [_nearest(own, query, place) for place, query in enumerate(of_twins)]
    each = [pairs_of(found[half::2]) for half in (0, 1)]
    # Fitted by one half and measured by the other.
    crossed = [_ece(of, fitted(by)) for by, of in (each, each[::-1])]
    general = [_ece(of, GENERAL) for of in each]
    ece, before = float(np.mean(crossed)), float(np.mean(general))
    say(f"same image: calibration error {ece:.4f} by {len(photos)} photos, {before:.4f} in general")
    if ece > before:
        return None
    made = fitted(pairs_of(found))
    return SameImage(round(made.a, 4), round(made.b, 4), round(ece, 4), len(photos))


def fitted(pairs: Pairs) -> Constants:
    """Returns the likeliest constants of pairs, by Newton's method with shortened steps: a logistic
    regression shrunk to the general constants, so that few photos change them little."""
    axes = np.stack([np.ones(len(pairs.dist)), -pairs.dist])
    general, trust = np.array([GENERAL.a, GENERAL.b]), np.diag(1 / np.square(SPREAD))

    def loss(at: NDArray[np.float64]) -> float:
        exponent, apart = at @ axes, at - general
        likelihood = np.logaddexp(0, exponent) - pairs.same * exponent
        return float(likelihood.sum() + apart @ trust @ apart / 2)

    at, step = general, general
    for _ in range(STEPS):
        likely = np.exp(-np.logaddexp(0, -(at @ axes)))
        slope = axes @ (likely - pairs.same) + trust @ (at - general)
        curve = (axes * (likely * (1 - likely))) @ axes.T + trust
        step = np.linalg.solve(curve, slope)
        while loss(at - step) > loss(at) and np.abs(step).max() > CLOSE:
            step = step / 2
        at = at - step
        if np.abs(step).max() <= CLOSE:
            break
    return Constants(*at.tolist())


def _ece(pairs: Pairs, by: Constants) -> float:
    return pairs.measured(by).ece


def _features(network: "Network", model: Path, jpegs: Sequence[bytes]) -> NDArray[np.float32]:
    return runtime.run(model, samples.pixels_of(network, jpegs))[0]


def _nearest(
    rows: NDArray[np.float32], query: NDArray[np.float32], place: int
) -> tuple[NDArray[np.float32], int | None]:
    """Returns the distances of a twin's nearest, ascending, and where its own photo, in row
    `place`, is among them."""
    dist = (2 - 2 * (rows @ query)).clip(0)
    order = np.argsort(dist, kind="stable")[: TENTH + COPIES]
    [where] = np.nonzero(order == place)
    return dist[order], int(where[0]) if len(where) else None
