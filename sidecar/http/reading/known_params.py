"""Refuses parameters that a call does not know, and takes those that come as fields of a form.

A parameter that is passed over is a mistake that nobody notices: an image added with `?ID=cat`
would get a random id.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import falcon
from falcon.media.multipart import BodyPart

from sidecar.errors import WrongArguments
from sidecar.files import in_units
from sidecar.http.reading.multipart import Body, field_name, fields, has_filename, is_form

FORM_BYTES = 256 * 1024  # what parameters, boundaries and headers may take in a body
VALUE_BYTES = 128 * 1024  # a vector of 2,048 numbers has some 45 KB
MARK = "takes"
# What is a parameter of other calls, and why it is none of most.
ELSEWHERE = {"box": "only what is searched with, predicted or compared may be a part of an image"}
Responder = TypeVar("Responder", bound=Callable[..., None])


@dataclass(frozen=True)
class Takes:
    """What a responder reads: parameters by their names, those among them that may come more than
    once, and whether the body itself, too."""

    names: tuple[str, ...] = ()
    body: bool = False
    many: tuple[str, ...] = ()


def takes(
    *names: str, body: bool = False, many: tuple[str, ...] = ()
) -> Callable[[Responder], Responder]:
    """Marks a responder with the parameters that it knows; one without this mark knows none.

    Args:
        names: the parameters, in a query or as fields of a form.
        body: whether the responder reads the body itself, with `take_field` for its parameters.
        many: further ones, which may come more than once.
    """

    def mark(responder: Responder) -> Responder:
        vars(responder)[MARK] = Takes((*many, *names), body, many)
        return responder

    return mark


def taken(resource: object, method: str) -> Takes | None:
    """Returns what a resource reads with a method; None where it has no responder of its own."""
    responder = getattr(resource, f"on_{method.lower()}", None)
    return None if responder is None else getattr(responder, MARK, Takes())


class KnownParams:
    """Checks the names of parameters before the resource reads them."""

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, _params: object
    ) -> None:
        known = taken(resource, req.method)
        if known is None:
            return
        req.context.known, req.context.many = known.names, known.many
        for name, value in req.params.items():
            if name not in known.names:
                raise unknown(name, known.names)
            if not isinstance(value, str) and name not in known.many:
                raise repeated(name)
        if req.method == "POST" and not known.body:
            _take_form(req)


def _take_form(req: falcon.Request) -> None:
    """Takes the parameters of a form."""
    if is_form(req):
        for field in fields(req, Body(req), FORM_BYTES):
            take_field(req, field)
    elif is_urlencoded(req):
        take_urlencoded(req)


def is_urlencoded(req: falcon.Request) -> bool:
    """Returns whether the body of a request is an urlencoded form."""
    return (req.content_type or "").lower().startswith(falcon.MEDIA_URLENCODED)


def take_urlencoded(req: falcon.Request, but: str = "") -> None:
    """Takes the parameters of an urlencoded form, all but one. Raises WrongArguments."""
    take_pairs(req, Body(req).read(FORM_BYTES + 1), but)


def take_pairs(req: falcon.Request, content: bytes, but: str = "") -> None:
    """Takes the parameters in the body of an urlencoded form; as `take_urlencoded`."""
    if len(content) > FORM_BYTES:
        raise WrongArguments(f"the form is larger than {in_units(FORM_BYTES)}")
    given = falcon.uri.parse_query_string(_text(content), keep_blank=True, csv=False)
    for name, value in given.items():
        if name != but:
            take(req, name, value)


def take_field(req: falcon.Request, field: BodyPart, too_late: bool = False) -> None:
    """Takes a field of a form as a parameter; a file of another name than `data` is passed over.

    Args:
        too_late: whether files came before it, so that it can't count for them.
    Raises:
        WrongArguments: its name is not known or was given before, or its value is no text.
    """
    name = field_name(field)
    if name is None or has_filename(field):
        return
    content = field.stream.read(VALUE_BYTES + 1)
    if len(content) > VALUE_BYTES:
        raise WrongArguments(f"{_shown(name)} is longer than {in_units(VALUE_BYTES)}")
    take(req, name, _text(content))
    if too_late:
        raise WrongArguments(f"send the field {name} before the files")


def take(req: falcon.Request, name: str, value: str | list[str]) -> None:
    """Takes a parameter from a form as if it had come in the query. Raises WrongArguments."""
    known = getattr(req.context, "known", ())
    if name not in known:
        raise unknown(name, known)
    params: Any = req.params  # a dict, whatever Falcon's types say
    if name in getattr(req.context, "many", ()):
        params[name] = [*_as_list(params.get(name, [])), *_as_list(value)]
        return
    if name in params or not isinstance(value, str):
        raise repeated(name)
    params[name] = value


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def unknown(name: str, known: Sequence[str]) -> WrongArguments:
    """Returns the error of a parameter that a call does not know, with the nearest that it does."""
    if name in ELSEWHERE:
        return WrongArguments(f"this call takes no {name}: {ELSEWHERE[name]}")
    near = difflib.get_close_matches(name.lower(), known, 1)
    if near:
        return WrongArguments(f"unknown parameter {_shown(name)}: did you mean {near[0]}?")
    all_known = ", ".join(known) or "none"
    return WrongArguments(f"unknown parameter {_shown(name)}: this call takes {all_known}")


def repeated(name: str) -> WrongArguments:
    """Returns the error of a parameter that came more than once, in query and form together."""
    return WrongArguments(f"{_shown(name)} is given more than once: send it once")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 40 else f"{name[:40]}…")


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise WrongArguments("a field of the form is not in UTF-8") from error
