"""`tinyq.fixedpoint` and the `Requantizer`, under each rounding, give the integers of the loops."""

import numpy as np
import pytest

from tinyq import Grid, Requantizer, Rounding, fixedpoint, loops
from tinyq.runtimes.oracle import ROUNDINGS

EDGES = [0, 1, 2, 3, 255, 2**15, 2**20, 2**30 - 1, 2**30, 2**30 + 1, 2**31 - 2, 2**31 - 1]
EDGES += [-x for x in EDGES if x] + [loops.INT32_MIN]
RATIOS = [2.0**k for k in range(-33, 8, 3)]  # all ties come out exact
RATIOS += [0.0, 2.0**-32, 1.3e-7, 0.00017, 0.0123, 0.3333, 0.75, 1 - 2**-31, 1 - 2**-33, 1.7, 90.0]
RATIOS += [1583594044 * 2.0**-40, 1527099593 * 2.0**-37]  # the two published disputes
WRAPPING = [2.0**k for k in (16, 25, 29)] + [3.3e8, 2.0**30 - 1]


def sweep(ratio: float) -> list[int]:
    """Accumulators: dense about 0, about every tie of a code, at the ends and where shifts wrap."""
    accs = set(range(-3000, 3001)) | set(EDGES) | {x + d for x in EDGES for d in (-2, -1, 1, 2)}
    for half_code in range(-601, 602, 2) if ratio else ():
        accs |= {round(half_code / 2 / ratio) + d for d in (-2, -1, 0, 1, 2)}
    _, shift = loops.quantize_multiplier(ratio)
    wrap = 2 ** (31 + min(shift, 0))
    accs |= {side * wrap + d for side in (-3, -2, -1, 1, 2, 3) for d in range(-3, 4)}
    return sorted(acc for acc in accs if loops.INT32_MIN <= acc <= loops.INT32_MAX)


@pytest.mark.parametrize("ratio", RATIOS + WRAPPING)
@pytest.mark.parametrize("rounding", Rounding, ids=lambda rounding: rounding.name)
def test_rescale_and_requantize(rounding, ratio):
    write, rescale = ROUNDINGS[rounding]
    accs, pair = sweep(ratio), write(ratio)
    requantizer, column = Requantizer(ratio, rounding), np.int32(accs)[:, None]
    got = requantizer.rescale(column)[:, 0].tolist()
    assert got == [rescale(acc, *pair) for acc in accs]
    for zero_point, qmin, qmax in [(-128, -128, 127), (127, -128, 127), (3, -8, 7)]:
        codes = requantizer.requantize(column, Grid(1.0, zero_point, qmin, qmax))
        want = [loops.requantize(acc, *pair, zero_point, qmin, qmax, rescale) for acc in accs[::7]]
        assert codes.dtype == np.int8 and codes[::7, 0].tolist() == want


@pytest.mark.parametrize("rounding", Rounding, ids=lambda rounding: rounding.name)
def test_each_channel_has_its_own_ratio(rounding):
    write, rescale = ROUNDINGS[rounding]
    accs = np.int32([-70_001, -36, -3, 0, 5, 77_777])
    pairs = [write(ratio) for ratio in RATIOS]
    got = Requantizer(np.float64(RATIOS), rounding).rescale(np.tile(accs[:, None], len(RATIOS)))
    for acc, row in zip(accs.tolist(), got.tolist(), strict=True):
        assert row == [rescale(acc, *pair) for pair in pairs]


def test_quantize_multiplier():
    rng = np.random.default_rng(0)
    ratios = (2.0 ** rng.uniform(-32, 30, 3000)).tolist() + RATIOS
    ratios += [2.0**k * (1 - d) for k in range(-31, 30) for d in (2.0**-31, 2.0**-32, 2.0**-33)]
    for ratio in ratios:
        if not 0 < ratio < 2.0**-32:  # the fast one calls these 0; test_rescale has 2^-33
            want = loops.quantize_multiplier(ratio)
            assert fixedpoint.quantize_multiplier(ratio) == want, ratio


def test_high_mul_and_rounding_divide():
    a, b = (grid.ravel() for grid in np.meshgrid(EDGES, EDGES))
    more = np.random.default_rng(5).integers(loops.INT32_MIN, loops.INT32_MAX, (2, 3000))
    a, b = np.concatenate([[a, b], more], axis=1)
    want = [
        loops.saturating_rounding_doubling_high_mul(x, y)
        for x, y in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert fixedpoint.saturating_rounding_doubling_high_mul(a, b).tolist() == want
    halves = {k << n for k in range(-9, 10) for n in range(28)} | set(EDGES)
    halves = sorted(halves | set(more[0, :200].tolist()))
    for n in range(32):
        want = [loops.rounding_divide_by_pot(x, n) for x in halves]
        assert fixedpoint.rounding_divide_by_pot(halves, n).tolist() == want, n
