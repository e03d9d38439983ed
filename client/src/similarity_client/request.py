"""A call as a value: what is sent, and how its answer is read. Nothing here does I/O."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

from similarity_client.errors import SimilarityError

T = TypeVar("T")


class Repeat(Enum):
    """When a call may be sent again.

    ALWAYS: it does the same, however often it comes.
    UNBEGUN: only where the service surely has not begun with it.
    """

    ALWAYS = "always"
    UNBEGUN = "unbegun"


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request.

    Args:
        kind: its Content-Type.
        length: its bytes.
        make: begins it afresh, for each attempt: bytes, or pieces of them.
    """

    kind: str
    length: int
    make: Callable[[], bytes | Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answered.

    Args:
        headers: by name in small letters.
        attempts: how often the request was sent.
        lost: whether an earlier attempt may have been done, and its answer was lost.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    attempts: int = 1
    lost: bool = False

    def json(self) -> dict[str, Any]:
        """Returns the object that an answer is. Raises SimilarityError: it is none."""
        found = self.object()
        if found is None:
            raise self._strange()
        return found

    def object(self) -> dict[str, Any] | None:
        """Returns the same, None where the answer is no object: a proxy's, maybe."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def lines(self) -> list[dict[str, Any]]:
        """Returns the objects of an answer in NDJSON. Raises SimilarityError: it is none."""
        try:
            return [dict(json.loads(line)) for line in self.content.splitlines()]
        except (ValueError, TypeError) as error:
            raise self._strange() from error

    def _strange(self) -> SimilarityError:
        shown = self.content[:80].decode(errors="replace")
        return SimilarityError(
            f"the answer is none of this service: {shown!r}",
            status=self.status,
            request_id=self.headers.get("x-request-id"),
        )


def is_success(reply: Reply) -> bool:
    """Says whether a call was done."""
    return 200 <= reply.status < 300


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """A call of the service.

    Args:
        path: percent-encoded.
        parse: makes the answer of a reply that is accepted.
        accepts: says which replies are no errors.
        timeout: seconds, where it is not the client's.
    """

    method: str
    path: str
    parse: Callable[[Reply], T]
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    repeat: Repeat = Repeat.ALWAYS
    accepts: Callable[[Reply], bool] = is_success
    timeout: float | None = None
