"""Versions of the model: which there are, and which is in use."""

from collections.abc import Iterator

import click

from similarity_client.answers import Estimate, ModelVersion
from similarity_client.cli import asking, waited
from similarity_client.cli.exits import Exit
from similarity_client.cli.session import Session, connected
from similarity_client.cli.talk import mebibytes

HEAD = (
    *("version", "in use", "loaded", "images", "architecture", "precision", "features"),
    *("agreement", "trouble"),
)
SAYS = {True: "yes", False: "no", None: "unknown"}
VERSION = click.IntRange(min=1)


@click.command()
@connected
def models(session: Session) -> None:
    """List the versions of the model.

    \b
      similarity models
      similarity models --json | jq 'select(.in_use).version'
    """
    found = session.client.models().models
    session.talk.many(found, HEAD, map(_row, found))


def _row(model: ModelVersion) -> tuple[object, ...]:
    return (
        *(model.version, SAYS[model.in_use], SAYS[model.loaded], model.features),
        *(model.architecture, model.precision, model.dimension),
        *(model.agreement_at_10, model.trouble),
    )


@click.command()
@click.argument("version", type=VERSION, required=False)
@click.option("--estimate", is_flag=True, help="Say what it would take, and do nothing.")
@click.option("--cancel", is_flag=True, help="Stop the upgrade or rollback under way.")
@asking.yes
@waited.wait
@connected
def upgrade(
    session: Session, version: int | None, estimate: bool, cancel: bool, yes: bool, wait: bool
) -> Exit | None:
    """Bring another VERSION of the model into use.

    It embeds all images again, while searches go on. It says first what that would take, and asks.

    \b
      similarity upgrade 2 --estimate
      similarity upgrade 2 --yes --wait
      similarity upgrade --cancel
    """
    client = session.client
    if cancel and version is None and not estimate:
        answer = client.cancel_upgrade()
        session.talk.one(answer, [("cancelled", answer.task_id)])
        return None
    if cancel or version is None:
        raise click.UsageError("upgrade to a VERSION, or --cancel")
    if estimate:
        would = client.upgrade_estimate(version)
        session.talk.one(would, list(_rows(would)))
        return None
    if not yes:
        asking.somebody()  # before the service embeds a few images to answer
        session.talk.say(_sentence(client.upgrade_estimate(version)))
        asking.sure(f"Upgrade to version {version}?")
    return waited.task(session, client.upgrade(version).state, wait)


def _rows(would: Estimate) -> Iterator[tuple[str, object]]:
    yield from (("version", would.version), ("images", f"{would.images:,}"))
    yield from (("writes", mebibytes(would.bytes)), ("free", mebibytes(would.free_bytes)))
    if would.hours is not None:
        yield from (("takes", _time(would.hours)), ("images/s", would.images_per_s))
    yield "trouble", would.trouble


def _sentence(would: Estimate) -> str:
    """Returns what an upgrade would take."""
    long = would.trouble if would.hours is None else f"takes some {_time(would.hours)}"
    writes = f"writes {mebibytes(would.bytes)} of {mebibytes(would.free_bytes)} that are free"
    return f"it embeds {would.images:,} images, {writes}; {long}"


def _time(hours: float) -> str:
    return f"{hours:,.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"


@click.command()
@waited.wait
@connected
def rollback(session: Session, wait: bool) -> Exit:
    """Bring the version before back into use.

    \b
      similarity rollback --wait
    """
    return waited.task(session, session.client.rollback().state, wait)


@click.command()
@click.argument("version", type=VERSION)
@asking.yes
@waited.wait
@connected
def retire(session: Session, version: int, yes: bool, wait: bool) -> Exit:
    """Forget a VERSION of the model, with all its features.

    \b
      similarity retire 1 --yes --wait
    """
    if not yes:
        asking.sure(f"Forget version {version} and its features?")
    return waited.task(session, session.client.retire(version).state, wait)
