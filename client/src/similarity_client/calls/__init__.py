"""The calls of the service: each a function that describes its request and reads its answer."""

from similarity_client.calls.adding import add
from similarity_client.calls.background import (
    cancel,
    cancel_upgrade,
    fill,
    retire,
    rollback,
    status,
    tasks,
    train,
    update,
    upgrade,
    upgrade_estimate,
    upgrade_preview,
)
from similarity_client.calls.duplicates import (
    decide_duplicates,
    duplicate_lines,
    duplicates,
    find_duplicates,
)
from similarity_client.calls.examples import compare, explain, recommend
from similarity_client.calls.images import (
    get,
    metadata,
    original,
    patch_metadata,
    put_metadata,
    remove,
    thumbnail,
)
from similarity_client.calls.many import add_batch, check, images_page, keywords, remove_batch
from similarity_client.calls.predict import concepts, features
from similarity_client.calls.searches import search, search_batch
from similarity_client.calls.service import live, me, metrics, models, ready, stats, version

__all__ = [
    "add",
    "add_batch",
    "cancel",
    "cancel_upgrade",
    "check",
    "compare",
    "concepts",
    "decide_duplicates",
    "duplicate_lines",
    "duplicates",
    "explain",
    "features",
    "fill",
    "find_duplicates",
    "get",
    "images_page",
    "keywords",
    "live",
    "me",
    "metadata",
    "metrics",
    "models",
    "original",
    "patch_metadata",
    "put_metadata",
    "ready",
    "recommend",
    "remove",
    "remove_batch",
    "retire",
    "rollback",
    "search",
    "search_batch",
    "stats",
    "status",
    "tasks",
    "thumbnail",
    "train",
    "update",
    "upgrade",
    "upgrade_estimate",
    "upgrade_preview",
    "version",
]
