"""How many images a training takes: it knows no index, so that whoever only asks loads none."""

from sidecar.catalogue import Transaction
from sidecar.errors import NeedMoreSamples, NoSamples

FEWEST_SAMPLES = 1000  # the specification's


def check_samples(images: int, fewest: int = FEWEST_SAMPLES) -> None:
    """Raises NoSamples or NeedMoreSamples where a training has too few images."""
    if images == 0:
        raise NoSamples("nothing has been added yet")
    if images < fewest:
        raise NeedMoreSamples(f"a training takes {fewest} images; there are {images}")


def check_training(transaction: Transaction) -> None:
    """Whether a training makes sense; errors as `check_samples`."""
    model = transaction.models.in_use()
    check_samples(0 if model is None else transaction.count(model, FEWEST_SAMPLES))
