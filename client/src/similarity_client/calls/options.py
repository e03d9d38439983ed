"""What searches take besides the image."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

Box = Sequence[float]
Order = Literal["distance", "similar"]
Limit = Literal["same", "similar"]


class Common(TypedDict, total=False):
    """What every search takes.

    num_results: how many images there are at most.
    nprob: 1 to 100, how thoroughly the index is searched.
    max_dist: the distance at which the list ends; or "same" or "similar", where it ends as soon as
        an image is less probably the query's own than 0.9, or 0.5.
    filter: what the metadata of the images have to be, in the manner of MongoDB.
    order: "distance", or "similar", by what the nearest have in common, which groups are not; the
        service's own where it is not given.
    timeout: seconds, where it is not the client's.
    """

    num_results: int | None
    nprob: int | None
    max_dist: float | Limit | None
    filter: Mapping[str, Any] | None
    order: Order | None
    timeout: float | None


class BatchOptions(Common, total=False):
    """What a batch of searches takes.

    box: x, y, width and height of the part that counts, in fractions of the image.
    """

    box: Box | None


class RecommendOptions(Common, total=False):
    """What a recommendation takes.

    offset: how many nearer images are passed over; from the first page on, 0 there.
    group_by: the field whose values make groups; `num_results` are groups then.
    group_size: how many images there are of a group.
    fields: whether each image comes with its metadata and keywords.
    """

    offset: int | None
    group_by: str | None
    group_size: int | None
    fields: bool | None


class SearchOptions(RecommendOptions, total=False):
    """What a search takes: that, a box as a batch does, and one thing more.

    probability: whether each image comes with how probable it is that it is the query's own.
    """

    box: Box | None
    probability: bool | None
