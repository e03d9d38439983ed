"""Two real Tritons: they share the inferences, and one that can't be trusted gets none."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from falcon.testing import TestClient
from numpy.typing import NDArray

from local.process import wait_until
from sidecar.catalogue import Catalogue, open_catalogue
from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.http.app import create_app
from sidecar.http.guards import api_keys
from sidecar.models import contract as contracts
from sidecar.models import version_files
from sidecar.models.contract import Contract, golden_image
from sidecar.models.loader import ModelLoader
from sidecar.models.regions import Regions, name
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import State, TritonClient
from sidecar.models.watch import watching
from sidecar.settings import from_environment
from tests.support.calls import jpeg
from tests.support.databases import new_file
from tests.support.local_client import local_client
from tests.support.triton_server import Server, serving
from tests.support.versions import put

ONE, TWO = 1, 2
LARGE = np.random.default_rng(1).integers(0, 256, (8, 128, 128, 3), np.uint8)  # 384 KiB


@dataclass
class Place:
    """A server that may end and come back at its address, and a repository of its own."""

    folder: Path
    variables: dict[str, str] | None = None
    server: Server | None = None
    _running: ExitStack = field(default_factory=ExitStack)

    @property
    def repository(self) -> Path:
        return self.folder / "r"

    @property
    def address(self) -> str:
        assert self.variables is not None
        return self.variables["TRITON_URL"]

    def start(self) -> None:
        self.server = self._running.enter_context(
            serving(self.repository, self.folder, self.variables)
        )
        self.variables = self.server.variables

    def stop(self) -> None:
        self._running.close()
        self.server = None

    def kill(self) -> None:
        assert self.server is not None
        self.server.kill()
        self.stop()

    def loads(self) -> bool:
        """Returns whether it loads what is there. Channels to one address share a connection: while
        that of an earlier one is being closed, a new one fails."""
        with suppress(FeaturesUnavailable):
            return TritonClient(self.address, 30).load() == ""
        return False

    def replace(self, version: int, network: str) -> None:
        """Puts another file under a number, with its contract."""
        shutil.rmtree(contracts.folder(self.repository, version), ignore_errors=True)
        put(network, version, self.repository)

    @property
    def asked(self) -> float:
        """Returns how many images it has inferred by now."""
        assert self.server is not None
        return self.server.metric("nv_inference_count", ONE)

    @property
    def inferences(self) -> float:
        """Returns as many as it is when that stays."""
        assert self.server is not None
        return self.server.inferences(ONE)


class Pair:
    """Both, with the repository that the sidecar reads."""

    def __init__(self, folder: Path, places: tuple[Place, Place]) -> None:
        self.repository = folder / "r"
        self.a, self.b = places
        self.url = f"ipv4:{self.a.address},{self.b.address}"
        self.said = contracts.read(self.repository, ONE)

    def states(self, client: TritonClient, contract: Contract | None = None) -> dict[str, State]:
        return {each.address: each.state for each in client.states(contract or self.said)}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Place]]:
    both = Place(tmp_path_factory.mktemp("a")), Place(tmp_path_factory.mktemp("b"))
    for place in both:
        put("small-explained", ONE, place.repository)
        place.start()
    yield both
    for place in both:
        place.stop()


@pytest.fixture
def pair(places: tuple[Place, Place], tmp_path: Path) -> Iterator[Pair]:
    """Both serve version 1, and it alone."""
    shutil.copytree(places[0].repository, tmp_path / "r")
    yield Pair(tmp_path, places)
    for place in places:
        shutil.rmtree(place.repository)
        put("small-explained", ONE, place.repository)
        if place.server is None:
            place.start()
        else:
            wait_until(place.loads, lambda: f"version {ONE} is loaded")


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = open_catalogue(new_file(tmp_path), 30)
    yield catalogue
    catalogue.close()


@pytest.fixture
def client(pair: Pair) -> Iterator[TritonClient]:
    client = TritonClient(pair.url, timeout_s=10)
    yield client
    client.close()


@pytest.fixture
def models(pair: Pair, catalogue: Catalogue, client: TritonClient) -> Iterator[ModelRegistry]:
    """What the processes of the service have: models in use, and a watch over the servers."""
    models = ModelRegistry(pair.repository, catalogue.models, client)
    assert models.in_use().record.version == ONE
    with watching(models):
        yield models


@contextmanager
def asked(ask: Callable[[], object], threads: int = 4) -> Iterator[list[str]]:
    """Asks all the time within the block; yields what went wrong."""
    wrong: list[str] = []
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            try:
                ask()
            except Exception as error:
                wrong.append(repr(error))

    running = [threading.Thread(target=run) for _ in range(threads)]
    for each in running:
        each.start()
    try:
        yield wrong
    finally:
        ended.set()
        for each in running:
            each.join()


def infer_large(client: TritonClient, said: Contract) -> Callable[[], NDArray[np.float32]]:
    """Returns what infers a large batch, more than gRPC tries again unless it is set to, and checks
    its answer."""
    expected = client.features(LARGE, said)

    def infer() -> NDArray[np.float32]:
        found = client.features(LARGE, said)
        assert np.allclose(found, expected, atol=1e-4)
        return found

    return infer


def test_both_get_inferences_about_evenly(pair: Pair, client: TritonClient) -> None:
    client.prove(pair.said)
    before = [place.inferences for place in (pair.a, pair.b)]
    image = golden_image(pair.said.crop)[None]
    for _ in range(60):
        assert pair.said.accepts(client.features(image, pair.said)[0])
    first, second = (p.inferences - b for p, b in zip((pair.a, pair.b), before, strict=True))
    assert first + second == 60
    assert abs(first - second) <= 6


def test_no_inference_fails_where_one_is_killed_and_it_is_asked_again_once_it_is_back(
    pair: Pair, client: TritonClient, models: ModelRegistry
) -> None:
    with asked(infer_large(client, pair.said)) as wrong:
        pair.b.kill()
        away = {pair.a.address: State.SERVING, pair.b.address: State.AWAY}
        wait_until(lambda: pair.states(client) == away, lambda: f"{pair.states(client)}", 30)
        pair.b.start()
        both = {pair.a.address: State.SERVING, pair.b.address: State.SERVING}
        wait_until(lambda: pair.states(client) == both, lambda: f"{pair.states(client)}", 30)
        wait_until(lambda: pair.b.asked > 5 * len(LARGE), lambda: "it is asked", 30)
    assert wrong == []


@pytest.mark.long
def test_one_that_comes_back_with_another_file_under_the_number_gets_no_inference(
    pair: Pair, client: TritonClient, models: ModelRegistry
) -> None:
    infer = infer_large(client, pair.said)
    with asked(infer) as wrong:
        pair.b.kill()
        pair.b.replace(ONE, "signed-one")
        pair.b.start()
        refused = {pair.a.address: State.SERVING, pair.b.address: State.REFUSED}
        wait_until(lambda: pair.states(client) == refused, lambda: f"{pair.states(client)}", 30)
    assert wrong == []
    assert pair.b.inferences < len(LARGE)  # golden images alone
    [state] = [each for each in models.servers() if each.state != State.SERVING]
    assert "another file was loaded under this number" in str(state)
    assert str(state).startswith(f"{pair.b.address} is refused: ")


@pytest.mark.long
def test_one_that_was_restarted_between_two_looks_gets_no_inference_before_the_next(
    pair: Pair, client: TritonClient
) -> None:
    client.prove(pair.said)
    infer = infer_large(client, pair.said)
    pair.b.kill()
    pair.b.replace(ONE, "signed-one")
    pair.b.start()
    for _ in range(10):
        infer()
    assert pair.b.inferences == 0
    refused = {pair.a.address: State.SERVING, pair.b.address: State.REFUSED}

    def is_noticed() -> bool:
        client.look()
        return pair.states(client) == refused

    wait_until(is_noticed, lambda: f"{pair.states(client)} is {refused}", 30)
    infer()


def test_without_any_that_serves_the_version_each_is_named(
    pair: Pair, client: TritonClient, models: ModelRegistry
) -> None:
    pair.a.kill()
    pair.b.kill()
    wait_until(lambda: set(pair.states(client).values()) == {State.AWAY}, lambda: "both away", 30)
    with pytest.raises(FeaturesUnavailable, match="no Triton serves version 1: ") as error:
        models.in_use().features(jpeg())
    assert f"{pair.a.address} is away" in str(error.value)
    assert f"{pair.b.address} is away" in str(error.value)
    with pytest.raises(FeaturesUnavailable):
        models.check()


def test_the_least_of_all_largest_batches_counts(pair: Pair, client: TritonClient) -> None:
    client.prove(pair.said)
    assert client.largest_batch(pair.said) == 8
    config = pair.b.repository / "keywording" / "config.pbtxt"
    text = config.read_text()
    config.write_text(text.replace("max_batch_size: 8", "max_batch_size: 3"))
    try:
        assert client.load() == ""
        client.prove(pair.said)
        assert client.largest_batch(pair.said) == 3
        golden = client.features(golden_image(pair.said.crop)[None].repeat(8, axis=0), pair.said)
        assert len(golden) == 8
        assert all(pair.said.accepts(one) for one in golden)
    finally:
        config.write_text(text)


def test_an_upgrade_goes_through_with_both(
    pair: Pair, client: TritonClient, models: ModelRegistry, catalogue: Catalogue
) -> None:
    for folder in (pair.repository, pair.a.repository, pair.b.repository):
        put("signed-one", TWO, folder)
    loader = ModelLoader(pair.repository, catalogue.models, client, models)
    model = loader.load(TWO)
    both = {pair.a.address: State.SERVING, pair.b.address: State.SERVING}
    assert pair.states(client, model.contract) == both
    assert client.serving(TWO) == {pair.a.address: True, pair.b.address: True}


def test_an_upgrade_is_refused_where_one_that_answers_lacks_the_version(
    pair: Pair, client: TritonClient, models: ModelRegistry, catalogue: Catalogue
) -> None:
    for folder in (pair.repository, pair.a.repository):
        put("signed-one", TWO, folder)
    loader = ModelLoader(pair.repository, catalogue.models, client, models)
    with pytest.raises(ModelRefused, match=f"Triton at {pair.b.address} does not serve version 2"):
        loader.load(TWO)
    assert contracts.numbers(pair.repository) == [ONE, TWO]


@pytest.mark.long
def test_an_upgrade_does_not_wait_for_one_that_is_away_which_catches_up_later(
    pair: Pair, client: TritonClient, models: ModelRegistry, catalogue: Catalogue
) -> None:
    pair.b.kill()
    for folder in (pair.repository, pair.a.repository):
        put("signed-one", TWO, folder)
    model = ModelLoader(pair.repository, catalogue.models, client, models).load(TWO)
    pair.b.start()  # without it
    lacking = {pair.a.address: State.SERVING, pair.b.address: State.LACKING}

    def states() -> dict[str, State]:
        return pair.states(client, model.contract)

    wait_until(lambda: states() == lacking, lambda: f"{states()} is {lacking}", 30)
    image = golden_image(model.contract.crop)[None]
    for _ in range(4):
        assert model.contract.accepts(client.features(image, model.contract)[0])
    put("signed-one", TWO, pair.b.repository)
    wait_until(lambda: set(states().values()) == {State.SERVING}, lambda: f"{states()}", 30)


def test_regions_are_loaded_by_each_that_is_asked(
    pair: Pair, client: TritonClient, models: ModelRegistry
) -> None:
    regions = Regions(version_files.read(pair.repository, ONE), client)
    image = golden_image(pair.said.crop)
    for _ in range(2):
        assert pair.said.accepts(regions.of(image).sum((0, 1)))
    lone = [TritonClient(place.address, 10) for place in (pair.a, pair.b)]
    assert [each.has_loaded(name(ONE)) for each in lone] == [True, True]
    pair.b.kill()
    for _ in range(2):
        assert pair.said.accepts(regions.of(image).sum((0, 1)))
    client.unload(name(ONE))
    assert not lone[0].has_loaded(name(ONE))


def test_a_name_stands_for_the_addresses_that_it_has_now_or_had_last(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = pair.a.address.rpartition(":")[2]
    client = TritonClient(f"dns:///localhost:{port}", timeout_s=10)
    client.prove(pair.said)
    assert pair.states(client) == {f"127.0.0.1:{port}": State.SERVING}
    image = golden_image(pair.said.crop)[None]
    assert pair.said.accepts(client.features(image, pair.said)[0])

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror("the DNS is away")

    def move(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", int(port)))]

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    client.prove(pair.said)
    assert pair.states(client) == {f"127.0.0.1:{port}": State.SERVING}
    monkeypatch.setattr(socket, "getaddrinfo", move)
    with pytest.raises(FeaturesUnavailable, match=rf"127\.0\.0\.2:{port} is away"):
        client.prove(pair.said)
    assert pair.states(client) == {f"127.0.0.2:{port}": State.AWAY}
    client.close()


def test_a_name_without_an_address_is_an_error_that_names_it(pair: Pair) -> None:
    client = TritonClient("dns:///nobody.invalid:8001", timeout_s=10)
    with pytest.raises(FeaturesUnavailable, match=r"dns:///nobody\.invalid:8001: "):
        client.prove(pair.said)
    client.close()


def test_health_models_and_metrics_name_one_that_is_left_out(pair: Pair, tmp_path: Path) -> None:
    secret, line = api_keys.draw("all", "read,write")
    (tmp_path / "keys").write_text(f"{line}\n")
    key = {"X-API-Key": secret}
    settings = from_environment(
        data_dir=tmp_path / "data",
        api_keys_file=tmp_path / "keys",
        triton_url=pair.url,
        model_repository=pair.repository,
        redis_url="redis://127.0.0.1:1/0",
    )
    with create_app(settings) as app:
        http = local_client(app)

        def told(path: str) -> Any:
            return http.simulate_get(path, headers=key).json

        def is_degraded() -> bool:
            return "degraded" in told("/health/ready")

        wait_until(lambda: told("/health/ready")["parts"]["triton"] == "ok", lambda: "ready", 30)
        wait_until(lambda: all(s["ready"] for s in told("/similarity/models")["servers"]), str, 30)
        ready = {"ready": True, "state": "serving", "versions": [ONE], "trouble": None}
        servers = {s.pop("address"): s for s in told("/similarity/models")["servers"]}
        assert servers == {pair.a.address: ready, pair.b.address: ready}
        assert not is_degraded()
        pair.b.kill()
        wait_until(is_degraded, lambda: "it is missed", 30)
        found = told("/health/ready")
        assert found["parts"]["triton"] == "ok"
        text = f"model_unavailable: {pair.b.address} is away: "
        assert found["degraded"]["triton"].startswith(text)
        assert http.simulate_get("/health/ready").json["degraded"] == {
            "triton": "model_unavailable"
        }
        servers = {s.pop("address"): s for s in told("/similarity/models")["servers"]}
        assert servers[pair.a.address] == ready
        trouble = servers[pair.b.address].pop("trouble")
        assert "UNAVAILABLE" in trouble
        assert servers[pair.b.address] == {"ready": False, "state": "away", "versions": []}
        others = {"lacking": 0, "refused": 0, "unproved": 0}
        assert counted(http, key) == {"serving": 1, "away": 1} | others
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        body = multipart("data", jpeg())
        answer = http.simulate_post("/similarity/add?id=cat", headers=key | kind, body=body)
        assert answer.status_code == 200, answer.text


def counted(http: TestClient, key: dict[str, str]) -> dict[str, float]:
    """The metric, by state."""
    prefix = 'similarity_triton_servers{state="'
    lines = http.simulate_get("/metrics", headers=key).text.splitlines()
    found = [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
    return {state: float(number) for state, number in (line.split('"} ') for line in found)}


def multipart(field: str, content: bytes) -> bytes:
    """The body of a call with a file in a field."""
    head = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="a"\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n"
