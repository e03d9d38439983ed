"""What NPROB means: more of it never looks less far."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.index.nprob import (
    NEAREST,
    RECALL_TARGETS,
    OperatingPoint,
    OperatingPoints,
)

LENGTHS = st.integers(1, 5000)


@st.composite
def operating_points(draw: st.DrawFn) -> OperatingPoints:
    count = len(RECALL_TARGETS)
    lists = sorted(draw(st.lists(LENGTHS, min_size=count, max_size=count)))
    candidates = sorted(draw(st.lists(LENGTHS, min_size=count, max_size=count)))
    values = zip(RECALL_TARGETS.items(), lists, candidates, strict=True)
    return OperatingPoints(
        tuple(OperatingPoint(n, looks, takes, p, p) for (n, p), looks, takes in values), 500
    )


@given(operating_points(), st.integers(1, 1001))
def test_a_search_looks_never_less_far_with_more_nprob(
    measured: OperatingPoints, results: int
) -> None:
    params = [measured.search_params(nprob, results) for nprob in range(1, 101)]
    assert [p.lists for p in params] == sorted(p.lists for p in params)
    assert [p.candidates for p in params] == sorted(p.candidates for p in params)
    for point in measured.points:
        there = params[point.nprob - 1]
        assert there.lists == point.lists
        assert there.candidates - point.candidates == 4 * max(0, results - NEAREST)


@given(
    operating_points(),
    st.lists(st.floats(0, 1), min_size=len(RECALL_TARGETS), max_size=len(RECALL_TARGETS)),
)
def test_each_target_that_is_missed_is_named(
    measured: OperatingPoints, recalls: list[float]
) -> None:
    points = tuple(
        OperatingPoint(point.nprob, point.lists, point.candidates, recall, recall)
        for point, recall in zip(measured.points, recalls, strict=True)
    )
    short = [point.nprob for point in points if point.recall < RECALL_TARGETS[point.nprob]]
    sentences = OperatingPoints(points, 500).below_target()
    assert len(sentences) == len(short)
    for nprob, sentence in zip(short, sentences, strict=True):
        assert f"at NPROB {nprob} is" in sentence
