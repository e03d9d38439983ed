"""What NPROB means: more of it never looks less far."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.index.recall.operating_points import NEAREST, PROMISES, OperatingPoint, OperatingPoints

LENGTHS = st.integers(1, 5000)


@st.composite
def dials(draw: st.DrawFn) -> OperatingPoints:
    count = len(PROMISES)
    lists = sorted(draw(st.lists(LENGTHS, min_size=count, max_size=count)))
    candidates = sorted(draw(st.lists(LENGTHS, min_size=count, max_size=count)))
    marks = zip(PROMISES.items(), lists, candidates, strict=True)
    return OperatingPoints(
        tuple(OperatingPoint(n, looks, takes, p, p) for (n, p), looks, takes in marks), 500
    )


@given(dials(), st.integers(1, 1001))
def test_a_search_looks_never_less_far_with_more_nprob(dial: OperatingPoints, results: int) -> None:
    reaches = [dial.reach(nprob, results) for nprob in range(1, 101)]
    assert [r.lists for r in reaches] == sorted(r.lists for r in reaches)
    assert [r.candidates for r in reaches] == sorted(r.candidates for r in reaches)
    for mark in dial.marks:
        reach = reaches[mark.nprob - 1]
        assert reach.lists == mark.lists
        assert reach.candidates - mark.candidates == 4 * max(0, results - NEAREST)


@given(dials(), st.lists(st.floats(0, 1), min_size=len(PROMISES), max_size=len(PROMISES)))
def test_each_promise_that_falls_short_is_named(
    dial: OperatingPoints, recalls: list[float]
) -> None:
    marks = tuple(
        OperatingPoint(m.nprob, m.lists, m.candidates, recall, recall)
        for m, recall in zip(dial.marks, recalls, strict=True)
    )
    short = [m.nprob for m in marks if m.recall < PROMISES[m.nprob]]
    sentences = OperatingPoints(marks, 500).broken()
    assert len(sentences) == len(short)
    for nprob, sentence in zip(short, sentences, strict=True):
        assert f"at NPROB {nprob} is" in sentence
