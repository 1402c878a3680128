"""What a plan is to its caller: memory, answers, errors, and what it imports."""

import ast
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from engine_networks import ENGINES, MISSING, codes, differs

from tinyq import Scheme, engines
from tinyq.engines.steps import LayerStep
from tinyq.models import resnet

ROOT = Path(__file__).resolve().parents[1]
SEED = resnet.seed()
NET = resnet.stem_block(SEED.weights, SEED.biases)


@pytest.fixture(scope="module")
def seed():
    return NET.quantize(SEED.images)


@pytest.fixture(scope="module")
def block():
    """A stem and block of ResNet-18's kind, at a quarter of its width and a third of its size."""
    rng = np.random.default_rng(1)
    shapes = {"stem": (16, 7, 7, 3), "block1": (16, 3, 3, 16), "block2": (16, 3, 3, 16)}
    shapes["dense"] = (100, 16)
    weights = {name: rng.normal(size=shape) * 0.1 for name, shape in shapes.items()}
    biases = {name: rng.normal(size=shape[0]) for name, shape in shapes.items()}
    net = resnet.stem_block(weights, biases)
    return net.quantize(rng.normal(size=(2, 72, 72, 3)).astype(np.float32))


# --- memory


def budget(qnet, batch: int) -> int:
    """Three times the codes and weights, as the ledger has them."""
    rows = qnet.ledger()
    codes = batch * sum(row.activation_bytes for row in rows)
    return 3 * (codes + sum(row.weight_bytes for row in rows))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_plan_holds_less_than_three_times_its_codes_and_weights(engine, seed, block):
    for qnet, batch in [(seed, 1), (seed, 15), (seed, 32), (seed, 256), (block, 1), (block, 3)]:
        plan = qnet.compile(engine, batch)
        assert plan.nbytes < budget(qnet, batch), (qnet.image_shape, batch)


@pytest.mark.parametrize("engine", ENGINES)
def test_nbytes_is_what_numpy_allocates(engine, block):
    qnet, batch = block, 8
    qnet.compile(engine, batch)  # numba's and ONNX Runtime's own, once
    tracemalloc.start()
    plan = qnet.compile(engine, batch)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    # ONNX Runtime's copy of the weights is not NumPy's; Python's objects are no arrays
    least = plan.nbytes - sum(row.weight_bytes for row in qnet.ledger()) * (engine == "vnni") * 4
    assert least <= held <= plan.nbytes + 200_000


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_stays_and_the_images_too(engine, seed):
    plan = seed.compile(engine, batch=3)
    one, two = codes(seed, 3, seed=1), codes(seed, 3, seed=2)
    kept, want = one.copy(), seed(one)
    first = plan(one)
    assert np.array_equal(plan(two), seed(two))
    assert np.array_equal(first, want) and np.array_equal(one, kept)
    first[:] = 0
    assert np.array_equal(plan(one), want)
    floats = SEED.images[:3].copy()
    plan(floats)
    assert np.array_equal(floats, SEED.images[:3])


@pytest.mark.parametrize("engine", ENGINES)
def test_two_threads_may_call_one_plan(engine, seed):
    plan = seed.compile(engine, batch=2)
    last = plan._steps[-1]

    def slow() -> None:  # between a run and the copy of its answer, long enough for the other
        last()
        time.sleep(0.01)

    plan._steps[-1] = slow
    batches = [codes(seed, 2, seed=k) for k in range(8)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(plan, batches))
    for images, answer in zip(batches, answers, strict=True):
        assert np.array_equal(answer, seed(images))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_plan_works_after_a_step_that_raised(engine, seed, monkeypatch):
    plan, images = seed.compile(engine, batch=4), codes(seed, 4)

    def fails(step) -> None:
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(LayerStep, "__call__", fails)
        with pytest.raises(MemoryError, match="no room"):
            plan(images)
    assert np.array_equal(plan(images), seed(images))


@pytest.mark.parametrize("engine", ENGINES)
def test_images_of_any_float_type_and_memory_order(engine, seed):
    plan, want = seed.compile(engine, batch=4), seed(SEED.images[:4])
    assert np.array_equal(plan(SEED.images[:4].astype(np.float64)), want)
    assert np.array_equal(plan(np.asfortranarray(SEED.images[:4])), want)
    quantized = seed.grids["input"].quantize(SEED.images[:8])
    assert np.array_equal(plan(quantized[::2]), seed(quantized[::2]))


# --- errors

CALLS = {
    "engine must be one of numpy, vnni, got 'tpu'": {"engine": "tpu"},
    "engine must be one of numpy, vnni, got None": {"engine": None},
    r"engine must be one of numpy, vnni, got \['numpy'\]": {"engine": ["numpy"]},
    "batch must be an integer >= 1, got 0": {"batch": 0},
    "batch must be an integer >= 1, got -3": {"batch": -3},
    "batch must be an integer >= 1, got True": {"batch": True},
    "batch must be an integer >= 1, got 2.0": {"batch": 2.0},
    "batch must be an integer >= 1, got None": {"batch": None},
    "batch must be an integer >= 1, got '2'": {"batch": "2"},
}


@pytest.mark.parametrize("message", CALLS)
def test_a_wrong_call_is_refused_before_any_work(message, seed, monkeypatch):
    monkeypatch.setattr("tinyq.engines.Plan", None)
    with pytest.raises((TypeError, ValueError), match=message):
        seed.compile(**CALLS[message])


def spoilt(value: float) -> np.ndarray:
    images = SEED.images[:2].copy()
    images[1, 3, 3, 2] = value
    return images


IMAGES = {
    "images must be finite float32 numbers, got NaN": lambda: spoilt(np.nan),
    "images must be finite .*, got NaN or infinity": lambda: spoilt(-np.inf),
    r"images must be real numbers \(float32\), got an array of uint8": lambda: np.zeros(
        (2, 16, 16, 3), np.uint8
    ),
    "images must be a float32 array .*, got list": lambda: SEED.images[:2].tolist(),
    r"images must have shape \(N, 16, 16, 3\), got \(2, 3, 16, 16\)": lambda: SEED.images[
        :2
    ].transpose(0, 3, 1, 2),
    r"images must have shape \(N, 16, 16, 3\), got \(16, 16, 3\)": lambda: SEED.images[0],
    "images must be 2, as the plan was made, got 1": lambda: SEED.images[:1],
    "images must be 2, as the plan was made, got 0": lambda: SEED.images[:0],
    "images must be 2, as the plan was made, got 3": lambda: SEED.images[:3],
}


@pytest.mark.parametrize("message", IMAGES)
@pytest.mark.parametrize("engine", ENGINES)
def test_wrong_images_are_refused_before_any_work(engine, message, seed, monkeypatch):
    plan = seed.compile(engine, batch=2)
    want = plan(SEED.images[:2])
    with monkeypatch.context() as patch:
        patch.setattr(plan, "_steps", None)
        with pytest.raises((TypeError, ValueError), match=message):
            plan(IMAGES[message]())
    assert np.array_equal(plan(SEED.images[:2]), want)


@pytest.mark.parametrize("engine", ENGINES)
def test_codes_off_the_grid_are_refused(engine):
    qnet = NET.quantize(SEED.images, schemes={"input": Scheme(activation_bits=4)})
    plan = qnet.compile(engine)
    with pytest.raises(ValueError, match="images as codes must lie in -8..7, got 0..8"):
        plan(np.full((1, 16, 16, 3), 8, np.int8) * (np.arange(3) > 0).astype(np.int8))
    assert not differs(qnet, codes(qnet, 3), engine)


@pytest.mark.parametrize("package", ["numba", "onnx", "onnxruntime"])
def test_without_the_extra_the_error_says_what_to_install(package, seed, monkeypatch):
    for name in ("vnni", "kernels", "gemm"):
        monkeypatch.delitem(sys.modules, f"tinyq.engines.{name}", raising=False)
        monkeypatch.delattr(engines, name, raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    missing = "|".join([package, *MISSING])
    advice = rf"'vnni' needs the extra 'fast': pip install '.\[fast]' .* \(.*({missing})"
    with pytest.raises(ImportError, match=advice):
        seed.compile("vnni")
    assert np.array_equal(seed.compile("numpy")(SEED.images[:1]), seed(SEED.images[:1]))


# --- what imports what


def imported(file: Path) -> set[str]:
    """The modules that a file imports, wherever in it; `from a import b` as a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_only_the_network_knows_the_engines():
    users = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "tinyq").rglob("*.py")
        if any(name.startswith("tinyq.engines") for name in imported(file))
    }
    outside = {user for user in users if not user.startswith("tinyq/engines/")}
    assert outside == {"tinyq/network/qnetwork.py"}


CHILD = """
import sys
import numpy
before = set(sys.modules)
import tinyq
loaded = set(sys.modules) - before
assert not [name for name in loaded if name.startswith("tinyq.engines")], loaded
from tinyq.models import resnet
seed = resnet.seed()
qnet = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
assert qnet(seed.images[:1]).tolist() == [[-8, 102, 89, -41]]
assert not [name for name in sys.modules if name.startswith("tinyq.engines")]
assert qnet.compile("numpy")(seed.images[:1]).tolist() == [[-8, 102, 89, -41]]
assert "tinyq.engines.blas" in sys.modules
fast = {"tinyq.engines.vnni", "tinyq.engines.kernels", "numba", "onnx", "onnxruntime"}
assert not fast & set(sys.modules), fast & set(sys.modules)
"""


def test_an_engine_is_loaded_when_it_is_asked_for():
    child = subprocess.run([sys.executable, "-c", CHILD], cwd=ROOT, capture_output=True, text=True)
    assert not child.returncode, child.stderr


def test_the_engines_are_named_in_order():
    assert list(engines.ENGINES) == ["numpy", "vnni"]
