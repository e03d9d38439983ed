"""A Milvus that asks for a token and speaks TLS, with a certificate that the test has made."""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from local.milvus import PORT, server, wired
from local.process import running
from sidecar.errors import IndexEngineUnavailable
from sidecar.index.milvus.server import Access, Server
from tests.support.engines import only_when_asked_for
from tests.support.house import TEN, House

pytestmark = [pytest.mark.long, pytest.mark.release]

TOKEN = "root:Milvus"  # as Milvus comes
WRONG = "root:a-secret"


@dataclass
class Guarded:
    """How the server is reached: over TLS alone, with a token alone.

    Args:
        ca_file: who has signed its certificate; `other_file` is somebody else.
    """

    address: str
    ca_file: Path
    other_file: Path

    def access(self, token: str) -> Access:
        return Access(f"https://{self.address}", token, self.ca_file)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    only_when_asked_for()
    with tempfile.TemporaryDirectory(prefix="milvus-") as name:
        folder = Path(name)
        with wired() as wire:
            files = [sign(folder, who, wire.address) for who in ("milvus", "other")]
            given = {
                "authorization_enabled": "true",
                "tls_mode": 1,  # the server shows a certificate, and wants none
                "server_pem_path": files[0],
                "server_key_path": folder / "milvus.key",
                "ca_pem_path": files[0],
            }
            with running(server(folder, wire, given)):
                yield Guarded(f"{wire.address}:{PORT}", *files)


def sign(folder: Path, who: str, address: str) -> Path:
    """Makes a key and a certificate for an address, which has signed itself."""
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", f"/CN={who}", "-addext", f"subjectAltName=IP:{address}"]
    made = folder / f"{who}.pem"
    files = ["-keyout", f"{folder}/{who}.key", "-out", f"{made}"]
    command = ["openssl", "req", *kind, "-days", "2", *names, *files]
    subprocess.run(command, check=True, capture_output=True)
    return made


def refusal(access: Access) -> str:
    with pytest.raises(IndexEngineUnavailable) as caught:
        Server(access).check()
    return str(caught.value)


def test_over_tls_with_a_token_an_index_is_made_searched_and_updated(
    guarded: Guarded, tmp_path: Path
) -> None:
    settings = {
        "INDEX_ENGINE": "milvus",
        "MILVUS_URI": f"https://{guarded.address}",
        "MILVUS_TOKEN": TOKEN,
        "MILVUS_CA_FILE": f"{guarded.ca_file}",
    }
    house = House(tmp_path, engine=settings)
    house.trainer = replace(house.trainer, fewest_samples=1)
    house.add(1, 100)
    house.run("train")
    house.add(101, 110)
    assert house.run("update").images == 110
    assert house.search().nearest_to("105", TEN).generation == 2
    assert house.problems() == []
    house.catalogue.close()


@pytest.mark.parametrize(
    ("token", "reason"), [("", "missing authorization"), (WRONG, "auth check failure")]
)
def test_without_the_token_or_with_a_wrong_one_the_line_says_so(
    guarded: Guarded, token: str, reason: str
) -> None:
    said = refusal(guarded.access(token))
    assert f"Milvus at https://{guarded.address}: " in said
    assert reason in said
    assert "secret" not in said


# Connections of one process to one server with one token are one: these have tokens of their own.


def test_a_certificate_that_nobody_trusted_has_signed_is_refused(guarded: Guarded) -> None:
    access = guarded.access(TOKEN)
    for number, ca_file in enumerate((None, guarded.other_file)):
        said = refusal(replace(access, token=f"root:{number}", ca_file=ca_file))
        assert "CERTIFICATE_VERIFY_FAILED" in said


def test_a_server_that_speaks_tls_is_not_reached_without(guarded: Guarded) -> None:
    said = refusal(Access(f"http://{guarded.address}", "root:plain"))
    assert f"Milvus at http://{guarded.address}: " in said
