"""How many images a training needs. The HTTP process checks that, so no index is imported here."""

from sidecar.catalogue import Transaction
from sidecar.errors import NeedMoreSamples, NoSamples

FEWEST_SAMPLES = 1000  # the specification's


def check_samples(images: int, fewest: int = FEWEST_SAMPLES) -> None:
    """Raises NoSamples or NeedMoreSamples where there are too few images for a training."""
    if images == 0:
        raise NoSamples("nothing has been added yet")
    if images < fewest:
        raise NeedMoreSamples(f"a training needs at least {fewest} images; there are {images}")


def check_training(transaction: Transaction) -> None:
    """Checks that there are enough images for a training now; errors as `check_samples`."""
    model = transaction.models.in_use()
    check_samples(0 if model is None else transaction.count(model, FEWEST_SAMPLES))
