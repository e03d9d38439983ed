"""Reads what a request likes and what it does not: from JSON, or from a form with files."""

import json
from dataclasses import dataclass
from typing import Any

import falcon

from sidecar.errors import ImageTooLarge, ImageUnreadable, WrongArguments
from sidecar.files import in_units
from sidecar.http.reading import feedback_entries as entries
from sidecar.http.reading.feedback_entries import KINDS, LIKE, MOST_EXAMPLES, UNLIKE
from sidecar.http.reading.json_body import MOST_BYTES
from sidecar.http.reading.known_params import (
    FORM_BYTES,
    is_urlencoded,
    take,
    take_field,
    take_pairs,
)
from sidecar.http.reading.multipart import Body, field_name, fields, has_filename, is_form
from sidecar.http.reading.params import number
from sidecar.http.reading.uploads import image_too_large
from sidecar.search.by_examples import UNLIKE_WEIGHT, Feedback, Weighted
from sidecar.search.example import Example, Examples

UNLIKE_WEIGHT_NAME = "unlike_weight"
PARAMETERS = (UNLIKE_WEIGHT_NAME, *entries.LISTS)
MOST_FIELDS = MOST_EXAMPLES + 20
MOST_FILES = 8  # of the largest size: what all files of a request may have together
EXAMPLE = '{"like": ["cat-1", {"id": "cat-2", "weight": 2}], "unlike": ["dog-1"]}'

Found = dict[str, list[Weighted]]  # by kind


@dataclass(frozen=True)
class FeedbackReader:
    """Reads what a request likes and what it does not.

    Args:
        max_bytes: of each file; all of a request have MOST_FILES times as much.
    """

    examples: Examples
    max_bytes: int

    def read(self, req: falcon.Request) -> Feedback:
        """Returns the examples of a request. Its other fields are parameters, which `params` reads
        afterwards.

        Raises:
            WrongArguments: an example is none, there are too many, or none is liked.
            ImageUnreadable, ImageTooLarge, TooBusy, RequestTimeout, RequestBroken.
        """
        found = self._form(req) if is_form(req) else _without_files(req)
        for kind in KINDS:
            texts = req.get_param_as_list(kind) or []
            by_id = [Weighted(entries.stored(text, kind)) for text in texts]
            found[kind] = entries.completed(req, kind, by_id + found[kind])
        likes, unlikes = found[LIKE], found[UNLIKE]
        if not likes:
            raise WrongArguments(f"send at least one {LIKE}, such as {EXAMPLE}")
        if len(likes) + len(unlikes) > MOST_EXAMPLES:
            raise _too_many()
        weight = number(req, UNLIKE_WEIGHT_NAME, UNLIKE_WEIGHT)
        if weight > entries.MOST_WEIGHT:
            raise WrongArguments(f"{UNLIKE_WEIGHT_NAME} must be at most {entries.MOST_WEIGHT:g}")
        return Feedback(tuple(likes), tuple(unlikes), weight)

    def _form(self, req: falcon.Request) -> Found:
        """Takes the fields of a form, and returns its files; each is canonical, and no more held as
        it came, before the next is read."""
        most = MOST_FILES * self.max_bytes
        if (req.content_length or 0) > most + FORM_BYTES:
            raise ImageTooLarge(f"the files have together more than {in_units(most)}")
        found: Found = {kind: [] for kind in KINDS}
        form = fields(req, Body(req), most + FORM_BYTES, any_number=True)
        for count, field in enumerate(form):
            if count >= MOST_FIELDS:
                raise _too_many()
            kind = field_name(field) or ""
            if kind in found and has_filename(field):
                place = f"{kind}, file {len(found[kind])}"
                found[kind].append(Weighted(self._canonical(field.stream, place)))
            else:
                take_field(req, field)
        return found

    def _canonical(self, stream: Any, place: str) -> Example:
        upload = stream.read(self.max_bytes + 1)
        if len(upload) > self.max_bytes:
            raise image_too_large(self.max_bytes)
        try:
            return self.examples.uploaded(upload)
        except (ImageUnreadable, ImageTooLarge) as error:
            raise type(error)(f"{place}: {error}") from error


def _without_files(req: falcon.Request) -> Found:
    """Takes the fields of an urlencoded form, or those of an object in JSON, and returns the
    examples of the latter. curl's -d calls both by the same type."""
    found: Found = {kind: [] for kind in KINDS}
    content = Body(req).read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise WrongArguments(f"the body is larger than {in_units(MOST_BYTES)}")
    is_object = content.lstrip()[:1] == b"{"
    if is_urlencoded(req) and not is_object:
        take_pairs(req, content)
        return found
    if not content:
        return found
    for name, value in _object(content).items():
        if name in found:
            found[name] = entries.of_json(value, name)
        elif type(value) in (int, float, str):
            take(req, name, str(value))
        else:
            raise WrongArguments(f"{name[:40]!r} must be a number or a text")
    return found


def _object(content: bytes) -> dict[str, Any]:
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WrongArguments(f"the body must be JSON, such as {EXAMPLE}: {error}") from error
    if not isinstance(given, dict):
        raise WrongArguments(f"the body must be an object, such as {EXAMPLE}")
    return given


def _too_many() -> WrongArguments:
    return WrongArguments(f"send {MOST_EXAMPLES} examples at most, like and unlike together")
