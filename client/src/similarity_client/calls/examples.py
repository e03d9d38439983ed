"""The calls that take several images: recommend, compare, explain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, Unpack

from similarity_client.answers import Comparison, Explanation, Found, SharedKeyword
from similarity_client.answers.meta import made, meta, part
from similarity_client.bodies import FilePart, of_form, of_json, text
from similarity_client.calls.making import FIELD, params
from similarity_client.calls.options import Box, RecommendOptions
from similarity_client.calls.searches import found
from similarity_client.photo import Photo, source
from similarity_client.request import Reply, Request

RECOMMEND, COMPARE, EXPLAIN = (
    f"/similarity/{call}" for call in ("recommend", "compare", "explain")
)


@dataclass(frozen=True, slots=True)
class Example:
    """An example of what is wanted, or of what is not.

    Args:
        image: a str is the id of a stored image; a path has to be a Path here.
        weight: over 0, up to 1000.
        box: the part of it that counts.
    """

    image: Photo
    weight: float = 1.0
    box: Box | None = None


Examples: TypeAlias = Sequence[Example | Photo]


def recommend(
    like: Examples,
    unlike: Examples = (),
    *,
    unlike_weight: float | None = None,
    **options: Unpack[RecommendOptions],
) -> Request[Found]:
    """Finds the images most like some examples, and least like others.

    Args:
        like, unlike: ids as str; or a Path, bytes, an open file, an image of Pillow; or an Example,
            which has a weight and a box. 100 at most, together.
        unlike_weight: how much the latter count.
        options: as RecommendOptions has them: those of a search, without box.
    """
    timeout = options.pop("timeout", None)
    query = params(unlike_weight=unlike_weight, **options)
    kinds = {"like": _examples(like, "like"), "unlike": _examples(unlike, "unlike")}
    if all(isinstance(each.image, str) for given in kinds.values() for each in given):
        body = of_json({name: [_entry(each) for each in given] for name, given in kinds.items()})
        return Request("POST", RECOMMEND, found, query, body=body, timeout=timeout)
    fields, files = list(query.items()), []
    for name, given in kinds.items():
        ids = [each for each in given if isinstance(each.image, str)]
        others = [each for each in given if not isinstance(each.image, str)]
        fields += [(name, str(each.image)) for each in ids]
        fields += _weights_and_boxes(name, [*ids, *others])
        files += [FilePart(name, "image", source(each.image)) for each in others]
    body = of_form(fields, files)
    return Request("POST", RECOMMEND, found, body=body, timeout=timeout)


def _examples(given: Examples, name: str) -> list[Example]:
    if isinstance(given, str | bytes):
        raise TypeError(f"{name} is a list of examples")
    return [each if isinstance(each, Example) else Example(each) for each in given]


def _entry(example: Example) -> dict[str, Any]:
    entry = {"id": example.image, "weight": example.weight}
    return entry if example.box is None else {**entry, "box": list(example.box)}


def _weights_and_boxes(name: str, given: list[Example]) -> list[tuple[str, str]]:
    """Returns the fields that say how much each example of a form counts, and which part of it."""
    if not given:
        return []
    boxes = ";".join("" if each.box is None else text(each.box) for each in given)
    fields = [(f"{name}_weights", text(each.weight for each in given))]
    return [*fields, (f"{name}_boxes", boxes)] if boxes.strip(";") else fields


def compare(
    one: Photo,
    other: Photo,
    *,
    keyword_threshold: float | None = None,
    box: Box | None = None,
    other_box: Box | None = None,
    timeout: float | None = None,
) -> Request[Comparison]:
    """Says how far two images are apart, and which keywords both have.

    Args:
        one, other: a str is the id of a stored image; a path has to be a Path here.
        box, other_box: the parts of them that count.
    """
    query = params(keyword_threshold=keyword_threshold, box=box, other_box=other_box)
    files = []
    for photo, name, field in ((one, "id", FIELD), (other, "other_id", f"other_{FIELD}")):
        if isinstance(photo, str):
            query[name] = photo
        else:
            files.append(FilePart(field, "image", source(photo)))
    body = of_form([], files) if files else None
    return Request("POST", COMPARE, _comparison, query, body=body, timeout=timeout)


def explain(
    query: Photo,
    match: str,
    *,
    keyword_threshold: float | None = None,
    box: Box | None = None,
    timeout: float | None = None,
) -> Request[Explanation]:
    """Says why a stored image matches a query: which of its regions are like it, and which keywords
    both have.

    Args:
        query: a str is the id of a stored image; a path has to be a Path here.
        match: the id of what was found.
        box: the part of the query that counts.
    Raises:
        NoRegions: the version of the model in use was exported without `--explain`.
    """
    asked = params(match=match, keyword_threshold=keyword_threshold, box=box)
    if isinstance(query, str):
        asked["query"] = query
        return Request("GET", EXPLAIN, _explanation, asked, timeout=timeout)
    body = of_form([], [FilePart(FIELD, "image", source(query))])
    return Request("POST", EXPLAIN, _explanation, asked, body=body, timeout=timeout)


def _comparison(reply: Reply) -> Comparison:
    answer = reply.json()
    return made(Comparison, answer, keywords_shared=_shared(answer), meta=meta(reply))


def _explanation(reply: Reply) -> Explanation:
    answer = reply.json()
    rows = tuple(tuple(row) for row in part(answer, "map"))
    shared = _shared(answer)
    return made(Explanation, answer, map=rows, keywords_shared=shared, meta=meta(reply))


def _shared(answer: dict[str, Any]) -> tuple[SharedKeyword, ...]:
    return tuple(made(SharedKeyword, each) for each in part(answer, "keywords_shared"))
