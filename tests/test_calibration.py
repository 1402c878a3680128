"""Calibration data as a stream: what it may be, what is refused by which name, what it costs."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from reference import random_network

from tinyq import MSE, Entropy, MinMax, MovingAverage, Percentile
from tinyq.models import resnet

WEIGHTS, BIASES, IMAGES = random_network(seed=31, filters=2, inner=2, size=(6, 6), count=70)
NET = resnet.stem_block(WEIGHTS, BIASES)
PARTS = [IMAGES[:32], IMAGES[32:64], IMAGES[64:]]
OBSERVERS = {
    "minmax": MinMax,
    "average": partial(MovingAverage, 0.8),
    "percentile": partial(Percentile, 99.0),
    "mse": MSE,
    "entropy": Entropy,
}
every_observer = pytest.mark.parametrize("observer", OBSERVERS.values(), ids=OBSERVERS)


def grids(images, observer=MinMax) -> dict:
    return NET.quantize(images, observer=observer).grids


@every_observer
def test_every_form_of_the_same_batches_gives_the_same_grids(observer, tmp_path):
    want = grids(IMAGES, observer)
    np.save(tmp_path / "images.npy", IMAGES)
    raw = np.memmap(tmp_path / "raw", np.float32, "w+", shape=IMAGES.shape)
    raw[:] = IMAGES
    for images in (
        PARTS,
        tuple(PARTS),
        iter(PARTS),
        (part for part in PARTS),
        [part.astype(np.float64) for part in PARTS],
        [PARTS[0], IMAGES[:0], *PARTS[1:]],
        np.load(tmp_path / "images.npy", mmap_mode="r"),
        np.memmap(tmp_path / "raw", np.float32, "r", shape=IMAGES.shape),
    ):
        qnet = NET.quantize(images, observer=observer)
        assert qnet.grids == want
        assert qnet.image_shape == (6, 6, 3)


@every_observer
def test_grids_are_those_of_an_observer_that_watched_every_batch_in_order(observer):
    seen = {name: observer() for name in NET.trace(IMAGES[:1])}
    for part in PARTS:
        for name, tensor in NET.trace(part).items():
            seen[name].observe(tensor)
    qnet = NET.quantize(iter(PARTS), observer=observer)
    watched = {"input": "input"} | {node.name: node.observe for node in NET.nodes if node.observe}
    assert {name: qnet.grids[name] for name in watched} == {
        name: seen[tensor].grid() for name, tensor in watched.items()
    }
    assert {name: (r.lo, r.hi) for name, r in qnet.ranges.items()} == {
        name: (r.lo, r.hi) for name, r in seen.items()
    }


@pytest.mark.parametrize("observer", [MinMax, partial(Percentile, 99.0), MSE, Entropy], ids=str)
def test_the_size_of_the_batches_does_not_matter(observer):
    assert grids(np.array_split(IMAGES[::-1], 9), observer) == grids(IMAGES, observer)


def test_a_pass_through_layer_keeps_its_inputs_grid_object():
    qnet = NET.quantize(iter(PARTS), observer=Entropy)
    assert qnet.grids["stem_relu"] is qnet.grids["block_pad1"] is qnet.grids["stem_conv7x7_s2"]
    assert len({id(grid) for grid in qnet.grids.values()}) == 6


def peak_of(batches: int, observer) -> int:
    """The most bytes in use while a stream of batches of 32 kB each is calibrated."""

    def stream():
        rng = np.random.default_rng(1)
        for _ in range(batches):
            yield rng.normal(size=(75, 6, 6, 3)).astype(np.float32)

    tracemalloc.start()
    NET.quantize(stream(), observer=observer)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("observer", [MinMax, MovingAverage, Percentile])
def test_memory_does_not_grow_with_the_number_of_batches(observer):
    few, many = (peak_of(batches, observer) for batches in (4, 40))
    assert many < few + 2 * 32_400, (few, many)


# ------------------------------------------------------------------ what is refused


def test_a_stream_is_left_where_its_bad_batch_stands():
    pulled = []

    def stream():
        for number, part in enumerate([*PARTS, PARTS[0] * np.nan, *PARTS]):
            pulled.append(number)
            yield part

    with pytest.raises(ValueError, match="batch 3: images must be finite float32 numbers"):
        NET.quantize(stream())
    assert pulled == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (IMAGES[:, :5], ValueError, r"batch 1: images must have shape \(N, 6, 6, 3\), got \(70, 5"),
        (IMAGES[0], ValueError, r"batch 1: images must have shape \(N, 6, 6, 3\), got \(6, 6, 3\)"),
        (IMAGES * np.inf, ValueError, "batch 1: images must be finite"),
        (IMAGES.astype(int), TypeError, "batch 1: images must be real numbers .* int64"),
        (None, TypeError, r"batch 1: images must be a float32 array \(N, H, W, C\), got NoneType"),
    ],
)
def test_a_bad_batch_is_refused_with_its_number(batch, error, message):
    with pytest.raises(error, match=message):
        NET.quantize([IMAGES, batch, IMAGES])


def test_a_bad_image_of_an_array_is_refused_with_its_place():
    bad = IMAGES.copy()
    bad[66, 1, 1, 1] = np.nan
    with pytest.raises(ValueError, match=r"images\[64:70\]: images must be finite"):
        NET.quantize(bad)


def test_a_layer_that_overflows_is_named_with_the_batch():
    loud = [IMAGES, IMAGES * np.float32(1e37)]
    big = resnet.stem_block({n: w * np.float32(100) for n, w in WEIGHTS.items()}, BIASES)
    with pytest.raises(ValueError, match=r"batch 1: layer 'stem_conv7x7_s2': calibration data"):
        big.quantize(loud)


@pytest.mark.parametrize(
    ("images", "got"),
    [
        ([], "no image in any batch"),
        (iter([]), "no image in any batch"),
        ([IMAGES[:0]] * 3, "no image in any batch"),
        (IMAGES[:0], r"\(0, 6, 6, 3\)"),
    ],
)
def test_no_image_at_all_is_refused(images, got):
    for call in (NET.quantize, NET.calibrate):
        with pytest.raises(ValueError, match=f"images must hold at least one, got {got}"):
            call(images)


def test_what_is_no_data_is_refused():
    with pytest.raises(TypeError, match="or an iterable of such batches, got int"):
        NET.quantize(3)
    with pytest.raises(TypeError, match="batch 0: images must be a float32 array .*, got str"):
        NET.quantize({"images": IMAGES})


@pytest.mark.parametrize("observer", [MinMax(), "MinMax", None, dict])
def test_what_is_no_observer_is_refused(observer):
    with pytest.raises(TypeError, match="observer must return a fresh observer when it is called"):
        NET.quantize(IMAGES, observer=observer)


def test_an_observers_own_refusal_comes_before_any_work():
    with pytest.raises(ValueError, match="percent must lie in"):
        NET.quantize(IMAGES, observer=partial(Percentile, 0.0))
