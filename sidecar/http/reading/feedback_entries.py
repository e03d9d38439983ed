"""Reads single examples of what a request likes or not: an id, its weight, its part.

Every function here raises WrongArguments, which names the example and its rule.
"""

import math
from dataclasses import replace
from typing import Any

import falcon

from sidecar.errors import WrongArguments
from sidecar.http.reading import boxes
from sidecar.images import Box, ids
from sidecar.search.by_examples import Weighted
from sidecar.search.example import Example

LIKE, UNLIKE = "like", "unlike"
KINDS = (LIKE, UNLIKE)
LISTS = tuple(f"{kind}_{what}" for kind in KINDS for what in ("weights", "boxes"))
MOST_EXAMPLES = 100
MOST_WEIGHT = 1000.0
KEYS = {"id", "weight", "box"}


def stored(image_id: str, place: str) -> Example:
    """Returns the example of an id."""
    try:
        return Example(id=ids.known(image_id))
    except WrongArguments as error:
        raise WrongArguments(f"{place}: {error}") from error


def of_json(value: object, kind: str) -> list[Weighted]:
    """Returns the examples in a list of ids, or of objects with id, weight and box."""
    if not isinstance(value, list):
        raise WrongArguments(f"{kind} must be a list of ids")
    if len(value) > MOST_EXAMPLES:
        raise WrongArguments(f"{kind} has {len(value):,} entries: send {MOST_EXAMPLES} at most")
    return [_entry(each, f"{kind} {place}") for place, each in enumerate(value)]


def _entry(entry: object, place: str) -> Weighted:
    if isinstance(entry, str):
        return Weighted(stored(entry, place))
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or entry.keys() - KEYS:
        raise WrongArguments(f"{place} must be an id, or an object of id, weight and box")
    example = stored(entry["id"], place)
    if "box" in entry:
        example = replace(example, box=_box(entry["box"], f"{place}: box"))
    return Weighted(example, _weight(entry.get("weight", 1), place))


def _box(value: Any, name: str) -> Box:
    if not isinstance(value, list) or any(type(each) not in (int, float) for each in value):
        raise WrongArguments(f"{name} must be a list of four numbers")
    return boxes.parsed(",".join(map(str, value)), name)


def _weight(value: Any, place: str) -> float:
    if type(value) not in (int, float) or not 0 < value <= MOST_WEIGHT:
        raise WrongArguments(f"{place}: a weight is a number over 0, at most {MOST_WEIGHT:g}")
    return float(value)


def completed(req: falcon.Request, kind: str, given: list[Weighted]) -> list[Weighted]:
    """Returns examples with the weights and the boxes that stand in two parameters of a request,
    in the order of the examples: `like_weights=2,1`, `like_boxes=0,0,0.5,1;` (an empty one is the
    whole image)."""
    weights, parts = (f"{kind}_weights", f"{kind}_boxes")
    if (text := req.get_param(weights)) is not None:
        each = _split(text, ",", weights, len(given))
        given = [
            replace(one, weight=_weight(_number(number), weights))
            for one, number in zip(given, each, strict=True)
        ]
    if (text := req.get_param(parts)) is not None:
        each = _split(text, ";", parts, len(given))
        given = [
            replace(one, example=replace(one.example, box=boxes.parsed(box, parts))) if box else one
            for one, box in zip(given, each, strict=True)
        ]
    return given


def _split(text: str, mark: str, name: str, count: int) -> list[str]:
    found = text.split(mark)
    if len(found) != count:
        raise WrongArguments(f"{name} must have one for each of {count}, with {mark} between")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # which is no weight
