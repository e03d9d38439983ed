"""Kills hosts and cuts them off at random, one or several at once, and brings them back."""

import random
import time
from collections import Counter
from collections.abc import Iterator

from campaigns.cluster.cluster import Cluster
from campaigns.cluster.hosts import Host
from campaigns.cluster.levels import Levels

KINDS = ("killed", "unplugged", "silent")
LONGEST_PAUSE_S = 3.0  # between two waves
LONGEST_S = {"killed": 4.0, "unplugged": 15.0, "silent": 15.0}  # until a host is back
SEVERAL, MOST = 0.3, 4  # of the waves hit more than one host, and how many at most
UNDISTURBED = 0.4  # of the waves begin when all is well again


def trouble(cluster: Cluster, levels: Levels, count: int, seed: int) -> Counter[str]:
    """Makes so many troubles, and returns how many there were of each kind and host.

    Every host is killed, unplugged and silenced before one is for the second time.
    """
    chance = random.Random(seed)  # noqa: S311  the same each time
    deck, made, done = _deck(sorted(cluster.hosts), chance), Counter[str](), 0
    while done < count:
        time.sleep(chance.uniform(0, LONGEST_PAUSE_S))
        if chance.random() < UNDISTURBED:
            levels.wait()
        size = chance.randint(2, MOST) if chance.random() < SEVERAL else 1
        wave = dict(next(deck) for _ in range(min(size, count - done)))
        for name, kind in wave.items():
            _strike(cluster.hosts[name], kind)
            made.update((name, kind))
        done += len(wave)
        print(f"{done:4} of {count}: {_line(wave)}", flush=True)
        _heal(cluster, {n: chance.uniform(0, LONGEST_S[kind]) for n, kind in wave.items()})
    levels.wait()
    return made


def _deck(names: list[str], chance: random.Random) -> Iterator[tuple[str, str]]:
    while True:
        cards = [(name, kind) for name in names for kind in KINDS]
        chance.shuffle(cards)
        yield from cards


def _strike(host: Host, kind: str) -> None:
    {"killed": host.kill, "unplugged": host.unplug, "silent": host.silence}[kind]()


def _heal(cluster: Cluster, after_s: dict[str, float]) -> None:
    """Brings the hosts of a wave back, each after its seconds."""
    began = time.monotonic()
    for name, seconds in sorted(after_s.items(), key=lambda item: item[1]):
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        cluster.hosts[name].heal()


def _line(wave: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in wave.items())
