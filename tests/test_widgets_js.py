"""The widgets' scripts in V8, without a page: every number equals tinyq's, to the bit.

Numbers cross as JSON: both languages write the shortest digits that read back as the same float64.
"""

import json
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from py_mini_racer import MiniRacer

from tinyq.affine import Grid, round_half_away
from tinyq.widgets import WIDGETS, GridRuler, host
from tinyq.widgets.grid_ruler import grid_of

SCRIPTS = (*host.SHARED, *GridRuler.scripts)
FLOAT32_MAX = float(np.finfo(np.float32).max)
TINY = float(np.finfo(np.float32).smallest_subnormal)
EDGES = [0.0, TINY, 255 * TINY, 300 * TINY, 1e-50, 1e-38, 1e-30, 0.1, 1.0, 255.0, 1e30, 1.7e38]
EDGES += [FLOAT32_MAX, 1e39]
STATES_SEED = 20


@pytest.fixture(scope="module")
def v8():
    """Call a JavaScript function of one argument on a value; both ways JSON."""
    racer = MiniRacer()
    for script in SCRIPTS * 2:  # twice: a notebook evaluates them once a widget
        racer.eval((host.FOLDER / script).read_text(encoding="utf-8"))
    racer.eval("const { int8, kit, gridRulerFigure: figure } = tinyqWidgets;")
    racer.eval('const ruler = tinyqWidgets["grid-ruler"];')

    def call(function: str, argument: object) -> object:
        text = json.dumps(json.dumps(argument))
        answer = racer.eval(f"JSON.stringify(({function})(JSON.parse({text})))")
        return json.loads(answer, parse_int=float)  # JavaScript writes 1e20 without a point

    return call


def random_reals(rng: np.random.Generator, count: int) -> np.ndarray:
    """Numbers of every size that float32 has, and of either sign."""
    return rng.choice([-1.0, 1.0], count) * 10.0 ** rng.uniform(-44, 38.4, count)


def random_ranges(rng: np.random.Generator) -> list[tuple[float, float, int]]:
    """lo, hi, bits: edge against edge, all sizes, and the everyday ones."""
    signed = [sign * edge for edge in EDGES for sign in (-1, 1)]
    pairs = [(lo, hi) for lo in signed for hi in signed]
    pairs += list(np.sort(random_reals(rng, 2000).reshape(-1, 2)).tolist())
    pairs += list(np.sort(rng.normal(0, 5, (2000, 2))).tolist())
    return [(lo, hi, int(rng.integers(2, 9))) for lo, hi in pairs]


def grid_or_none(make: Callable[..., Grid], *arguments: float) -> Grid | None:
    """make(*arguments), or None where there is no such grid."""
    try:
        with np.errstate(over="ignore"):
            return make(*arguments)
    except ValueError:
        return None


def from_range(lo: float, hi: float, bits: int) -> Grid | None:
    return grid_or_none(Grid.from_range, lo, hi, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def test_lround_rounds_half_away_from_zero(v8):
    rng = np.random.default_rng(1)
    whole = np.concatenate([np.arange(-300, 300), rng.integers(-(2**51), 2**51, 2000)])
    ties = whole + 0.5
    xs = np.concatenate([ties, np.nextafter(ties, -np.inf), np.nextafter(ties, np.inf), whole])
    got = v8("xs => xs.map(int8.lround)", xs.tolist())
    assert got == round_half_away(xs).tolist()
    assert not v8("xs => xs.map(int8.lround).some((x) => Object.is(x, -0))", [-0.0, -0.3, 0.3])


def test_grids_equal_tinyq(v8):
    ranges = random_ranges(np.random.default_rng(2))
    function = """ranges => ranges.map(([lo, hi, bits]) => {
        try { return int8.gridFromRange(lo, hi, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1); }
        catch (error) { if (error instanceof RangeError) return null; throw error; } })"""
    made = 0
    for case, got in zip(ranges, v8(function, ranges), strict=True):
        grid = from_range(*case)
        made += grid is not None
        want = grid and {field: getattr(grid, field) for field in grid.__dataclass_fields__}
        assert got == want, f"lo, hi, bits = {case}"
    assert 3000 < made < len(ranges)  # both outcomes were met


def probes(grid: Grid, rng: np.random.Generator) -> list[float]:
    """Numbers to quantize: on ties, beside them, anywhere on the grid and off it, zero."""
    ties = np.float32((rng.integers(-300, 300, 6) + 0.5) * grid.scale)
    beside = np.concatenate([np.nextafter(ties, np.float32(0)), ties])
    anywhere = np.float32(rng.uniform(-300, 300, 6) * grid.scale)
    return [*map(float, beside), *map(float, anywhere), 0.0, FLOAT32_MAX, -TINY]


def test_codes_and_what_they_stand_for_equal_tinyq(v8):
    rng = np.random.default_rng(3)
    grids = [grid for case in random_ranges(rng) if (grid := from_range(*case))]
    with np.errstate(over="ignore"):
        xs = [[x for x in probes(grid, rng) if math.isfinite(x)] for grid in grids]
    function = """cases => cases.map(([grid, xs]) => {
        const codes = int8.quantize(grid, xs);
        return [Array.from(codes), Array.from(int8.dequantize(grid, codes), String)]; })"""
    cases = [[vars(grid), probe] for grid, probe in zip(grids, xs, strict=True)]
    for grid, probe, (codes, back) in zip(grids, xs, v8(function, cases), strict=True):
        want = grid.quantize(np.float32(probe))
        assert codes == want.tolist(), (grid, probe)
        with np.errstate(over="ignore"):
            stands_for = grid.dequantize(want).tolist()
        assert [float(text) for text in back] == stands_for, (grid, codes)


def random_states() -> list[dict]:
    """States of the ruler for which a grid exists."""
    rng = np.random.default_rng(STATES_SEED)
    ranges = [case for case in random_ranges(rng) if grid_or_none(grid_of, *case)]
    chosen = [ranges[i] for i in rng.choice(len(ranges), 400, replace=False)]
    return [
        {"lo": lo, "hi": hi, "bits": bits, "x": float(rng.choice([0.3, lo, hi, (lo + hi) / 2]))}
        for lo, hi, bits in chosen
    ]


def test_the_ruler_shows_what_the_python_widget_says(v8):
    states = random_states()
    got = v8("states => states.map(ruler.value)", states)
    widget = GridRuler()
    for state, value in zip(states, got, strict=True):
        with widget.hold_trait_notifications():
            for field, number in state.items():
                setattr(widget, field, number)
        assert value == widget.value, state


def test_the_copied_call_gives_the_numbers_shown(v8):
    function = "states => states.map(s => { const v = ruler.value(s); return [v, ruler.call(v)]; })"
    for shown, text in v8(function, random_states()[:100]):
        *lines, last = text.splitlines()
        names: dict = {}
        exec("\n".join(lines), names)
        want = tuple(shown[name] for name in ("scale", "zero_point", "code", "dequantized"))
        assert eval(last, names) == want, text


def test_numbers_read_as_python_writes_them(v8):
    rng = np.random.default_rng(4)
    numbers = [0.0, 1.0, -1.0, 0.1, 1e16, 1e15, 123456789012345680.0, 1e-4, 9.9e-5, 5e-324]
    numbers += [*random_reals(rng, 2000).tolist(), *rng.normal(0, 100, 500).round(2).tolist()]
    assert v8("xs => xs.map(kit.pyFloat)", numbers) == [repr(x) for x in numbers]


def test_the_defaults_are_those_of_the_python_widget(v8):
    widget = GridRuler()
    want = {name: getattr(widget, name) for name in widget.fields}
    assert v8("() => ruler.defaults", None) == want


@pytest.mark.parametrize("width", [296, 700])
def test_no_figure_holds_anything_but_numbers(v8, width):
    function = f"""states => states.map(state => {{ const v = ruler.value(state);
        return figure.draw(v, figure.chooseView(v.lo, v.hi), {width}); }})"""
    states = random_states()
    states += [{"lo": 0, "hi": 0, "bits": bits, "x": 1} for bits in (2, 8)]
    for state, svg in zip(states, v8(function, states), strict=True):
        assert not re.search(r"NaN|Infinity|undefined|null", svg), state
        sizes = re.findall(r'(?:width|height)="([^"]*)"', svg)
        assert all(float(size) >= 0 for size in sizes), state


def test_each_tick_stands_at_its_codes_real_number(v8):
    state = {"lo": -1.3, "hi": 2.2, "bits": 4, "x": 0.5}
    svg, m = v8(
        """state => { const v = ruler.value(state), view = figure.chooseView(v.lo, v.hi);
        return [figure.draw(v, view, 700), view.m]; }""",
        state,
    )
    (ticks,) = re.findall(r'<path d="([^"]*)" class="tick"/>', svg.split("Around x")[0])
    pixels = np.array([float(x) for x in re.findall(r"M([\d.]+) ", ticks)])
    reals = grid_of(-1.3, 2.2, 4).dequantize(np.arange(-8, 8))
    assert (pixels - 14) / (700 - 28) * 2 * m - m == pytest.approx(reals, abs=1e-6)


@pytest.mark.parametrize(
    ("lo", "hi", "bits"), [(-1.0, 2.0, 4), (-1.0, 1.0, 2), (0.0, 0.0, 8), (-3.0, -1.0, 3)]
)
def test_the_drawn_error_is_tinyqs(v8, lo, hi, bits):
    """The middle of each line of the sawtooth, read back from its pixels."""
    svg, m = v8(
        """state => { const v = ruler.value(state), view = figure.chooseView(v.lo, v.hi);
        return [figure.draw(v, view, 700), view.m]; }""",
        {"lo": lo, "hi": hi, "bits": bits, "x": 0},
    )
    panel = svg.split("Error: ")[1].split("Around x")[0]
    top, height = map(
        float, re.findall(r'y="(\d+)" width="\d+" height="(\d+)" class="frame"', panel)[0]
    )
    (saw,) = re.findall(r'<path d="M([^"]*)" class="curve"/>', panel)
    points = np.array([[float(part) for part in point.split()] for point in saw.split("L")])
    xs = (points[:, 0] - 14) / (700 - 28) * 2 * m - m
    grid = grid_of(lo, hi, bits)
    errors = (top + height / 2 - points[:, 1]) / height * 1.5 * grid.scale
    sloping = np.diff(xs) > 1e-9
    middle = ((xs[1:] + xs[:-1]) / 2)[sloping]
    drawn = ((errors[1:] + errors[:-1]) / 2)[sloping]
    want = grid.dequantize(grid.quantize(middle)) - middle
    assert len(middle) >= 2 and drawn == pytest.approx(want, abs=1e-6 * grid.scale + 1e-6)


def test_thinned_ticks_are_counted_in_the_title(v8):
    function = """() => figure.draw(ruler.value({ lo: -1, hi: 2, bits: 8, x: 0.75 }),
        figure.chooseView(-1, 2), 700)"""
    svg = v8(function, None)
    (every,) = re.findall(r"256 codes \(1 in (\d+) drawn\)", svg)
    (ticks,) = re.findall(r'<path d="([^"]*)" class="tick"/>', svg.split("Around x")[0])
    ends_between = 2  # qmin and qmax are drawn though they are no multiple away from zero_point
    drawn = [code for code in range(-128, 128) if (code + 43) % int(every) == 0]
    assert ticks.count("M") == len(drawn) + ends_between - (-128 in drawn) - (127 in drawn)


def test_a_near_tie_is_written_with_enough_digits(v8):
    state = {"lo": -1, "hi": 2, "bits": 4, "x": 0.5}  # 0.5 / scale = 2.49999996, not 2.5
    rows = v8("state => ruler.formulas(ruler.value(state)).map(String)", state)
    (code,) = [row for row in rows if row.startswith("code")]
    (written,) = re.findall(r"round\(([\d.]+)\)", code)
    assert float(written) < 2.5 and code.endswith(",\u22121")


@pytest.mark.parametrize("script", sorted(path.name for path in host.FOLDER.glob("*.js")))
def test_scripts_are_classic_small_and_in_use(script):
    text = (host.FOLDER / script).read_text(encoding="utf-8")
    # a statement ends in ";": the Python of a copied call, in a template string, does not
    statement = r"^\s*(import|export)\b.*[;{]\s*$"
    assert not re.search(statement, text, re.M), "a module fails on file://"
    assert len(text.encode()) < 60_000
    assert max(len(line) for line in text.splitlines()) <= 100
    assert script in {*host.SHARED, *(name for widget in WIDGETS for name in widget.scripts)}
