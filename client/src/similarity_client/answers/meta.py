"""What every answer has besides: which request it was, what served it, and where its time went."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from similarity_client.errors import SimilarityError
from similarity_client.request import Reply

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Meta:
    """What an answer's headers say.

    Args:
        request_id: by which the service's log names the request.
        model_version: of the model that answered; None where the call does not say.
        generation: of the index that answered, 0 before the first training; None as above.
        unindexed: images that a search compared one by one; None as above.
        timings: milliseconds by stage, `total` among them.
        attempts: how often the request was sent.
    """

    request_id: str | None = None
    model_version: int | None = None
    generation: int | None = None
    unindexed: int | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    attempts: int = 1


NO_META = Meta()  # of what is a part of an answer


def meta(reply: Reply) -> Meta:
    """Returns what the headers of a reply say."""
    headers = reply.headers
    return Meta(
        headers.get("x-request-id"),
        _number(headers.get("x-model-version")),
        _number(headers.get("x-generation")),
        _number(headers.get("x-unindexed")),
        timings(headers.get("server-timing", "")),
        reply.attempts,
    )


def timings(header: str) -> dict[str, float]:
    """Returns the milliseconds in a Server-Timing header, by stage; what can't be read is left out.

    Source: W3C Server Timing.
    """
    found = {}
    for entry in header.split(","):
        name, *params = (part.strip() for part in entry.split(";"))
        for param in params:
            key, _, value = param.partition("=")
            try:
                if key.strip() == "dur":
                    found[name] = float(value)
            except ValueError:
                continue
    return found


def made(kind: type[T], answer: Mapping[str, Any], **known: Any) -> T:
    """Returns a dataclass with those of an answer's fields that it has; lists become tuples. A
    newer service may answer with more.

    Raises:
        SimilarityError: one is missing.
    """
    names = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    given = {name: _fixed(value) for name, value in answer.items() if name in names}
    try:
        return kind(**{**given, **known})
    except TypeError as error:
        raise SimilarityError(f"the answer is none of this service: {error}") from error


def part(answer: Mapping[str, Any], name: str) -> Any:
    """Returns a field of an answer. Raises SimilarityError: it is missing."""
    try:
        return answer[name]
    except KeyError as error:
        raise SimilarityError(f"the answer is none of this service: it lacks {name}") from error


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
