"""Both clients have the same calls, their errors those of the service."""

import inspect
from typing import Any

import pytest
from similarity_client import AsyncSimilarity, AsyncTask, Similarity, SimilarityError, Task, errors

from sidecar import errors as theirs
from sidecar.http import error_handlers as answers

PAIRS = [(Similarity, AsyncSimilarity), (Task, AsyncTask)]
RENAMED = {"__enter__": "__aenter__", "__exit__": "__aexit__"}


def methods(kind: type) -> dict[str, Any]:
    public = {name for name in dir(kind) if not name.startswith("_")}
    return {name: getattr(kind, name) for name in public | {"__init__"}}


def shown(annotation: object) -> str:
    """What an annotation says, whichever of the two clients it is of."""
    return str(annotation).replace("asynchronous", "sync").replace("Async", "")


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_both_clients_have_the_same_methods_and_signatures(one: type, other: type) -> None:
    sync, async_ = methods(one), methods(other)
    assert set(sync) == set(async_)
    for name, method in sync.items():
        if not callable(method):
            assert type(method) is type(async_[name]), name
            continue
        ours, its = inspect.signature(method), inspect.signature(async_[name])
        assert list(ours.parameters) == list(its.parameters), name
        for mine, yours in zip(ours.parameters.values(), its.parameters.values(), strict=True):
            assert (mine.kind, mine.default) == (yours.kind, yours.default), name
            assert shown(mine.annotation) == shown(yours.annotation), name
        assert shown(ours.return_annotation) == shown(its.return_annotation), name
        assert method.__doc__ or name == "__init__", name


def test_every_call_of_an_async_client_is_awaited() -> None:
    for name, method in methods(AsyncSimilarity).items():
        if callable(method) and name not in ("__init__", "images"):
            assert inspect.iscoroutinefunction(method), name
    assert inspect.isasyncgenfunction(AsyncSimilarity.images)


@pytest.mark.parametrize(("sync", "async_"), RENAMED.items())
def test_both_close_at_the_end_of_a_block(sync: str, async_: str) -> None:
    assert hasattr(Similarity, sync)
    assert inspect.iscoroutinefunction(getattr(AsyncSimilarity, async_))


def camel(word: str) -> str:
    return "".join(part.capitalize() for part in word.replace(",", "").replace("_", " ").split())


def test_there_is_an_error_for_each_word_of_the_service() -> None:
    known = {kind.word for kind in answers.STATUSES} | set(answers.HTTP_WORDS.values())
    known |= {theirs.SimilarityError.word}
    assert set(SimilarityError.by_word) == known
    for word, kind in SimilarityError.by_word.items():
        assert kind.__name__ == camel(word)
        assert getattr(errors, kind.__name__) is kind
        assert kind.__name__ in errors.__all__
