"""The resources of duplicates: the search for them, their groups, and what users decide."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import falcon

from sidecar.catalogue import Decision, Decisions, DuplicateKind, TaskKind
from sidecar.duplicates.groups import Cursor, DuplicateGroup, DuplicateGroups
from sidecar.errors import WrongArguments
from sidecar.http.ndjson import SpooledLines
from sidecar.http.reading.json_body import read_list
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.params import choice, whole_number
from sidecar.http.resources.tasks import RequestResource
from sidecar.images import ids
from sidecar.tasks.scheduler import Scheduler

GROUPS, MOST_GROUPS = 100, 1000  # on a page
EXAMPLE = '[{"a": "cat-1", "b": "cat-2", "decision": "different"}]'
DECISIONS = (*Decision, "undecided")
KINDS = [str(kind) for kind in DuplicateKind]


class DuplicatesResource:
    """Finds duplicates, a task: POST /similarity/duplicates; lists them in groups:
    GET /similarity/duplicates?class=&limit=&after=."""

    def __init__(self, scheduler: Scheduler, groups: DuplicateGroups) -> None:
        self._request = RequestResource(scheduler, TaskKind.DUPLICATES)
        self._groups = groups

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._request.on_get(req, resp)

    @takes("class", "limit", "after")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        kind = DuplicateKind(choice(req, "class", KINDS, DuplicateKind.SAME))
        limit = whole_number(req, "limit", MOST_GROUPS, GROUPS)
        page = self._groups.page(kind, limit, _cursor(req))
        resp.media = {
            "status": "ok",
            "groups": [_answer(group) for group in page.groups],
            "next": None if page.last is None else f"{page.last.probability}:{page.last.seq}",
            "ran_at": page.ran_at,
        }


class DuplicateLinesResource:
    """Sends all groups, one a line: GET /similarity/duplicates.ndjson."""

    def __init__(self, groups: DuplicateGroups, folder: Path) -> None:
        self._groups = groups
        self._folder = folder

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        lines = SpooledLines(self._folder)
        for group in self._groups.every():
            lines.append(_answer(group))
            if lines.full is not None:
                lines.close()
                raise lines.full
        lines.send(resp)


class DecisionsResource:
    """Keeps what users decide about pairs: POST /similarity/duplicates/decisions."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    @takes(body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        entries = read_list(req, EXAMPLE)
        decided = dict(_decided(entry, place) for place, entry in enumerate(entries))
        self._decisions.decide(decided)
        resp.media = {"status": "ok", "decisions": len(entries)}


def _answer(group: DuplicateGroup) -> dict[str, Any]:
    fields = asdict(group)
    return {"class": fields.pop("kind"), **fields}


def _cursor(req: falcon.Request) -> Cursor | None:
    text = req.get_param("after")
    if text in (None, "0"):
        return None
    probability, _, seq = text.partition(":")
    try:
        cursor = Cursor(float(probability), int(seq))
    except ValueError as error:
        raise WrongArguments(f"after must be the `next` of a page, not {text!r}") from error
    if not 0 <= cursor.probability <= 1:  # refuses NaN, too
        raise WrongArguments(f"after must be the `next` of a page, not {text!r}")
    return cursor


def _decided(entry: object, place: int) -> tuple[tuple[str, str], Decision | None]:
    """Returns what an entry decides: two ids, and the decision, None for "undecided"."""
    if not isinstance(entry, dict) or entry.keys() != {"a", "b", "decision"}:
        raise WrongArguments(f"entry {place} must be an object with a, b and decision")
    decision = entry["decision"]
    if not isinstance(decision, str) or decision not in DECISIONS:
        raise WrongArguments(f"entry {place}: decision must be {', '.join(DECISIONS)}")
    a, b = (_known(entry[name], place) for name in ("a", "b"))
    if a == b:
        raise WrongArguments(f"entry {place}: a and b are one image")
    return (a, b), None if decision == "undecided" else Decision(decision)


def _known(given: object, place: int) -> str:
    if not isinstance(given, str):
        raise WrongArguments(f"entry {place}: a and b must be ids of images")
    try:
        return ids.known(given)
    except WrongArguments as error:
        raise WrongArguments(f"entry {place}: {error}") from error
