"""A volume of the release before is brought up to date; where its keys were used again, what may
have suffered from that is listed."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, create_engine, insert, select, text

from sidecar.catalogue import open_catalogue
from sidecar.catalogue.schema import features, images, models, pictures, suspects, tasks
from tests.support.databases import upgrade_to

NAMES = "abc"


def release_before(url: str, history: list[tuple[str, int, str]]) -> Engine:
    """A catalogue of the revision 0005 with three images, added at 1.5, 2.5 and 3.5, and these
    tasks (kind, version, state), the first of which was asked for at 0, the next one at 1."""
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrade_to(connection, "0005")
        for key, version in enumerate((1, 2), 1):
            row = {"version": version, "sha256": f"{version}" * 64, "dimension": 4}
            connection.execute(insert(models).values(model=key, in_use=key == 2, **row))
        for seq, name in enumerate(NAMES, 1):
            new = {"seq": seq, "id": name, "sha256": "sha", "added_at": seq + 0.5}
            connection.execute(insert(images).values(new))
            connection.execute(insert(pictures).values(seq=seq, jpeg=b"jpeg", crc=1))
            for key in (1, 2):
                vector = np.full(4, key, "<f2").tobytes()
                made = {"seq": seq, "model": key, "vector": vector, "crc": 1}
                connection.execute(insert(features).values(made))
        for moment, (kind, version, state) in enumerate(history):
            connection.execute(insert(tasks).values(task(moment, kind, version, state)))
    return engine


def task(moment: int, kind: str, version: int, state: str) -> dict[str, Any]:
    report = {"previous": 1, "version": version} if state == "ok" else None
    when = {"created_at": float(moment), "finished_at": moment + 0.9}
    row = {"task_id": f"task-{moment}", "kind": kind, "version": version, "state": state}
    words = {"refused": "model_refused", "cancelled": "cancelled"}
    refused = {"message": words.get(state)}
    return row | when | refused | {"phase": "", "progress": 1.0, "attempt": 1, "report": report}


SUFFERED = [("upgrade", 3, "ok"), ("rollback", 1, "ok"), ("retire", 3, "ok")]
HISTORIES = {
    "a key was used again": ([*SUFFERED, ("upgrade", 2, "ok")], 3.0),
    "the version that had it came back": (
        [("upgrade", 2, "ok"), ("rollback", 1, "ok"), ("retire", 2, "ok"), ("upgrade", 2, "error")],
        3.0,
    ),
    "the newest was retired before the next came": (
        [("upgrade", 3, "cancelled"), ("retire", 3, "ok"), ("upgrade", 2, "ok")],
        2.0,
    ),
    "each was followed by a newer one": (
        [("upgrade", 2, "ok"), ("retire", 1, "ok"), ("upgrade", 3, "ok"), ("retire", 2, "ok")],
        None,
    ),
    "nothing was ever retired": ([("upgrade", 2, "ok"), ("rollback", 1, "ok")], None),
    "one was retired and none came after it": (SUFFERED, None),
    "one was refused, which nobody used": (
        [("upgrade", 2, "refused"), ("upgrade", 2, "ok")],
        None,
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_only_images_added_after_a_key_was_used_again_are_suspects(
    database_url: str, name: str
) -> None:
    history, since = HISTORIES[name]
    engine = release_before(database_url, history)
    engine.dispose()
    catalogue = open_catalogue(database_url, 30)
    with catalogue.database.reading() as connection:
        rows = connection.execute(select(suspects.c.seq, suspects.c.model)).all()
        listed = {tuple(row) for row in rows}
    expected = {
        (seq, key)
        for seq in (1, 2, 3)
        for key in (1, 2)
        if since is not None and seq + 0.5 >= since
    }
    assert listed == expected
    catalogue.close()


def test_all_that_a_volume_held_is_there_and_keys_go_on(database_url: str) -> None:
    engine = release_before(database_url, [])
    catalogue = open_catalogue(database_url, 30)
    assert [(each.model, each.version) for each in catalogue.models.all()] == [(1, 1), (2, 2)]
    in_use = catalogue.models.in_use()
    assert in_use is not None
    assert (in_use.version, in_use.sha256, in_use.dimension) == (2, "2" * 64, 4)
    assert [catalogue.features.count(key) for key in (1, 2)] == [3, 3]
    if database_url.startswith("sqlite"):
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            catalogue.models.retire(catalogue.models.register(3, "3" * 64, 4))
            assert catalogue.models.register(4, "4" * 64, 4).model == 4
    catalogue.close()
    engine.dispose()
