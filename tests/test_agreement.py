"""tinyq against the runtimes themselves, or where a wheel is missing against their stored answers.

Each test's name says which: "live" asks the runtime now, "stored" replays agreement_vectors.npz.
`make agreement` does the same at length.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tinyq import Grid, Requantizer, Rounding, layers
from tinyq.export.tflite_operators import bias_scale_error
from tinyq.runtimes import RUNTIMES, QMean, trace
from tools.agreement import adapters, suite, vectors
from tools.agreement.cases import KINDS, OPERATORS, Refused, case, cases
from tools.agreement.elementwise import ELEMENTWISE
from tools.agreement.suite import OWN

STORED = Path(__file__).parent / "data" / "agreement_vectors.npz"
LIVE_CASES, LIVE_IMAGES, SEED = 40, 40, 3
NO_OPERATOR = ("tanh", "hard_swish", "relu_rescaled", "relu6_rescaled")
# Of 40 cases these runtimes take at least so many, others 30.
TAKEN = {
    ("pytorch", "mean"): 8,
    ("pytorch", "average_pool_same"): 8,
    ("pytorch", "mean_of_axes"): 0,
    ("onnxruntime", "mean_of_axes"): 0,
    ("onnxruntime", "softmax"): 12,  # without a beta
    **dict.fromkeys([("onnxruntime", name) for name in NO_OPERATOR], 0),
}


def importable() -> dict[str, adapters.Adapter]:
    """Return the adapters of the runtimes whose wheels import here."""
    found = {}
    for runtime in adapters.SOURCES:
        try:
            found[runtime] = adapters.load(runtime)
        except ImportError:
            continue
    return found


ADAPTERS = importable()
META, VECTORS = vectors.load(STORED)
LOGITS = META.pop("logits")
HOW = [(name, "live" if name in ADAPTERS else "stored") for name in RUNTIMES]


def of(operator: str) -> list[vectors.Vector]:
    return [vector for vector in VECTORS if vector.case.operator == operator]


# a runtime's rule that nobody has measured is refused, see test_runtimes_elementwise.py
ASKED = [
    (name, how, operator)
    for operator, (name, how) in product(OPERATORS, HOW)
    if suite.measured(RUNTIMES[name], operator)
]


def test_every_pair_is_asked_but_for_those_that_nobody_has_measured():
    left_out = {*product(RUNTIMES, OPERATORS)} - {(name, operator) for name, _, operator in ASKED}
    subtractions = {("onnxruntime", "sub"), ("onnxruntime", "sub_broadcast")}
    assert left_out == subtractions | {*product(["pytorch"], ELEMENTWISE)}


@pytest.mark.parametrize(("runtime", "how", "operator"), ASKED)
def test_operator_gives_the_runtimes_bytes(runtime, how, operator):
    if how == "live":
        found, run = cases(operator, LIVE_CASES, SEED), ADAPTERS[runtime].run
    elif not of(operator):
        pytest.skip(f"{runtime}'s answers to {operator} are not stored yet: see CONTRIBUTING")
    else:
        found = [vector.case for vector in of(operator)]
        stored = {vector.case.index: vector.answers[runtime] for vector in of(operator)}

        def run(asked):
            if stored[asked.index] is None:
                raise Refused("stored as refused")
            return stored[asked.index]

    pair = suite.measure(runtime, operator, found, run)
    assert pair.cases >= TAKEN.get((runtime, operator), 30)
    assert pair.exact or not pair.cases, pair.rules[OWN].first


@pytest.mark.parametrize("mean", [False, True], ids=["pool", "mean"])
@pytest.mark.parametrize(("runtime", "how"), HOW)
def test_seed_network_gives_the_runtimes_logits(runtime, how, mean):
    qnet, images = vectors.seed_network(mean)
    if how == "live":
        want = np.asarray(ADAPTERS[runtime].pipeline(qnet, images)).tolist()
    else:
        want = LOGITS[runtime][mean]
    assert len(want) == 32
    assert trace(qnet, images, RUNTIMES[runtime])["dense_8x4"].tolist() == want


@pytest.mark.parametrize(
    ("runtime", "variant"),
    [(name, variant) for name in ADAPTERS for variant in adapters.variants(name)],
    ids=lambda value: getattr(value, "name", value),
)
def test_random_networks_give_the_runtimes_logits(runtime, variant):
    pipeline = ADAPTERS[runtime].pipeline
    whole = suite.measure_network(runtime, variant, LIVE_IMAGES, SEED, pipeline)
    assert whole.own == whole.images == LIVE_IMAGES
    assert whole.double == LIVE_IMAGES or runtime != "tflite-micro"


def test_stored_vectors_say_where_they_come_from():
    assert STORED.stat().st_size < 200_000
    assert set(META) == {"made_by", "seed", "machine", "date", "versions"}
    assert set(META["versions"]) == set(LOGITS) == set(RUNTIMES)
    for vector in VECTORS:
        assert set(vector.answers) == set(RUNTIMES)
    assert {vector.case.operator for vector in VECTORS} <= set(OPERATORS)


@pytest.mark.parametrize("operator", ["conv", "dense", "add", "average_pool", "mean"])
def test_stored_vectors_tell_every_two_settings_apart(operator):
    rules = RUNTIMES.values()
    for one, other in product(rules, rules):
        if suite.setting(one, operator) == suite.setting(other, operator):
            continue
        told = [
            not np.array_equal(vector.answers[one.name], vector.answers[other.name])
            for vector in of(operator)
            if all(vector.answers[rules.name] is not None for rules in (one, other))
        ]
        assert any(told), f"no vector tells {one.name} from {other.name}"


def same(one: object, other: object) -> bool:
    """Return whether two layers, or what they are made of, have equal numbers."""
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Grid) or not hasattr(one, "__dataclass_fields__"):
        return one == other
    fields = one.__dataclass_fields__
    return type(one) is type(other) and all(
        same(getattr(one, name), getattr(other, name)) for name in fields
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_cases_come_back_from_a_file_as_they_were(operator, tmp_path):
    asked = [
        vectors.Vector(c, {"x": c.layer.forward(*c.inputs), "y": None, "z": c.inputs[0]})
        for c in cases(operator, 12, 5)
    ]
    vectors.save(tmp_path / "file.npz", {"seed": 5}, asked, {})
    meta, back = vectors.load(tmp_path / "file.npz")
    assert meta == {"seed": 5, "logits": {}}
    for before, after in zip(asked, back, strict=True):
        for name in ("operator", "kind", "seed", "index", "layer", "inputs"):
            assert same(getattr(before.case, name), getattr(after.case, name)), name
        assert same(tuple(before.answers.values()), tuple(after.answers.values()))
        assert list(before.answers) == list(after.answers)


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_case_depends_on_its_seed_and_index_alone(operator):
    found = list(cases(operator, 9, seed=4))
    assert [c.kind for c in found] == list(KINDS) * 3
    again = case(operator, seed=4, index=7)
    assert same(found[7].layer, again.layer) and same(found[7].inputs, again.inputs)
    assert not same(found[7].inputs, case(operator, seed=5, index=7).inputs)


def test_cases_reach_the_edges():
    ends, biases, ratios = 0, 0, []
    for c in cases("conv", 300, seed=1):
        ends += np.isin(c.inputs[0], (-128, 127)).all()
        biases += (np.abs(c.layer.bias) > 2**22).any()
        ratios += c.layer.requantizer.ratio.tolist()
    assert ends > 20 and biases > 20
    assert min(ratios) < 2**-12 and max(ratios) > 256
    zero_points = {c.layer.in_grid.zero_point for c in cases("relu", 300, seed=1)}
    assert {-128, 127} < zero_points


def test_adds_stay_where_no_runtime_aborts():
    for c in cases("add", 600, seed=1):
        twice_max = 2 * max(grid.scale for grid in c.layer.in_grids)
        assert twice_max / (2**20 * c.layer.out_grid.scale) < 1, c.index


def test_an_add_onto_too_fine_a_grid_gets_a_coarser_one(monkeypatch):
    monkeypatch.setattr("tools.agreement.cases.out_grid", lambda *_: Grid(1e-12, 5))
    layer = case("add", 1, 0).layer
    assert layer.rescale_sum.ratio < 1
    assert layer.out_grid.zero_point == 5


def test_measure_counts_what_differs_and_what_is_refused():
    def run(asked):
        if asked.index == 2:
            raise Refused("not today")
        codes = asked.layer.forward(*asked.inputs)
        if asked.index == 4:
            codes.flat[-1] ^= 5
        return codes

    pair = suite.measure("tflite-micro", "relu", cases("relu", 6, seed=1), run)
    assert (pair.cases, pair.refused, pair.refusal, pair.exact) == (5, 1, "not today", False)
    own = pair.rules[OWN]
    assert (own.equal, own.first["index"], own.first["seed"]) == (4, 4, 1)
    assert 1 <= own.largest <= 5
    assert own.largest == abs(own.first["runtime"] - own.first["tinyq"])


def test_an_error_of_a_runtime_names_its_case():
    def run(asked):
        if asked.index == 3:
            raise RuntimeError("cannot allocate")
        return asked.layer.forward(*asked.inputs)

    with pytest.raises(RuntimeError, match="cannot allocate") as caught:
        suite.measure("tflite-micro", "relu", cases("relu", 6, seed=1), run)
    assert caught.value.__notes__ == ["in case('relu', 1, 3) of tflite-micro"]


def test_a_dense_output_that_is_too_fine_for_tflite_gets_a_coarser_grid():
    layer = case("dense", 9, 545).layer  # a ratio of 645,562, refused by TFLite Micro and LiteRT
    assert bias_scale_error(layer) == pytest.approx(0.02 / 1.01)


def test_measure_refuses_codes_that_cannot_be_the_answer():
    with pytest.raises(ValueError, match="the runtime gave float64"):
        suite.measure("pytorch", "relu", cases("relu", 1, 1), lambda c: np.zeros(3))


def test_whole_networks_are_counted_image_by_image():
    def pipeline(qnet, images):
        logits = trace(qnet, images, RUNTIMES["onnxruntime"])["dense_8x4"]
        logits[0, 3] ^= 4
        return logits

    (variant, _) = adapters.variants("onnxruntime")
    whole = suite.measure_network("onnxruntime", variant, 100, SEED, pipeline)
    assert (whole.images, whole.own, whole.largest) == (100, 100 - suite.NETWORKS, 4)
    double = suite.measure_network("tflite-micro", variant, 100, SEED, by_double)
    assert (double.own, double.double, double.largest) == (100, 100, 0)
    other = suite.measure_network("onnxruntime", variant, 100, SEED, by_double)
    assert other.own < other.double == 100


def by_double(qnet, images, **fuse):
    return qnet(images)


def recomputed(first: dict) -> int:
    """Return tinyq's code of a recorded difference from the record alone."""
    if "acc" in first:
        scales = first["in_scale"], [first["weight_scale"]], first["out_grid"][0]
        acc = np.int32([first["acc"]])
        return Requantizer.from_scales(*scales).requantize(acc, Grid(*first["out_grid"])).item()
    if "a" in first:
        grids = (Grid(*first[name]) for name in ("a_grid", "b_grid", "out_grid"))
        inputs = (np.full(first["shape"], first[side], np.int8) for side in "ab")
        return layers.QAdd.from_float(*grids).forward(*inputs)[tuple(first["place"])].item()
    window = np.int8(first["window"])[None, :, :, None]
    if "grid" in first:
        return layers.QGlobalAvgPool2D(Grid(*first["grid"])).forward(window).item()
    grids = Grid(*first["in_grid"]), Grid(*first["out_grid"])
    return QMean(*grids, keep_dims=first["keep_dims"]).forward(window).item()


@pytest.mark.parametrize(
    "operator", ["conv", "dense", "add", "average_pool", "global_average_pool", "mean"]
)
def test_the_first_difference_can_be_computed_again(operator):
    def run(asked):
        codes = asked.layer.forward(*asked.inputs)
        codes.flat[codes.size // 2] ^= 1
        return codes

    for index in range(30):
        asked = [case(operator, 1, index)]
        first = suite.measure("tflite-micro", operator, asked, run).rules["DOUBLE"].first
        assert recomputed(first) == first["tinyq"] != first["runtime"]


def test_every_rounding_is_tallied_where_it_makes_sense():
    for operator in OPERATORS:
        asked = case(operator, 1, 0)
        names = set(suite.by_rounding(asked))
        sums = ("dense", "add", "add_broadcast", "depthwise")
        everything = operator.startswith("conv") or operator in sums
        assert names == ({r.name for r in Rounding} if everything else {"DOUBLE"})
        for codes in suite.by_rounding(asked).values():
            assert codes.dtype == np.int8
