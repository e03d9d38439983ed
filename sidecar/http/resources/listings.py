"""The resources that list: images, those of a keyword, and keywords."""

import math
from typing import Any

import falcon

from sidecar.catalogue import Images
from sidecar.errors import WrongArguments
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.params import choice, number, whole_number
from sidecar.http.search_answers import send_view
from sidecar.search.by_keyword import Cursor, KeywordRequest, KeywordSearch

IDS, MOST_IDS = 1000, 10_000  # on a page
KEYWORDS, MOST_KEYWORDS = 100, 10_000
LARGEST_SEQ = 2**63 - 1
OLDEST, NEWEST = "oldest", "newest"  # which image comes first
NO_CURSOR = "after must be the `next` of the page before, not {!r}"


class ImagesResource:
    """Lists the ids of images: GET /similarity/images?order=&after=&limit=, or of those that have
    a keyword, the likeliest first: with keyword= and min_score=."""

    def __init__(self, images: Images, keywords: KeywordSearch) -> None:
        self._images = images
        self._keywords = keywords

    @takes("after", "limit", "order", "keyword", "min_score")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        limit = whole_number(req, "limit", MOST_IDS, IDS)
        keyword = req.get_param("keyword")
        newest = choice(req, "order", (OLDEST, NEWEST), OLDEST) == NEWEST
        if keyword is not None:
            if newest:
                raise WrongArguments(
                    "order=newest goes without keyword: the highest score is first"
                )
            request = KeywordRequest(keyword, _score(req), _cursor(req), limit)
            self._of_keyword(request, resp)
            return
        if req.get_param("min_score") is not None:
            raise WrongArguments("min_score goes with keyword=KEYWORD")
        after = whole_number(req, "after", LARGEST_SEQ, LARGEST_SEQ if newest else 0, least=0)
        page = self._images.page(after, limit, newest)
        last_seq = page[-1][0] if len(page) == limit else None
        resp.media = {"status": "ok", "ids": [name for _, name in page], "next": last_seq}

    def _of_keyword(self, request: KeywordRequest, resp: falcon.Response) -> None:
        page = self._keywords.images(request)
        send_view(resp, page.view)
        resp.media = {
            "status": "ok",
            "ids": page.ids,
            "scores": page.scores,
            "next": None if page.last is None else f"{page.last.score}:{page.last.seq}",
        }


class KeywordsResource:
    """Lists the keywords of images, the most frequent first: GET /similarity/keywords?prefix=."""

    def __init__(self, keywords: KeywordSearch) -> None:
        self._keywords = keywords

    @takes("prefix", "limit")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        limit = whole_number(req, "limit", MOST_KEYWORDS, KEYWORDS)
        found = self._keywords.counts(req.get_param("prefix") or "", limit)
        send_view(resp, found.view)
        counts: list[dict[str, Any]] = [{"name": name, "count": n} for name, n in found.counts]
        resp.media = {"status": "ok", "keywords": counts, "unlabelled": found.unlabelled}


def _score(req: falcon.Request) -> float:
    """Returns the least score that counts."""
    least = number(req, "min_score", 0.0)
    if least > 1:
        raise WrongArguments(f"min_score must be from 0 to 1, not {least}")
    return least


def _cursor(req: falcon.Request) -> Cursor | None:
    """Returns where a page goes on, as the one before said in `next`."""
    text = req.get_param("after")
    if text is None:
        return None
    score, _, seq = text.partition(":")
    try:
        cursor = Cursor(float(score), int(seq))
    except ValueError as error:
        raise WrongArguments(NO_CURSOR.format(text)) from error
    if not (0 <= cursor.score <= math.inf and 0 <= cursor.seq <= LARGEST_SEQ):
        raise WrongArguments(NO_CURSOR.format(text))
    return cursor
