"""What a careless caller hands to tinyq.plots ends in an error that shows the arguments."""

import json
from pathlib import Path

import numpy as np
import pytest
from bad_input import arguments_of, refuses_all
from bad_input_networks import IMAGES, NET, QNET, RUNS
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from tinyq import plots
from tinyq.affine import Grid
from tinyq.analysis import parity, telescope, tensor_errors
from tinyq.analysis.alone import OneAtATime
from tinyq.analysis.bits import BitSweep, LayerBitSweep
from tinyq.analysis.decision import Score
from tinyq.plots.bugs import Bug

ENGINES = json.loads((Path(__file__).parents[1] / "book" / "engines.json").read_text())
RUNNERS = [run for run in ENGINES["runs"] if run["runner"] in plots.speed.LINES]
FIRST = [r for r in RUNNERS if (r["network"], r["batch"]) == (RUNNERS[0]["network"], 1)]
PAIR = {"operator": "add", "runtime": "a", "cases": 2, "rules": {"own": {"equal": 1}}}
GRID = Grid(0.5, 0)
SQUARE = np.int8([[1, 2], [3, 4]])
UP = np.float64([1, 2, 3])
SCORE = {8: Score(20.0, 0.9, 0.9)}
BY_LAYER = {"stem": SCORE}
ALONE = OneAtATime({"stem": SCORE[8]}, {"stem": SCORE[8]}, SCORE[8], SCORE[8])

CALLS = {
    plots.accumulator_bits: {"networks": {"seed": {"stem": [100, 1000, 10_000]}}},
    plots.agreement: {"pairs": [PAIR], "rule": "own"},
    plots.apart: {"shares": {"one": {"a": 0.0, "b": 2.0}}},
    plots.bit_widths: {"found": BitSweep(SCORE, SCORE)},
    plots.border: {"right": SQUARE, "wrong": SQUARE, "difference": SQUARE.astype(np.int64)},
    plots.bugs: {"rows": [Bug("b", "a bug", SQUARE, SQUARE + 1)]},
    plots.channel_codes: {"reach": {"one": np.array([3, 127])}},
    plots.channel_worth: {"points": {"one": (UP, UP)}},
    plots.chosen_ranges: {"values": UP, "ranges": {"minmax": [(0.0, 1.0)]}, "labels": ["8 bits"]},
    plots.clipping: {"shares": UP, "errors": {"8 bits": (UP, UP)}},
    plots.codes_through_pool: {"before": SQUARE, "relu": SQUARE, "pooled": SQUARE, "grid": GRID},
    plots.codes_used: {"tensors": {"one": (SQUARE, GRID), "two": (SQUARE, GRID)}},
    plots.gathered: {
        **{"image": np.arange(9).reshape(3, 3), "rows": np.arange(16).reshape(4, 4)},
        **{"window": 0, "kernel": (2, 2)},
    },
    plots.grid_map: {"qnet": QNET},
    plots.growth: {"rows": ENGINES["growth"], "axes_of": {"batch": "images a call"}},
    plots.lanes: {"instructions": [("vpdpbusd", 1, 4)]},
    plots.layer_bits: {"found": LayerBitSweep(BY_LAYER, BY_LAYER)},
    plots.left_shifts: {"wrong": {19: 3, 20: 0}, "most": 23},
    plots.loss_stairs: {"steps": UP, "smooth": UP / 4, "rounded": UP / 4, "start": 1.5},
    plots.mean_errors: {"rounds": {"before": UP}},
    plots.one_at_a_time: {"found": ALONE},
    plots.pair_sums: {"sums": np.array([5, 70_000]), "limit": 32767},
    plots.parity: {"result": parity.compare(NET, QNET, IMAGES), "sample": 1},
    plots.pixels: {"image": IMAGES[0], "grid": GRID},
    plots.pool_ties: {"sums": np.arange(8), "rules": {"away": np.arange(8) // 4}, "count": 4},
    plots.roofline: {"limits": ENGINES["roofline"], "runs": RUNNERS[:3]},
    plots.roundings: {
        "exact": UP / 2,
        "results": {"DOUBLE": np.int64([1, 2, 3]), "UP": np.int64([1, 1, 3]), "SINGLE": UP // 1},
        **{"bound": 0.25, "tie": 0.5},
    },
    plots.row_on_grids: {"values": IMAGES[0, 0, :, 0], "grids": [GRID, GRID]},
    plots.seesaw: {"networks": {"seed": (UP, UP)}},
    plots.sieve: {"groups": ["grid", "sum"], "caught": {"golden": [True, False]}},
    plots.speeds: {"runs": FIRST},
    plots.sqnr: {"decibels": {"input": 40.0}, "grids": [1]},
    plots.staircase: {"grids": [GRID], "lo": -1.0, "hi": 1.0},
    plots.telescope: {"found": telescope(RUNS), "image": 0, "logit": 0},
    plots.tensor_errors: {"errors": tensor_errors(RUNS)},
    plots.ways_to_round: {"errors": np.ones((4, 2)), "chosen": {"nearest": np.ones(2)}},
    plots.windows: {"size": 5, "pads": (1, 1), "kernel": 3, "stride": 2},
}


@pytest.fixture(autouse=True)
def no_figure_is_left_open():
    yield
    assert not plt.get_fignums()


@pytest.mark.parametrize(("function", "arguments"), list(CALLS.items()))
def test_the_valid_call_draws(function, arguments):
    assert isinstance(function(**arguments), Figure)


@pytest.mark.parametrize(("function", "arguments", "name"), arguments_of(CALLS))
def test_each_wrong_value_is_refused_by_name(function, arguments, name):
    refuses_all(function, arguments, name)


def test_no_figure_is_left_out():
    assert {function.__name__ for function in CALLS} == {*plots.__all__}


EMPTY = [
    (function, name, type(value)() if not isinstance(value, np.ndarray) else value[:0])
    for function, arguments in CALLS.items()
    for name, value in arguments.items()
    if isinstance(value, dict | list | tuple | np.ndarray)
]


@pytest.mark.parametrize(("function", "name", "empty"), EMPTY)
def test_nothing_to_draw_is_refused_by_name(function, name, empty):
    with pytest.raises((TypeError, ValueError), match=name):
        function(**{**CALLS[function], name: empty})


WRONG = [
    (plots.parity, {"sample": 2}),
    (plots.telescope, {"logit": 4}),
    (plots.telescope, {"image": -3}),
    (plots.windows, {"stride": 0}),
    (plots.windows, {"pads": (1, 1, 1)}),
    (plots.pool_ties, {"count": 0}),
    (plots.gathered, {"kernel": (9, 9)}),
    (plots.gathered, {"window": -1}),
    (plots.layer_bits, {"found": LayerBitSweep({}, {})}),
    (plots.pixels, {"image": IMAGES}),
    (plots.clipping, {"shares": UP[:2]}),
    (plots.sqnr, {"grids": [1, 2]}),
    (plots.seesaw, {"networks": {"seed": (UP, UP[:2])}}),
    (plots.growth, {"rows": [{"runner": "numpy"}]}),
    (plots.agreement, {"pairs": [{"rules": {"own": 1}}]}),
    (plots.accumulator_bits, {"networks": {"seed": {"stem": [0, 1, 2]}}}),
    (plots.staircase, {"grids": []}),
    (plots.roundings, {"bound": 0.0}),
]


@pytest.mark.parametrize(("function", "changes"), WRONG)
def test_what_does_not_fit_is_refused_by_name(function, changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        function(**{**CALLS[function], **changes})
