"""The agreement matrix: every recorded case is computed again, by script and by tinyq."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import traitlets
from widget_page import settle, write_page
from widget_v8 import Script, agree

from tinyq import Rounding
from tinyq.loops import rescale as loops
from tinyq.plots.agreement import share
from tinyq.widgets import AgreementMatrix
from tinyq.widgets.agreement_matrix.agreement_matrix import LINEAR, OWN, RULES, packaged, replay
from tools import agreement_data

TAG = "tinyq-agreement-matrix"
LEDGER = json.loads((Path(__file__).parents[1] / "book" / "agreement.json").read_text())
SHAPE = (len(AgreementMatrix().operators), len(AgreementMatrix().runtimes))
STATES = [
    {"rule": rule, "row": row, "column": column}
    for rule in RULES
    for row in range(SHAPE[0])
    for column in range(SHAPE[1])
]


@pytest.fixture(scope="module")
def script():
    return Script(AgreementMatrix)


def test_the_packaged_ledger_is_the_books():
    stale = "agreement_data.js is stale: run python tools/agreement_data.py"
    assert agreement_data.PATH.read_text(encoding="utf-8") == agreement_data.script(), stale
    assert packaged() == agreement_data.condensed(LEDGER)


def test_script_and_tinyq_agree_on_every_cell(script):
    assert agree(script, AgreementMatrix, STATES) == 0
    outside = [{"row": SHAPE[0]}, {"column": SHAPE[1]}]
    assert agree(script, AgreementMatrix, outside) == 2


def test_every_recorded_case_gives_its_code_again():
    replayed, by_own_rule = 0, 0
    for state in STATES:
        shown = AgreementMatrix(**state).value
        if shown["first"] is None:
            assert shown["replayed"] is None and shown["equal"] in (None, shown["cases"])
            continue
        assert shown["replayed"] == shown["first"]["tinyq"] != shown["answer"], state
        replayed += 1
        if shown["own_replayed"] is not None:
            by_own_rule += 1
            assert shown["own_replayed"] == shown["answer"], state
    assert replayed > 60 and by_own_rule > 20, (replayed, by_own_rule)


def test_the_matrix_is_the_ledgers():
    for rule in RULES:
        shown = AgreementMatrix(rule=rule)
        rows = dict(zip(shown.operators, shown.value["matrix"], strict=True))
        for pair in LEDGER["pairs"]:
            equal = rows[pair["operator"]][shown.runtimes.index(pair["runtime"])]
            tally = pair["rules"].get(rule)
            assert equal == (tally["equal"] if tally and pair["cases"] else None)


def test_linear_cases_under_double_equal_the_loops():
    """tinyq.loops shares no code with tinyq.Requantizer."""
    firsts = [
        pair["rules"]["DOUBLE"]["first"]
        for pair in LEDGER["pairs"]
        if pair["operator"] in LINEAR and pair["rules"]["DOUBLE"]["first"]
    ]
    for first in firsts:
        out_scale, zero_point = first["out_grid"]
        pair = loops.quantize_multiplier(first["in_scale"] * first["weight_scale"] / out_scale)
        want = loops.requantize(first["acc"], *pair, zero_point)
        assert replay("conv", first, "DOUBLE") == want == first["tinyq"]
    assert len(firsts) > 5


def random_case(rng: np.random.Generator, operator: str) -> dict:
    """A case as a reader's ledger could hold it: wild scales, any codes."""

    def grid() -> list:
        return [float(np.float32(10 ** rng.uniform(-3, 1))), int(rng.integers(-128, 128))]

    if operator in LINEAR:
        scales = {name: grid()[0] for name in ("in_scale", "weight_scale")}
        acc = int(rng.choice([-1, 1]) * 10 ** rng.uniform(0, 8))
        return {**scales, "acc": acc, "out_grid": grid()}
    if operator == "add":
        codes = {name: int(rng.integers(-128, 128)) for name in "ab"}
        return {**codes, **{f"{name}_grid": grid() for name in ("a", "b", "out")}}
    window = rng.integers(-128, 128, rng.integers(1, 9, 2)).tolist()
    return {"window": window, "grid": grid(), "in_grid": grid(), "out_grid": grid()}


@pytest.mark.parametrize("operator", ["conv", "dense", "add", "mean", "average_pool"])
def test_script_and_tinyq_compute_any_case_alike(script, operator):
    rng = np.random.default_rng(7)
    rules = [*Rounding.__members__, OWN]
    cases = [
        [operator, random_case(rng, operator), str(rng.choice(rules)), bool(rng.integers(2))]
        for _ in range(400)
    ]
    replayed = "(cases) => cases.map((one) => tinyqWidgets.agreementMatrixReplay.replay(...one))"
    want = [replay(*case) for case in cases]
    assert script.call(replayed, cases) == want and len(set(want)) > 40


def test_the_copied_call_runs_for_every_cell(script):
    for state in STATES[::3]:
        script.call_agrees(AgreementMatrix(**state))


def test_a_readers_ledger_is_shown():
    pair = {
        **{"runtime": "mine", "operator": "dense", "setting": "UP", "cases": 3, "refused": 1},
        **{"refusal": "too large", "rules": {"own": {"equal": 3, "largest": 0, "first": None}}},
    }
    shown = AgreementMatrix({"pairs": [pair], "date": "today"}, rule="own", column=0)
    assert shown.value["matrix"] == [[3]] and shown.ledger["date"] == "today"
    script = Script(AgreementMatrix, shown.data)
    states = [{"rule": rule, "row": 0, "column": 0} for rule in RULES]

    def make(**state):
        return AgreementMatrix({"pairs": [pair], "date": "today"}, **state)

    assert agree(script, make, states) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rule": "HALF"}, traitlets.TraitError, "rule"),
        ({"row": SHAPE[0]}, ValueError, f"row must be in 0..{SHAPE[0] - 1}, got {SHAPE[0]}"),
        ({"column": 6}, ValueError, "column must be in 0..5, got 6"),
        ({"ledger": {}}, ValueError, "ledger must have pairs, as book/agreement.json has"),
        ({"ledger": []}, ValueError, "ledger must have pairs"),
    ],
    ids=str,
)
def test_what_cannot_be_shown_is_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        AgreementMatrix(**arguments)


def percentages(rule: str) -> list[str]:
    """The printed ledger's texts, row by row, without the sign."""
    shown = AgreementMatrix()
    tallies = {
        (pair["operator"], pair["runtime"]): (pair["cases"], pair["rules"][rule]["equal"])
        for pair in LEDGER["pairs"]
    }
    cells = [(operator, runtime) for operator in shown.operators for runtime in shown.runtimes]
    return [share(*tallies[cell]).removesuffix(" %") for cell in cells]


def test_a_cell_is_picked_with_mouse_and_keys(browse, tmp_path):
    page = browse(write_page(tmp_path, AgreementMatrix().html(), widgets=[AgreementMatrix]))
    node = page.locator(TAG)
    cells = page.get_by_role("gridcell")
    assert cells.all_inner_texts() == percentages("DOUBLE")
    cells.nth(1).click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    settle(page)
    assert node.evaluate("node => [node.state.row, node.state.column]") == [2, 1]
    shown = AgreementMatrix(row=2, column=1).value
    answers = page.locator(".tinyq-answers b").all_inner_texts()
    want = [shown["answer"], shown["replayed"], shown["own_replayed"]]
    assert answers == [str(code).replace("-", "\u2212") for code in want]
    page.get_by_label("rule").select_option("each runtime's own rule")
    settle(page)
    assert not page.locator(".tinyq-answers").is_visible()
    assert set(cells.all_inner_texts()) == {"all"}


@pytest.mark.parametrize("rule", Rounding)
def test_each_step_of_a_rounding_has_a_line(browse, tmp_path, rule):
    html = AgreementMatrix(rule=rule.name).html()
    page = browse(write_page(tmp_path, html, widgets=[AgreementMatrix]))
    steps = rule.value.split("; ")
    lines = page.locator(".tinyq-formulas p").all_inner_texts()[: len(steps)]
    assert lines == [f"{rule.name}: {steps[0]}", *steps[1:]]
