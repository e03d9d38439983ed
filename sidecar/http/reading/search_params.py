"""Reads what a search asks for: the parameters that every kind of search has."""

import math
from contextlib import suppress
from typing import get_args

import falcon

from sidecar.catalogue import PROBABLE
from sidecar.errors import WrongArguments
from sidecar.fields import parse_filter
from sidecar.http.reading.params import choice, flag, number, whole_number
from sidecar.index import Grouping, SearchRequest
from sidecar.index.request import PAGED
from sidecar.settings import MOST_NPROB, MOST_RESULTS, Order, Settings

ORDER = "order"
MAX_DIST = "max_dist"
NAMED = {kind.value: least for kind, least in PROBABLE.items()}  # limits that are probabilities
SEARCH = (
    "num_results",
    "nprob",
    MAX_DIST,
    "filter",
    "offset",
    "group_by",
    "group_size",
    "fields",
    ORDER,
)

PROBABILITY = "probability"  # of a single search


def search_request(req: falcon.Request, settings: Settings) -> SearchRequest:
    """Returns what a search asks for.

    Raises:
        WrongArguments: a parameter breaks its rule, or two do not go together.
    """
    least = _least(req)
    request = SearchRequest(
        num_results=whole_number(
            req, "num_results", MOST_RESULTS, settings.similarity_search_num_results
        ),
        nprob=whole_number(req, "nprob", MOST_NPROB, settings.nprob),
        max_dist=math.inf if least is not None else number(req, MAX_DIST, math.inf),
        wanted=None if (text := req.get_param("filter")) is None else parse_filter(text),
        offset=_offset(req),
        group=_group(req),
        similar=_order(req, settings) == "similar",
        probability=flag(req, PROBABILITY),
        least=least,
    )
    _check(request)
    flag(req, "fields")  # which the answer reads: a wrong one is refused before the search
    return request


def _least(req: falcon.Request) -> float | None:
    """Returns how probably each image must be the same as the query; None for a limit in numbers,
    or for none."""
    text = req.get_param(MAX_DIST)
    if text is None or text in NAMED:
        return None if text is None else NAMED[text]
    with suppress(ValueError):
        float(text)
        return None
    raise WrongArguments(f"{MAX_DIST} must be a number, {' or '.join(NAMED)}, not {text!r}")


def _offset(req: falcon.Request) -> int | None:
    """Returns how many nearer images are passed over; None for a search that is not paged."""
    if req.get_param("offset") is None:
        return None
    return whole_number(req, "offset", PAGED, 0, least=0)


def _order(req: falcon.Request, settings: Settings) -> str:
    """Returns the order of what is found. Groups are by distance, whatever the setting says."""
    grouped = req.get_param("group_by") is not None
    order = choice(req, ORDER, get_args(Order), "distance" if grouped else settings.search_order)
    if grouped and order == "similar":
        raise WrongArguments("send order=similar or group_by, not both: groups are by distance")
    return order


def _group(req: falcon.Request) -> Grouping | None:
    field, size = req.get_param("group_by"), whole_number(req, "group_size", MOST_RESULTS, 1)
    if field is None and req.get_param("group_size") is not None:
        raise WrongArguments("group_size goes with group_by=FIELD")
    return None if field is None else Grouping(field, size)


def _check(request: SearchRequest) -> None:
    """Raises WrongArguments where parameters do not go together."""
    if request.offset is not None and request.offset + request.num_results > PAGED:
        raise WrongArguments(f"offset and num_results together must be up to {PAGED:,}")
    if request.group is None:
        return
    if request.offset is not None:
        raise WrongArguments("send offset or group_by, not both")
    if request.group.size * request.num_results > MOST_RESULTS:
        raise WrongArguments(f"num_results times group_size must be up to {MOST_RESULTS:,}")
