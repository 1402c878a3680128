"""Samples of any rank on the real runtimes: the bytes that tinyq.runtimes predicts."""

import numpy as np
import pytest

for runtime in ("ai_edge_litert", "tflite_micro", "onnx", "onnxruntime"):
    pytest.importorskip(runtime, reason=f"{runtime} is not installed", exc_type=ImportError)

from export_networks import random_codes  # noqa: E402
from rank_networks import moving_qnet, reader_s_own  # noqa: E402
from test_digits import DIGITS  # noqa: E402

from tinyq import Grid, Node, export, layers  # noqa: E402
from tinyq.network import QNetwork  # noqa: E402
from tinyq.runtimes import RUNTIMES, trace  # noqa: E402
from tools.agreement import litert, onnxrt, tflm  # noqa: E402

SEEDS = [*range(8), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(8, 100))]
QOWN = reader_s_own().quantize(DIGITS.images[:40])


def predicted(qnet: QNetwork, codes: np.ndarray, runtime: str) -> np.ndarray:
    return trace(qnet, codes, RUNTIMES[runtime])[qnet.nodes[-1].name]


def check_tflite(qnet: QNetwork, codes: np.ndarray) -> None:
    """TFLite Micro and LiteRT's three sets of kernels give the predicted bytes."""
    for runtime in litert.KERNELS:
        assert (litert.pipeline(qnet, codes, runtime) == predicted(qnet, codes, runtime)).all()
    got = tflm.pipeline(qnet, codes)
    assert (got == predicted(qnet, codes, "tflite-micro")).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_tflite_s_runtimes_give_the_predicted_bytes(seed):
    check_tflite(moving_qnet(seed), random_codes(moving_qnet(seed), 4))


def check_onnx(qnet: QNetwork, codes: np.ndarray, form: str, folder) -> None:
    """ONNX Runtime gives the predicted bytes, the last axis second."""
    export.onnx(qnet, folder / "net.onnx", form=form)
    model, first = (folder / "net.onnx").read_bytes(), np.moveaxis(codes, -1, 1)
    if codes.ndim == 4:
        first = codes  # which the adapter turns by itself
    got = onnxrt.invoke(model, [np.ascontiguousarray(first)], fuse_int8=True)
    assert (got == np.moveaxis(predicted(qnet, codes, "onnxruntime"), -1, 1)).all()


@pytest.mark.parametrize("form", ["qlinear", "qdq"])
@pytest.mark.parametrize("seed", SEEDS)
def test_onnx_runtime_gives_the_predicted_bytes_with_channels_second(seed, form, tmp_path):
    check_onnx(moving_qnet(seed), random_codes(moving_qnet(seed), 4), form, tmp_path)


def test_the_reader_s_own_network_ships():
    codes = QOWN.trace(DIGITS.images[40:60])["input"]
    check_tflite(QOWN, codes)


@pytest.mark.parametrize("form", ["qlinear", "qdq"])
def test_the_reader_s_own_network_ships_as_onnx(form, tmp_path):
    check_onnx(QOWN, QOWN.trace(DIGITS.images[40:60])["input"], form, tmp_path)


GRID = Grid(0.1, 3)
WIDE = [
    layers.QTranspose(GRID, (4, 1, 0, 3, 2)),
    layers.QPad(GRID, ((0, 1),) * 5),
    layers.QConcat((GRID,), 1),
]


@pytest.mark.parametrize("layer", WIDE, ids=lambda layer: type(layer).__name__)
def test_more_axes_than_the_kernels_take_are_refused_by_name(layer, tmp_path):
    nodes = (Node("wide", layer, ("input",)),)
    qnet = QNetwork(nodes, {"input": GRID, "wide": GRID}, {}, (2, 1, 2, 1, 2))
    with pytest.raises(ValueError, match="layer 'wide': TFLite's kernels take at most 5 axes"):
        export.tflite(qnet, tmp_path / "net.tflite")


def test_a_dense_layer_on_an_image_of_one_pixel_is_not_taken_for_a_mean():
    qnet = moving_qnet(2)
    dense = next(node.layer for node in qnet.nodes if isinstance(node.layer, layers.QDense))
    nodes = (Node("dense", dense, ("input",)),)
    grids = {"input": dense.in_grid, "dense": dense.out_grid}
    one = QNetwork(nodes, grids, {}, (1, 1, dense.weight.shape[1]))
    codes = random_codes(one, 3)
    assert litert.pipeline(one, codes, "litert-reference").shape == (3, 1, 1, len(dense.bias))
    check_tflite(one, codes)
