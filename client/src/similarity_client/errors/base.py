"""The error that all others derive from, and how the service's word finds its class."""

from collections.abc import Mapping
from typing import Any, ClassVar


class SimilarityError(Exception):
    """The service refused a call, or could not be asked.

    An error whose word this client does not know is of this class: the service is newer, or a proxy
    answered in its place.

    Args:
        detail: a sentence.
        word: by which the service names the error; "" where it named none.
        status: of HTTP; None where there was no answer, or where one line of many failed.
        request_id: by which the service's log names the request.
        answer: all that the service answered.
    """

    word: str = ""
    by_word: ClassVar[dict[str, type["SimilarityError"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "word" in vars(cls):
            SimilarityError.by_word[cls.word] = cls

    def __init__(
        self,
        detail: str,
        *,
        word: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        if word is not None:
            self.word = word
        self.status = status
        self.request_id = request_id
        self.answer = answer or {}

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.word, self.detail)))


class ServiceAway(SimilarityError):
    """There was no answer, in as many attempts as are made."""


def error_of(
    answer: Mapping[str, Any], status: int | None = None, request_id: str | None = None
) -> SimilarityError:
    """Returns the error that an answer of the service names, or one line of it."""
    word, detail = str(answer.get("message", "")), str(answer.get("detail", ""))
    kind = SimilarityError.by_word.get(word, SimilarityError)
    return kind(detail, word=word, status=status, request_id=request_id, answer=answer)
