"""A key's rate: never more than its burst and what has flowed in since, and never less."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.stack import ROOT
from sidecar.errors import SettingsError
from sidecar.http.guards.buckets import BUCKETS, BYTES, FILE, Buckets
from sidecar.http.guards.rate import MOST_BURST, MOST_PER_SECOND, SECOND_NS, Rate

RATES = st.builds(
    Rate,
    st.decimals("0.001", MOST_PER_SECOND, places=3),
    st.integers(1, 50) | st.integers(1, MOST_BURST),
)
BEGINS_NS = 10**15  # a machine that has run for some days
PROCESSES, BURST = 3, 500
HANDLES = Path("/proc/self/fd")

BEGINS = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from sidecar.http.guards.buckets import Buckets
from sidecar.http.guards.rate import Rate

buckets, rate = Buckets(lambda: Path(sys.argv[1])), Rate(Decimal("0.001"), 500)
buckets.open()
print("ready", flush=True)
sys.stdin.readline()
"""
TAKES = """
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(lambda _: buckets.take("7" * 64, rate) == 0, range(400))))
"""
DIES = """
with buckets._alone():
    os.kill(os.getpid(), 9)
"""


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now_ns = BEGINS_NS

    def __call__(self) -> int:
        return self.now_ns


def key(number: int) -> str:
    return f"{number:016x}".ljust(64, "f")


def let_in(rate: Rate, times_ns: list[int]) -> list[int]:
    """The times at which a request is let in, of those at which one comes."""
    full_at_ns, found = 0, []
    for now_ns in times_ns:
        full_at_ns, wait_ns = rate.take(full_at_ns, now_ns)
        if not wait_ns:
            found.append(now_ns)
    return found


@given(RATES, st.lists(st.floats(0, 3), max_size=60))
@example(Rate(Decimal(3), 1), [0.0] * 3 + [1.0] * 5)
@example(Rate(Decimal(MOST_PER_SECOND), MOST_BURST), [0.0, 1.0])
def test_no_window_has_more_than_the_burst_and_the_rate(rate: Rate, gaps: list[float]) -> None:
    """The gaps are in tokens, so that they matter at every rate."""
    steps = [int(gap * float(SECOND_NS / rate.per_second)) for gap in gaps]
    times = let_in(rate, list(accumulate(steps, initial=BEGINS_NS)))
    per_ns = Fraction(rate.per_second) / SECOND_NS
    for first in range(len(times)):
        for last in range(first, len(times)):
            most = rate.burst + per_ns * (times[last] - times[first])
            assert last - first + 1 <= most


@given(RATES.filter(lambda rate: rate.burst <= 50))
def test_a_full_bucket_gives_its_burst_and_then_one_at_a_time(rate: Rate) -> None:
    full_at_ns, now_ns = 0, BEGINS_NS
    for _ in range(rate.burst):
        full_at_ns, wait_ns = rate.take(full_at_ns, now_ns)
        assert wait_ns == 0
    for _ in range(3):
        same, wait_ns = rate.take(full_at_ns, now_ns)
        assert same == full_at_ns
        assert 0 <= wait_ns - SECOND_NS / rate.per_second < 1
        assert rate.take(full_at_ns, now_ns + wait_ns - 1)[1] == 1
        now_ns += wait_ns
        full_at_ns, wait_ns = rate.take(full_at_ns, now_ns)
        assert wait_ns == 0


@given(RATES, RATES, st.integers(0, 60))
def test_with_another_rate_a_bucket_is_empty_at_worst(
    before: Rate, after: Rate, asked: int
) -> None:
    full_at_ns = 0
    for _ in range(asked):
        full_at_ns, _ = before.take(full_at_ns, BEGINS_NS)
    _, wait_ns = after.take(full_at_ns, BEGINS_NS)
    assert wait_ns <= SECOND_NS / after.per_second + 1


@pytest.mark.parametrize(
    ("text", "per_second", "burst"),
    [
        ("rate=10/20", "10", 20),
        ("rate=10", "10", 10),
        ("rate=2.5", "2.5", 3),
        ("rate=0.001", "0.001", 1),
        ("rate=100000/1000000", "100000", 1_000_000),
    ],
)
def test_a_rate_is_read_as_it_is_written(text: str, per_second: str, burst: int) -> None:
    rate = Rate.read(text)
    assert rate == Rate(Decimal(per_second), burst)
    assert Rate.read(str(rate)) == rate


@pytest.mark.parametrize(
    "text",
    [
        *("", "rate", "rate=", "10/20", "rate=0", "rate=0.000/5", "rate=-1", "rate=1e3", "rate=.5"),
        *("rate=1/0", "rate=1/", "rate=/5", "rate=1/2/3", "rate=1/2.5", "rate=inf", "RATE=1"),
        *("rate=100001", "rate=1/1000001", "rate=0.0001", "rate=٣"),
    ],
)
def test_what_is_no_rate_is_refused_by_itself(text: str) -> None:
    with pytest.raises(SettingsError, match="must be rate=10 or rate=10/20") as refused:
        Rate.read(text)
    assert str(refused.value).startswith(repr(text))


def test_each_key_has_a_bucket_of_its_own_also_when_there_are_many() -> None:
    clock = Clock()
    buckets, rate = Buckets(lambda: None, clock), Rate(Decimal(1), 2)
    buckets.open()
    for turn in range(3):
        names = [key(turn * BUCKETS + number) for number in range(BUCKETS)]
        for expected in (0, 0, SECOND_NS):
            assert {buckets.take(name, rate) for name in names[::8]} == {expected}
        clock.now_ns += SECOND_NS
        assert {buckets.take(name, rate) for name in names[::8]} == {0}
        assert {buckets.take(name, rate) for name in names[::8]} == {SECOND_NS}
        clock.now_ns += 2 * SECOND_NS
    buckets.close()


def process(folder: Path, then: str) -> "subprocess.Popen[str]":
    """A process with the buckets of a folder, which begins when it is sent a line."""
    command = [sys.executable, "-c", BEGINS + then, str(folder)]
    pipe = subprocess.PIPE
    started = subprocess.Popen(command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe)
    assert started.stdout
    assert started.stdout.readline() == "ready\n"
    return started


def test_processes_share_the_buckets_exactly(tmp_path: Path) -> None:
    """All ask at the same time, on several threads: together they get the burst, no more."""
    started = [process(tmp_path, TAKES) for _ in range(PROCESSES)]
    for each in started:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    taken = [int(each.communicate()[0]) for each in started]
    assert [each.returncode for each in started] == [0] * PROCESSES
    assert sum(taken) == BURST
    assert (tmp_path / FILE).stat().st_size == BYTES


def test_a_killed_process_leaves_its_lock_to_the_others(tmp_path: Path) -> None:
    buckets, rate = Buckets(lambda: tmp_path), Rate(Decimal("0.001"), 1)
    buckets.open()
    killed = process(tmp_path, DIES)
    killed.communicate("go\n")
    assert killed.returncode == -9
    assert buckets.take(key(1), rate) == 0
    assert buckets.take(key(1), rate) > 0
    buckets.close()


def test_what_a_process_took_is_gone_for_the_next(tmp_path: Path) -> None:
    rate = Rate(Decimal("0.001"), 3)
    taken = []
    for _ in range(4):
        buckets = Buckets(lambda: tmp_path)
        buckets.open()
        taken.append(buckets.take(key(1), rate) == 0)
        buckets.close()
        buckets.close()  # which is no harm
    assert taken == [True, True, True, False]


def test_a_process_that_is_alone_has_buckets_and_leaves_nothing_open() -> None:
    before = len(list(HANDLES.iterdir()))
    buckets = Buckets(lambda: None)
    buckets.open()
    assert buckets.take(key(1), Rate(Decimal(1), 1)) == 0
    buckets.close()
    assert len(list(HANDLES.iterdir())) == before
