"""A Milvus server: the one door to pymilvus. Loaded only after a fork, which gRPC does not survive.

Its log is not synced at each write, so what it acknowledged may be lost with its host: it holds
nothing that the catalogue does not have.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from grpc import RpcError
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient, MilvusException

from sidecar.errors import IndexDamaged, IndexEngineUnavailable
from sidecar.index.milvus.kinds import Kind

# Each of its errors comes to the log with a stack, and again as an exception.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)

KEY, FEATURES = "seq", "features"
MARK = "similarity.mark"  # a property of a collection: of the task that changed it last
SEARCH_S, TASK_S = 10.0, 120.0  # timeouts
INDEXED_S = 12 * 3600.0
POLL_S = 0.2
ROWS_AT_ONCE = 10_000  # keys that are read or deleted
BYTES_AT_ONCE = 8 << 20  # that are sent
MOST_TEXT = 400  # characters of an error
MISSING, NOT_LOADED = 100, 101  # its codes
MOST_RESULTS = 16_384  # of a search, by its own limit

Hits = list[tuple[NDArray[np.int64], NDArray[np.float32]]]  # of each query: keys [n], distances [n]


@dataclass(frozen=True)
class Access:
    """How the server is reached.

    Args:
        uri: http:// or https://.
        token: a key, or `user:password`; "" for none.
        ca_file: of the authority that signed its certificate; None for those of the system.
        namespace: Milvus' database.
    """

    uri: str
    token: str = ""
    ca_file: Path | None = None
    namespace: str = ""


@dataclass(frozen=True)
class Server:
    """Does what is asked of collections; every method raises IndexEngineUnavailable where the
    server does not answer or refuses, and IndexDamaged where it has no such collection."""

    access: Access

    def check(self) -> None:
        """Says whether it answers."""
        with self._translated():
            self._client.get_server_version(timeout=SEARCH_S)

    def create(self, name: str, dimension: int) -> None:
        """Makes an empty collection, in place of one of this name."""
        with self._translated():
            schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field(KEY, DataType.INT64, is_primary=True)
            schema.add_field(FEATURES, DataType.FLOAT_VECTOR, dim=dimension)
            if self._client.has_collection(name, timeout=TASK_S):
                self._client.drop_collection(name, timeout=TASK_S)
            self._client.create_collection(
                name, schema=schema, consistency_level="Bounded", timeout=TASK_S
            )

    def upsert(self, name: str, seqs: NDArray[np.int64], features: NDArray[np.float16]) -> None:
        """Puts rows in, in place of those with the same keys: int64 [n], float16 [n, D].

        An insert would keep both of two rows with one key.
        """
        rows = max(1, BYTES_AT_ONCE // (4 * features.shape[1]))
        for at in range(0, len(seqs), rows):
            wide = features[at : at + rows].astype(np.float32)
            keys = seqs[at : at + rows].tolist()
            data = [{KEY: key, FEATURES: row} for key, row in zip(keys, wide, strict=True)]
            with self._translated():
                self._client.upsert(name, data, timeout=TASK_S)

    def delete(self, name: str, seqs: NDArray[np.int64]) -> None:
        """Deletes rows by their keys, int64 [n]."""
        for at in range(0, len(seqs), ROWS_AT_ONCE):
            with self._translated():
                ids = seqs[at : at + ROWS_AT_ONCE].tolist()
                self._client.delete(name, ids=ids, timeout=TASK_S)

    def index(self, name: str, kind: Kind, going_on: Callable[[], object]) -> None:
        """Indexes all rows, and loads them; `going_on` is called all the time, and ends it by what
        it raises."""
        with self._translated():
            self._client.flush(name, timeout=INDEXED_S)
            if not self._client.list_indexes(name, timeout=TASK_S):
                params = self._client.prepare_index_params()
                words = {"metric_type": "L2", "index_type": kind.name}
                params.add_index(FEATURES, index_name=FEATURES, params=kind.built_with, **words)
                # It returns early, so it is not waited for here.
                self._client.create_index(name, params, timeout=TASK_S, sync=False)
        ends = time.monotonic() + INDEXED_S
        while self._pending(name):
            going_on()
            if time.monotonic() > ends:
                raise IndexEngineUnavailable(f"Milvus: {name} is not indexed yet")
            time.sleep(POLL_S)
        self.load(name, INDEXED_S)
        self.caught_up(name)

    def kind(self, name: str) -> str:
        """Returns Milvus' word for the index of a collection."""
        with self._translated():
            state = self._client.describe_index(name, FEATURES, timeout=SEARCH_S)
        return "" if state is None else str(state["index_type"])

    def load(self, name: str, timeout_s: float = TASK_S) -> None:
        """Has a collection in memory, where searches find it."""
        with self._translated():
            self._client.load_collection(name, timeout=timeout_s)

    def caught_up(self, name: str) -> None:
        """Returns when searches find what was written before this call."""
        with self._translated():
            self._client.query(
                name, f"{KEY} == -1", [KEY], consistency_level="Strong", timeout=TASK_S
            )

    def search(
        self,
        name: str,
        queries: NDArray[np.float32],
        limit: int,
        params: dict[str, Any],
        among: NDArray[np.int64] | None = None,
        timeout_s: float = SEARCH_S,
    ) -> Hits:
        """Finds the nearest rows of each query, float32 [n, D].

        Args:
            limit: how many, `MOST_RESULTS` at most.
            params: of its index.
            among: the keys of those that may be found; all without it.
        """
        words: dict[str, Any] = {"search_params": {"params": params}, "timeout": timeout_s}
        words["filter"] = "" if among is None else f"{KEY} in {among.tolist()}"
        try:
            found = self._search(name, queries, limit, words)
        except _NotLoaded:
            self.load(name)
            found = self._search(name, queries, limit, words)
        hits = []
        for each in found:
            keys = np.array([hit["id"] for hit in each], np.int64)
            hits.append((keys, np.array([hit["distance"] for hit in each], np.float32)))
        return hits

    def keys(self, name: str, after: int = 0) -> NDArray[np.int64]:
        """Returns the keys of all rows above one, int64 [n] ascending."""
        with self._translated():
            rows = self._client.query_iterator(
                name,
                batch_size=ROWS_AT_ONCE,
                filter=f"{KEY} > {after}",
                output_fields=[KEY],
                consistency_level="Strong",
                timeout=TASK_S,
            )
            found: list[int] = []
            while page := rows.next():
                found += [row[KEY] for row in page]
            rows.close()
        return np.unique(np.array(found, np.int64))

    def rows(self, name: str, seqs: NDArray[np.int64]) -> dict[int, NDArray[np.float32]]:
        """Returns the features of rows by their keys, int64 [n]; those that are missing are left
        out."""
        with self._translated():
            rows = self._client.get(
                name, ids=seqs.tolist(), output_fields=[KEY, FEATURES], timeout=TASK_S
            )
        return {row[KEY]: np.array(row[FEATURES], np.float32) for row in rows}

    def set_mark(self, name: str, mark: str) -> None:
        """Notes durably which task changes a collection."""
        with self._translated():
            self._client.alter_collection_properties(name, {MARK: mark}, timeout=TASK_S)

    def mark(self, name: str) -> str | None:
        """Returns the mark of the task that changed a collection last."""
        with self._translated():
            properties = self._client.describe_collection(name, timeout=SEARCH_S)["properties"]
        return dict(properties).get(MARK)

    def names(self) -> list[str]:
        """Returns the names of all collections."""
        with self._translated():
            return list(self._client.list_collections(timeout=SEARCH_S))

    def drop(self, name: str) -> None:
        """Deletes a collection."""
        with self._translated():
            self._client.drop_collection(name, timeout=TASK_S)

    @cached_property
    def _client(self) -> MilvusClient:
        access, words = self.access, {}
        if access.ca_file is not None:
            words = {"server_pem_path": str(access.ca_file), "secure": True}
        return MilvusClient(
            uri=access.uri,
            token=access.token,
            db_name=access.namespace,
            timeout=SEARCH_S,
            **words,
        )

    def _search(
        self, name: str, queries: NDArray[np.float32], limit: int, words: dict[str, Any]
    ) -> Any:
        with self._translated():
            return self._client.search(name, [*queries], limit=limit, **words)

    def _pending(self, name: str) -> bool:
        with self._translated():
            state = self._client.describe_index(name, FEATURES, timeout=TASK_S)
        return state is None or state.get("state") != "Finished" or state["pending_index_rows"] > 0

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns the errors of the library into ours."""
        try:
            yield
        except MilvusException as error:
            text, cause = str(error.message), error.__cause__
            if isinstance(cause, RpcError):  # the library itself says no more than "no connection"
                text = f"{text}: {_said(cause)}"
            line = " ".join(text.split())[:MOST_TEXT]
            if error.code == MISSING:
                raise IndexDamaged(f"Milvus: {line}") from error
            kind = _NotLoaded if error.code == NOT_LOADED else IndexEngineUnavailable
            raise kind(f"Milvus at {self.access.uri}: {line}") from error
        except RpcError as error:  # which the library lets through
            raise IndexEngineUnavailable(f"Milvus at {self.access.uri}: {_said(error)}") from error


def _said(error: RpcError) -> str:
    """Returns what gRPC says of a call that failed."""
    code, details = getattr(error, "code", None), getattr(error, "details", None)
    return f"{code().name}: {details()}" if code and details else type(error).__name__


class _NotLoaded(IndexEngineUnavailable):
    """The collection is not in memory."""
