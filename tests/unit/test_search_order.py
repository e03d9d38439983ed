"""Which order a search has: the request's, else the setting's; groups are by distance."""

import falcon
import pytest
from falcon.testing import create_req

from sidecar.errors import WrongArguments
from sidecar.http.reading.search_params import search_request
from sidecar.settings import Order, from_environment


def similar(query: str, setting: Order) -> bool:
    req: falcon.Request = create_req(query_string=query)
    return search_request(req, from_environment(search_order=setting)).similar


@pytest.mark.parametrize(
    ("query", "setting", "expected"),
    [
        ("", "distance", False),
        ("", "similar", True),
        ("order=similar", "distance", True),
        ("order=distance", "similar", False),
        ("group_by=product", "similar", False),
        ("group_by=product&order=distance", "similar", False),
    ],
)
def test_a_search_has_the_order_it_asks_for_or_that_of_the_setting(
    query: str, setting: Order, expected: bool
) -> None:
    assert similar(query, setting) is expected


@pytest.mark.parametrize("query", ["order=newest", "order=similar&group_by=product"])
def test_an_order_that_makes_no_sense_is_refused(query: str) -> None:
    with pytest.raises(WrongArguments, match="order"):
        similar(query, "distance")
