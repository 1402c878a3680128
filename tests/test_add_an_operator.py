"""An operator that nobody knows runs where its own forward is enough, and is refused elsewhere."""

import numpy as np
import pytest
from contract_rows import faults, rows
from engine_networks import ENGINES
from layer_cases import LayerCase
from toy_operator import SECTION, Abs, QAbs, absolute

from tinyq import Network, Node, export, floatref
from tinyq.methods.correction import correct_biases
from tinyq.models import resnet
from tinyq.network.ledger import format_ledger
from tinyq.runtimes import RUNTIMES, oracle, trace
from tinyq.widgets.pixel_tracer.pixel_trace import trace_back

SEED = resnet.seed()
STEM = floatref.Conv2D(SEED.weights["stem"], SEED.biases["stem"], (2, 2))
NET = Network(
    (
        Node("stem", STEM, ("input",), observe="stem"),
        Node("abs", Abs(), ("stem",)),
        Node("mean", floatref.GlobalAvgPool2D(), ("abs",)),
    ),
    channels=3,
)
QNET = NET.quantize(SEED.images)


def test_it_runs_in_float_and_in_int8():
    tensors = QNET.trace(SEED.images[:4])
    grid = QNET.grids["stem"]
    want = [absolute(image, grid.zero_point, grid.qmax) for image in tensors["stem"].tolist()]
    assert tensors["abs"].tolist() == want and (tensors["stem"] < grid.zero_point).any()
    real = NET.trace(SEED.images[:4])["abs"]
    assert np.abs(grid.dequantize(tensors["abs"]) - real).max() < 2 * grid.scale


def test_it_has_its_line_in_the_ledger_and_its_shape():
    assert QNET.shapes()["abs"] == (5, 5, 8)
    row = QNET.ledger()[2]
    assert (row.kind, row.requantizes, row.activation_bytes) == ("QAbs", False, 200)
    assert row.out_grid is QNET.grids["stem"]
    assert "QAbs" in format_ledger(QNET.ledger())


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_runs_it_as_a_plain_step(engine):
    plan = QNET.compile(engine, batch=3)
    assert (plan(SEED.images[:3]) == QNET(SEED.images[:3])).all()


EXPORTS = {
    "a .npz": lambda to: export.npz(QNET, to),
    "C": lambda to: export.c(QNET, to),
    "TFLite": lambda to: export.tflite(QNET, to),
    "ONNX on codes": lambda to: export.onnx(QNET, to),
    "ONNX on real numbers": lambda to: export.onnx(QNET, to, form="qdq"),
}


@pytest.mark.parametrize("who", EXPORTS)
def test_an_exporter_refuses_it_by_name_and_writes_nothing(who, tmp_path):
    with pytest.raises(TypeError, match=f"layer 'abs': {who} has no QAbs, only Q"):
        EXPORTS[who](tmp_path / "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_no_runtime_s_bytes_are_made_up_for_it(runtime):
    with pytest.raises(TypeError, match="layer 'abs': tinyq.runtimes has no QAbs, only Q"):
        trace(QNET, SEED.images[:1], RUNTIMES[runtime])


def test_the_oracle_refuses_it_until_it_has_its_row(monkeypatch):
    codes = QNET.trace(SEED.images[:1])
    with pytest.raises(TypeError, match="layer 'abs': .*QAbs"):
        oracle.trace(QNET, codes["input"][0])
    monkeypatch.setitem(
        oracle.NESTS,
        QAbs,
        lambda layer, image: absolute(image, layer.in_grid.zero_point, layer.in_grid.qmax),
    )
    got = oracle.trace(QNET, codes["input"][0])
    assert got == {name: tensor[0].tolist() for name, tensor in codes.items()}


def test_the_pixel_tracer_refuses_it_by_name():
    with pytest.raises(TypeError, match="layer 'abs': the pixel tracer has no QAbs, only Q"):
        trace_back(QNET, QNET.trace(SEED.images[:1]), logit=0)


def test_methods_leave_it_as_it_is():
    changed = correct_biases(NET, QNET, SEED.images)
    assert changed.nodes[1].layer is QNET.nodes[1].layer
    assert (changed.nodes[0].layer.bias != QNET.nodes[0].layer.bias).any()


def test_the_page_of_contracts_may_say_that_it_is_not_exported():
    case = LayerCase(QAbs(QNET.grids["stem"]), ((5, 5, 8),), Abs())
    said = rows(SECTION)
    assert list(faults(said, case)) == []
    found = list(faults(said | {"in C": "`absolute`", "grid": "requantizes to `out_grid`"}, case))
    assert len(found) == 2 and "'in C' must start with 'not exported'" in found[1]
