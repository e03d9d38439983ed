"""The calls about the service itself."""

from similarity_client.answers import (
    BackupMade,
    DuplicateFigures,
    FilteredRecall,
    IndexState,
    Live,
    Me,
    Metrics,
    Models,
    ModelServer,
    ModelVersion,
    Ready,
    RecallPoint,
    SameImage,
    ServedModel,
    Stats,
    Version,
)
from similarity_client.answers.meta import made, meta, part
from similarity_client.calls.background import state_of
from similarity_client.request import Reply, Request, is_success


def models(*, timeout: float | None = None) -> Request[Models]:
    """Lists every version of the model."""
    return Request("GET", "/similarity/models", _models, timeout=timeout)


def _models(reply: Reply) -> Models:
    answer = reply.json()
    versions = tuple(made(ModelVersion, each) for each in part(answer, "models"))
    servers = tuple(made(ModelServer, each) for each in answer.get("servers", []))
    return made(Models, answer, models=versions, servers=servers, meta=meta(reply))


def stats(*, timeout: float | None = None) -> Request[Stats]:
    """Counts what is stored and indexed, with the measured recall and the last task."""
    return Request("GET", "/similarity/stats", _stats, timeout=timeout)


def _stats(reply: Reply) -> Stats:
    answer = reply.json()
    last, backup = part(answer, "last_task"), answer.get("last_backup")
    pairs, checked = answer.get("duplicates"), answer.get("same_image")
    return made(
        Stats,
        answer,
        current_generation=answer.get("current_generation", part(answer, "generation")),
        hosts_behind=answer.get("hosts_behind", 0),
        recall=tuple(made(RecallPoint, each) for each in part(answer, "recall")),
        filtered_recall=tuple(
            made(FilteredRecall, each) for each in part(answer, "filtered_recall")
        ),
        last_task=None if last is None else state_of(last),
        last_backup=None if backup is None else made(BackupMade, backup),
        duplicates=None if pairs is None else made(DuplicateFigures, pairs),
        same_image=None if checked is None else made(SameImage, checked),
        meta=meta(reply),
    )


def version(*, timeout: float | None = None) -> Request[Version]:
    """Says which release the service is, which model it uses, and what is switched on."""
    return Request("GET", "/similarity/version", _version, timeout=timeout)


def _version(reply: Reply) -> Version:
    answer = reply.json()
    model = part(answer, "model")
    served = None if model is None else made(ServedModel, model)
    return made(Version, answer, model=served, meta=meta(reply))


def me(*, timeout: float | None = None) -> Request[Me]:
    """Says whose key asks, and what it opens."""
    return Request("GET", "/similarity/me", _me, timeout=timeout)


def _me(reply: Reply) -> Me:
    return made(Me, reply.json(), meta=meta(reply))


def live(*, timeout: float | None = None) -> Request[Live]:
    """Says that the process answers."""
    return Request("GET", "/health/live", lambda reply: Live(meta(reply)), timeout=timeout)


def ready(*, timeout: float | None = None) -> Request[Ready]:
    """Says whether every part of the service answers; that one does not is an answer, no error."""
    return Request("GET", "/health/ready", _ready, accepts=_says_parts, timeout=timeout)


def _says_parts(reply: Reply) -> bool:
    return is_success(reply) or "parts" in (reply.object() or {})


def _ready(reply: Reply) -> Ready:
    answer = reply.json()
    parts, degraded = part(answer, "parts"), answer.get("degraded", {})
    index = answer.get("index")  # which older services do not say
    state = None if index is None else made(IndexState, index)
    return Ready(is_success(reply), parts, degraded, state, meta(reply))


def metrics(*, timeout: float | None = None) -> Request[Metrics]:
    """Gets all metrics, in the text format of Prometheus."""
    return Request("GET", "/metrics", _metrics, timeout=timeout)


def _metrics(reply: Reply) -> Metrics:
    return Metrics(reply.content.decode(), meta(reply))
