"""The fields of images for the next generation: those of the one before, and what has changed."""

from functools import reduce

from sidecar.catalogue import Metadata
from sidecar.index import Draft, Generation, Layer, stacked


def take(metadata: Metadata, draft: Draft, up_to: int, previous: Generation | None = None) -> None:
    """Gives a draft the fields of its images, as they were when its task looked.

    Args:
        draft: of the draft, which has all its images.
        up_to: the last change that the task knows of.
        previous: the generation whose fields are taken over; without it, or where an earlier
            release made it, every document is read.
    Raises:
        CatalogueDamaged: a document is not what was stored.
    """
    layers: tuple[Layer, ...] = ()
    after = 0
    if previous is not None and previous.fields is not None:
        layers = (Layer(previous.segments.seqs, previous.fields),)
        after = previous.meta.last_change
    for changes in metadata.stream(after, up_to):
        layers = stacked(layers, Layer.of(changes))
    if layers:
        joined = reduce(Layer.under, layers)
        draft.set_fields(joined.among(draft.seqs), up_to)
