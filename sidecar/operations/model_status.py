"""The versions of the model: which are in the repository, in Triton, in the catalogue, in use."""

from dataclasses import dataclass, replace
from pathlib import Path

from sidecar.catalogue import SWITCHES, Catalogue, KnownModel, SwitchReport
from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.index import GenerationStore
from sidecar.models import contract as contracts
from sidecar.models import version_files
from sidecar.models.contract import Contract
from sidecar.models.triton import State, TritonClient
from sidecar.models.version_follower import VersionFollower

Served = dict[str, bool] | None  # by address, of those that answer; None where none does


@dataclass(frozen=True)
class Version:
    """A version as `GET /similarity/models` shows it; the fields are the keys of the answer.

    Args:
        in_use: whether it embeds what is added, and answers for keywords.
        in_repository: whether the model repository has it.
        loaded: whether Triton, one of several, serves it; None where Triton is away.
        features: how many images have features of it.
        generations: of the index, made of these features.
        agreement_at_10: the share of the ten nearest images that both it and the version in use
            name, 0..1; None where that was not measured.
        architecture, precision, crop, dimension, keywords, sha256: of its contract; None where that
            can't be read, but for what the catalogue remembers.
        trouble: what is wrong with it, in a sentence.
    """

    version: int
    in_use: bool
    in_repository: bool
    loaded: bool | None
    features: int
    generations: list[int]
    agreement_at_10: float | None
    architecture: str | None
    precision: str | None
    crop: int | None
    dimension: int | None
    keywords: int | None
    sha256: str | None
    trouble: str | None


@dataclass(frozen=True)
class Server:
    """A Triton as `GET /similarity/models` shows it; the fields are the keys of the answer.

    Args:
        address: host and port.
        ready: whether it gets inferences by the version in use.
        state: "serving", "lacking", "refused", "unproved" or "away".
        versions: that it serves.
        trouble: why it gets none, in a sentence.
    """

    address: str
    ready: bool
    state: str
    versions: list[int]
    trouble: str | None


@dataclass(frozen=True)
class Facts:
    """What is known of a version: in the catalogue, in the repository, in Triton."""

    number: int
    model: KnownModel | None
    in_repository: bool
    served: Served


@dataclass(frozen=True)
class ModelStatus:
    """Looks versions up wherever they may be."""

    catalogue: Catalogue
    generations: GenerationStore
    repository: Path
    triton: TritonClient
    versions_of_all: VersionFollower | None = None

    def look(self) -> tuple[list[Version], list[Server]]:
        """Returns all versions, by number, and all servers, by address."""
        known = {model.record.version: model for model in self.catalogue.summary.models()}
        numbers = contracts.numbers(self.repository)
        in_use = next((number for number, model in known.items() if model.in_use), None)
        troubles = self._troubles()
        all_numbers = sorted({*numbers, *known, *troubles})
        served = {number: self._served(number) for number in all_numbers}
        versions = [
            self._version(
                Facts(number, known.get(number), number in numbers, served[number]), in_use
            )
            for number in all_numbers
        ]
        versions = [
            replace(each, trouble=each.trouble if each.in_repository and each.trouble else why)
            if (why := troubles.get(each.version))
            else each
            for each in versions
        ]
        return versions, self._servers(served, in_use)

    def versions(self) -> list[Version]:
        """Returns all versions, by number."""
        return self.look()[0]

    def _troubles(self) -> dict[int, str]:
        """Returns why this host has a version otherwise than the others, or not yet, by number."""
        followed = self.versions_of_all
        return followed.trouble | followed.coming() if followed else {}

    def _servers(self, served: dict[int, Served], in_use: int | None) -> list[Server]:
        contract = self._contract(in_use)[0] if in_use is not None else None
        return [
            Server(
                address=each.address,
                ready=each.state == State.SERVING,
                state=each.state,
                versions=[number for number, by in served.items() if by and by.get(each.address)],
                trouble=each.why or None,
            )
            for each in self.triton.states(contract)
        ]

    def _version(self, facts: Facts, in_use: int | None) -> Version:
        number, model = facts.number, facts.model
        record = model.record if model else None
        contract, trouble = self._contract(number)
        if contract and record and contract.sha256 != record.sha256:
            trouble = "its file is not the model that the catalogue knows by this number"
        known = contract or record
        generations = self.generations.models()
        return Version(
            version=number,
            in_use=model is not None and model.in_use,
            in_repository=facts.in_repository,
            loaded=None if facts.served is None else any(facts.served.values()),
            features=model.features if model else 0,
            generations=[n for n, made in generations.items() if record and made == record.sha256],
            agreement_at_10=self._agreement(number, in_use),
            architecture=contract.architecture if contract else None,
            precision=contract.precision if contract else None,
            crop=contract.crop if contract else None,
            dimension=known.dimension if known else None,
            keywords=contract.keywords if contract else None,
            sha256=known.sha256 if known else None,
            trouble=trouble,
        )

    def _contract(self, number: int) -> tuple[Contract | None, str | None]:
        try:
            contract, _ = version_files.described(self.repository, number)
        except (FeaturesUnavailable, ModelRefused) as error:
            return None, str(error)
        return contract, None

    def _served(self, number: int) -> Served:
        try:
            return self.triton.serving(number)
        except FeaturesUnavailable:
            return None

    def _agreement(self, one: int, other: int | None) -> float | None:
        """Returns how far two versions agreed at the last switch between them, if measured."""
        for task in self.catalogue.tasks.finished(SWITCHES):
            report = task.report
            if not isinstance(report, SwitchReport) or report.agreement is None:
                continue
            if {report.version, report.agreement.other} == {one, other}:
                return report.agreement.at_10
        return None
