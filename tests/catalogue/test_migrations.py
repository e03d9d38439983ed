"""An older catalogue is brought up to date, a newer one refused."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert, inspect, select, text

from local.stack import ROOT
from sidecar.catalogue import open_catalogue
from sidecar.catalogue.schema import metadata, models, pictures
from sidecar.errors import CatalogueUnavailable
from sidecar.files import file_system

FIRST_TABLES = (ROOT / "tests" / "support" / "first_catalogue.sql").read_text()


def test_the_migrations_make_the_tables_that_the_code_knows(database_url: str) -> None:
    open_catalogue(database_url, 30).close()
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        seqs = {c["name"] for c in inspect(connection).get_columns("features")}
        assert seqs == {"seq", "model", "vector", "crc", "keywords"}
    engine.dispose()


def test_a_catalogue_of_the_first_release_is_migrated_with_all_that_it_holds(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in FIRST_TABLES.split(";"):
            connection.exec_driver_sql(statement)
        connection.execute(
            insert(models).values(version=1, sha256="a" * 64, dimension=4, in_use=True)
        )
        for n in range(1, 1301):
            vector = np.full(4, n, "<f2").tobytes()
            for statement in (
                f"INSERT INTO images VALUES ({n}, 'id-{n}', 'sha', 1.0)",
                f"INSERT INTO pictures VALUES ({n}, x'{n:08x}')",
                f"INSERT INTO features VALUES (1, {n}, x'{vector.hex()}')",
            ):
                connection.exec_driver_sql(statement)
    engine.dispose()
    catalogue = open_catalogue(url, 30)
    pages = list(catalogue.features.stream(1, 0, 10_000))
    assert np.concatenate([p.seqs for p in pages]).tolist() == list(range(1, 1301))
    assert all((p.features == p.seqs[:, None]).all() for p in pages)
    assert catalogue.images.jpeg("id-700") == (700).to_bytes(4, "big")
    with catalogue.database.reading() as connection:
        assert connection.execute(select(pictures.c.crc)).scalars().first() == zlib.crc32(
            (1).to_bytes(4, "big")
        )
    catalogue.close()


def test_a_catalogue_of_a_newer_release_is_refused(database_url: str) -> None:
    open_catalogue(database_url, 30).close()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(CatalogueUnavailable, match=r"made by a newer release.*9999"):
        open_catalogue(database_url, 30)


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert file_system(Path("/proc/self")) == "proc"
    monkeypatch.setattr("sidecar.files.file_system", lambda _: "nfs4")
    with pytest.raises(CatalogueUnavailable, match=r"network file system.*nfs4"):
        open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", 30)
