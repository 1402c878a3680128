"""observers.entropy: its choice against loops over its description, in Python numbers."""

import math

import numpy as np
import pytest
from observed import DATA, TAILS

from tinyq import Entropy
from tinyq.observers.entropy import divergence
from tinyq.observers.histogram import HALF, Histogram

# 15 bins hold nearly all: a threshold there would cost 16 codes nothing, and is not tried
CROWD = np.append(np.repeat(np.arange(15) + 0.5, np.arange(3, 48, 3)), 1999.5) / np.float32(2048)


def entropy_by_loops(seen: Histogram, codes: int) -> float:
    """The threshold with the least divergence, from the description, in Python numbers."""
    counts = {i: int(n) for i, n in enumerate(seen.counts, -HALF) if n}
    counts[0] = counts.get(0, 0) - seen.zeros
    width = 2.0**seen.power
    first = math.floor(min(seen.lo, 0) / width)
    end = math.floor(seen.hi / width) + 1 if seen.hi > 0 else 0
    full = max(-first, end)
    tries = [full] + [
        t
        for octave in range(8)
        for sixteenths in range(31, 15, -1)
        if (t := int(sixteenths * 2.0 ** (full.bit_length() - 1 - octave) / 16)) < full
    ]
    outcomes = []
    for t in tries:
        window = range(max(first, -t), min(end, t))
        if t != full and len(window) < codes:
            continue
        p = {i: counts.get(i, 0) for i in window}
        p[window[0]] += sum(n for i, n in counts.items() if i < window[0])
        p[window[-1]] += sum(n for i, n in counts.items() if i > window[-1])
        cells = [[] for _ in range(codes)]
        for place, i in enumerate(window):
            cells[place * codes // len(window)].append(i)
        q = {}
        for cell in cells:
            filled = [i for i in cell if p[i]]
            for i in filled:
                q[i] = sum(counts.get(i, 0) for i in cell) / len(filled)
        outcomes.append((round(kl([n for n in p.values() if n], list(q.values())), 12), -t))
    return -min(outcomes)[1] * width


def kl(p: list[float], q: list[float]) -> float:
    if not all(q):
        return math.inf
    ratio = math.fsum(q) / math.fsum(p)
    return math.fsum(a / sum(p) * math.log(a / b * ratio) for a, b in zip(p, q, strict=True))


@pytest.mark.parametrize("codes", [(-128, 127), (-8, 7), (-2, 1)])
@pytest.mark.parametrize(
    "data",
    [TAILS, np.maximum(TAILS, 0), -np.abs(TAILS), np.abs(DATA) + 3, TAILS[:50], CROWD],
    ids=["t", "relu", "negative", "far", "few", "crowd"],
)
def test_entropy_equals_loops_over_the_description(codes, data):
    seen = Entropy().observe(data)
    t = entropy_by_loops(seen, codes[1] - codes[0] + 1)
    assert seen.range(*codes) == (max(min(seen.lo, 0), -t), min(max(seen.hi, 0), t))


def test_entropy_clips_a_lone_outlier():
    seen = Entropy().observe(np.append(TAILS.clip(-1, 1), np.float32(7)))
    assert seen.hi == 7 and seen.range(-8, 7)[1] < 1.2


def test_of_two_ranges_without_divergence_the_wider_one_wins():
    values = np.float32([1023.5] * 5 + [1999.5] * 3) / 2048
    seen = Entropy().observe(values)
    assert divergence(seen.counts, HALF, HALF + 1024, cells=256) == 0
    assert seen.range() == (0, values.max())


def test_a_window_that_leaves_a_cell_empty_at_its_end_is_infinitely_far():
    assert divergence(np.array([5, 0, 0, 9]), 0, 3, cells=3) == math.inf
