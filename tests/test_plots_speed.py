"""The figures of speed draw the record's numbers where they belong."""

import pytest

from tinyq import plots
from tinyq.plots.speed import EXACT, FLOAT, LINES, OTHER


def run(runner, us, equal, **more):
    return {"runner": runner, "us": us, "equal_logits": equal, "logits": 8, **more}


def test_a_mark_stands_at_its_time_and_shows_bytes():
    runs = [run("vnni", 1500.0, 8), run("other", 20.0, 7), run("floats", 30_000.0, None)]
    (axes,) = plots.speeds(runs).axes
    marks = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    drawn = [(line.get_xdata()[0], line.get_ydata()[0], line.get_color()) for line in marks]
    assert drawn == [(1.5, 0, EXACT), (0.02, 1, OTHER), (30.0, 2, FLOAT)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["vnni", "other", "floats"]
    assert axes.get_xscale() == "log"


def test_growth_has_a_panel_of_time_and_one_of_memory_an_axis():
    rows = [
        {"axis": axis, "value": value, "runner": runner, "us": 1e3 * value,
         "plan_bytes": 2_000_000 * value if runner == "numpy" else None}
        for axis, values in (("side", (16, 32)), ("batch", (1, 4, 16)))
        for value in values
        for runner in ("layers", "numpy")
    ]  # fmt: skip
    panels = plots.growth(rows, {"side": "the side", "batch": "the batch"}).axes
    assert [panel.get_xlabel() for panel in panels] == ["the side"] * 2 + ["the batch"] * 2
    assert {(panel.get_xscale(), panel.get_yscale()) for panel in panels} == {("log", "log")}
    for (time, memory), values in zip(((panels[0], panels[1]), panels[2:]), ([16, 32], [1, 4, 16]),
                                      strict=True):  # fmt: skip
        assert [list(line.get_xdata()) for line in time.lines] == [values, values]
        assert [list(line.get_ydata()) for line in time.lines] == [values, values]
        (line,) = memory.lines
        assert line.get_color() == LINES["numpy"][0]
        assert list(line.get_ydata()) == [2 * value for value in values]


@pytest.fixture(scope="module")
def roofline():
    limits = {
        "copy": [{"gb_per_s": 10}],
        "rates": [
            {"kernel": "float32 BLAS", "gmac_per_s": 40},
            {"kernel": "float32 BLAS", "gmac_per_s": 50},
            {"kernel": "u8 x s8", "gmac_per_s": 400},
        ],
        "networks": [
            {"network": "seed", "batch": 1, "mac_per_byte": 20},
            {"network": "seed", "batch": 256, "mac_per_byte": 30},
        ],
    }
    runs = [
        run("numpy", 5, 8, network="seed", batch=256, gmac_per_s=12),
        run("numpy", 5, 8, network="seed", batch=1, gmac_per_s=3),
        run("vnni", 5, 8, network="seed", batch=1, gmac_per_s=7),
    ]
    return plots.roofline(limits, runs).axes[0]


def test_a_roof_bends_where_memory_feeds_the_fastest_product(roofline):
    roofs = [line for line in roofline.lines if len(line.get_xdata()) == 3]
    assert [line.get_xdata().tolist() for line in roofs] == [[1, 5, 1000], [1, 40, 1000]]
    assert [line.get_ydata().tolist() for line in roofs] == [[10, 50, 50], [10, 400, 400]]


def test_a_run_stands_at_its_products_a_byte(roofline):
    points = {line.get_label(): line for line in roofline.lines if line.get_label() in LINES}
    drawn = {name: tuple(map(list, line.get_data())) for name, line in points.items()}
    assert drawn == {"numpy": ([30, 20], [12, 3]), "vnni": ([20], [7])}
    assert {name: line.get_color() for name, line in points.items()} == {
        name: LINES[name][0] for name in points
    }
