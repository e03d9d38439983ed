"""What may be an id, and that each one arrives as it was sent."""

import unicodedata
from urllib.parse import quote

import falcon
import pytest
from falcon import testing
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.errors import WrongArguments
from sidecar.http.reading.params import required_id
from sidecar.images import ids

SHOWN = st.characters(categories=("L", "M", "N", "P", "S", "Zs"), exclude_characters="/\\?#%\ufffd")
IDS = (
    st.text(SHOWN | st.sampled_from("._:- "), min_size=1, max_size=80)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(lambda text: text == text.strip() and text not in (".", ".."))
)


def may_be_an_id(text: str) -> bool:
    """The rule, written another way."""
    shown = text.replace("\u200c", "").replace("\u200d", "").replace(" ", "")
    return (
        1 <= len(text) <= 255
        and not text[0].isspace()
        and not text[-1].isspace()
        and text not in (".", "..")
        and not set("/\\?#%\ufffd") & set(text)
        and all(c.isprintable() or unicodedata.category(c) == "Zs" for c in shown)
    )


@given(st.text(max_size=300) | st.text("ab.\n/\\ \x00", max_size=6) | IDS)
@example("cat\n")
@example("x" * 256)
def test_an_id_is_given_back_in_nfc_or_refused(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    if may_be_an_id(composed):
        assert ids.check(text) == composed
        assert ids.is_settled(composed)
    else:
        with pytest.raises(WrongArguments, match="1 to 255"):
            ids.check(text)


@given(IDS)
def test_an_id_in_a_query_arrives_as_it_was_sent(image_id: str) -> None:
    for name in ("id", "image_id"):
        query = f"{name}={quote(image_id, safe='')}"
        assert required_id(testing.create_req(query_string=query)) == image_id


class Echo:
    """A resource at an id's own address."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        resp.text = ids.check(image_id)


@given(IDS)
def test_an_id_in_a_path_arrives_as_it_was_sent(image_id: str) -> None:
    app = falcon.App()
    app.add_route("/images/{image_id}", Echo())
    answer = testing.simulate_get(app, f"/images/{quote(image_id, safe='')}")
    assert answer.text == image_id


def test_drawn_ids_are_ids_and_differ() -> None:
    drawn = [ids.random() for _ in range(2000)]
    assert list(map(ids.check, drawn)) == drawn
    assert len(set(drawn)) == 2000
    assert max(map(len, drawn)) <= 19
