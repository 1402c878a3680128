"""The network's door: what it takes, what it refuses, and with which words."""

from inspect import signature

import numpy as np
import pytest
from layer_cases import LAYER_CASES
from reference import random_network

from tinyq import Grid, layers
from tinyq.floatref import AvgPool2D, Concat, ReLU6
from tinyq.layers.nodes import Node
from tinyq.models import resnet
from tinyq.network import Network, QNetwork
from tinyq.network.ledger import format_ledger

WEIGHTS, BIASES, IMAGES = random_network(seed=11)
NET = resnet.stem_block(WEIGHTS, BIASES)
QNET = NET.quantize(IMAGES)
BAD_IMAGES = [
    (IMAGES.astype(np.uint8), TypeError, "images must be real numbers .* uint8"),
    (IMAGES.tolist(), TypeError, r"images must be a float32 array \(N, H, W, C\), got list"),
    (IMAGES[0], ValueError, r"images must have shape \(N, .*\), got \(16, 16, 3\)"),
    (IMAGES[..., :2], ValueError, r"images must have shape \(N, .*3\), got \(6, 16, 16, 2\)"),
    (np.where(IMAGES > 2, np.nan, IMAGES), ValueError, "images must be finite"),
    (np.where(IMAGES > 2, np.inf, IMAGES), ValueError, "images must be finite"),
]


@pytest.mark.parametrize(("images", "error", "message"), BAD_IMAGES)
@pytest.mark.parametrize("call", [NET, NET.trace, NET.quantize, QNET, QNET.trace])
def test_bad_images_are_refused(call, images, error, message):
    with pytest.raises(error, match=message):
        call(images)


def test_the_int8_network_takes_one_image_size():
    for images in (IMAGES[:, :14], np.zeros((1, 14, 16, 3), np.int8)):
        with pytest.raises(ValueError, match=r"shape \(N, 16, 16, 3\), got \(\d, 14, 16, 3\)"):
            QNET(images)


def test_an_empty_calibration_set_is_refused():
    with pytest.raises(ValueError, match=r"must hold at least one, got \(0, 16, 16, 3\)"):
        NET.quantize(IMAGES[:0])


def test_no_images_give_no_logits():
    assert QNET(IMAGES[:0]).shape == NET(IMAGES[:0]).shape == (0, 4)


def test_float64_images_are_the_same_as_float32():
    assert QNET(IMAGES.astype(np.float64)).tolist() == QNET(IMAGES).tolist()


def test_an_image_too_small_is_refused_with_the_layers_name():
    with pytest.raises(ValueError, match=r"layer 'stem_maxpool2x2': MaxPool2D.forward: kernel"):
        NET(IMAGES[:, :2, :2])


def test_a_tensor_that_overflows_float32_is_refused_with_the_layers_name():
    loud = WEIGHTS | {"stem": WEIGHTS["stem"] * np.float32(1e38)}
    message = "layer 'stem_conv7x7_s2': calibration data must be finite"
    with pytest.raises(ValueError, match=message):
        resnet.stem_block(loud, BIASES).quantize(IMAGES * np.float32(10))


def test_a_bias_beyond_int32_is_refused_with_the_layers_name():
    biases = BIASES | {"stem": np.full(8, 1e9, np.float32)}
    ranges = NET.calibrate(IMAGES)  # not of these biases: wider scales would move its codes
    with pytest.raises(ValueError, match=r"layer 'stem_conv7x7_s2': bias\[\d\] = 1000000000"):
        resnet.stem_block(WEIGHTS, biases).quantize_on(ranges, IMAGES.shape[1:])


def test_calibration_in_pieces_equals_calibration_in_one():
    many = np.concatenate([IMAGES] * 12)  # 72 images: three batches
    assert NET.calibrate(many) == NET.calibrate(IMAGES)


def test_trace_names_every_tensor_in_order():
    names = ["input", *(node.name for node in NET.nodes)]
    assert list(QNET.trace(IMAGES[:1])) == list(NET.trace(IMAGES[:1])) == names
    assert list(QNET.grids) == list(QNET.ranges) == names


def test_trace_leaves_the_callers_images_alone():
    codes = QNET.grids["input"].quantize(IMAGES[:1])
    before = codes.copy()
    QNET.trace(codes)
    assert (codes == before).all()


def test_other_layers_can_be_wired():
    nodes = (
        Node("relu6", ReLU6(), ("input",)),
        Node("mean", AvgPool2D((4, 2), (4, 3)), ("relu6",)),
    )
    net = Network(nodes, channels=3)
    images = IMAGES * np.float32(4)
    qnet = net.quantize(images)
    assert [type(node.layer) for node in qnet.nodes] == [layers.QClamp, layers.QAvgPool2D]
    grid = qnet.grids["mean"]
    assert grid is qnet.grids["input"] and grid == Grid.from_range(images.min(), images.max())
    # the mean of codes is within half a step of the mean of what they stand for, plus half a step
    assert np.abs(qnet.dequantize(qnet(images)) - net(images)).max() <= grid.scale * 1.001


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"stem": None}, ValueError, r"weights must have the keys \['stem', .*got \['block1'"),
        ({"extra": WEIGHTS["stem"]}, ValueError, "weights must have the keys"),
        ({"stem": WEIGHTS["stem"][:, :5]}, ValueError, r"stem: weight must be \(O, 7, 7, I\)"),
        ({"stem": WEIGHTS["stem"][0]}, ValueError, r"stem: weight must have shape \(O, 7, 7, I\)"),
        ({"block1": WEIGHTS["block1"][..., :7]}, ValueError, "block1: weight axis 3 must be 8"),
        ({"block2": WEIGHTS["block2"][:7]}, ValueError, r"block2: bias must have shape \(7,\)"),
        ({"dense": WEIGHTS["dense"][:, :7]}, ValueError, "dense: weight axis 1 must be 8"),
        ({"dense": WEIGHTS["dense"] * np.nan}, ValueError, r"weights\['dense'\] must be finite"),
        (
            {"dense": WEIGHTS["dense"].astype(int)},
            TypeError,
            r"weights\[.dense.\] must be an array",
        ),
    ],
)
def test_bad_weights_are_refused(change, error, message):
    weights = {name: w for name, w in (WEIGHTS | change).items() if w is not None}
    with pytest.raises(error, match=message):
        resnet.stem_block(weights, BIASES)


def test_bad_biases_are_refused():
    with pytest.raises(ValueError, match="biases must have the keys"):
        resnet.stem_block(WEIGHTS, {})
    with pytest.raises(ValueError, match=r"stem: bias must have shape \(8,\), got \(9,\)"):
        resnet.stem_block(WEIGHTS, BIASES | {"stem": np.zeros(9, np.float32)})
    with pytest.raises(ValueError, match="block2: weight axis 0 must be 8"):
        resnet.stem_block(
            WEIGHTS | {"block2": WEIGHTS["block2"][:7]},
            BIASES | {"block2": BIASES["block2"][:7]},
        )


def test_the_network_keeps_copies_of_its_weights():
    weights = {name: w.copy() for name, w in WEIGHTS.items()}
    net = resnet.stem_block(weights, BIASES)
    weights["stem"][:] = 0
    assert net(IMAGES).tolist() == NET(IMAGES).tolist()


@pytest.mark.parametrize(
    ("nodes", "error", "message"),
    [
        ([("a", ("input",)), ("a", ("a",))], ValueError, "'a': it must have a name of its own"),
        ([("input", ("input",))], ValueError, "'input': it must have a name of its own"),
        ([("a", "input")], TypeError, "'a': Node: inputs must be a tuple, got 'input'"),
        ([("a", ("b",)), ("b", ("input",))], ValueError, r"'a': inputs .* got \['b'\]"),
        ([("a", ("input",), "c")], ValueError, "'a': observe must be one of .*, got 'c'"),
    ],
)
def test_wiring_that_cannot_run_is_refused_when_the_network_is_made(nodes, error, message):
    with pytest.raises(error, match=f"layer {message}"):
        Network([Node(name, ReLU6(), *rest) for name, *rest in nodes], channels=3)


def test_a_ledger_of_an_input_grid_without_code_0():
    grid = Grid(0.1, -120, -128, -100)
    node = Node("pad", layers.QPad2D(grid, (1, 1, 1, 1)), ("input",))
    rows = QNetwork((node,), {"input": grid, "pad": grid}, {}, (2, 2, 1)).ledger()
    assert [row.name for row in rows] == ["input", "pad"]


@pytest.mark.parametrize("rows", [[None], [QNET.ledger()[0], "row"], "rows"])
def test_a_ledger_has_rows_alone(rows):
    with pytest.raises(TypeError, match="rows.* must be a (LedgerRow|Sequence), got"):
        format_ledger(rows)


def test_logits_are_on_the_last_layer_s_grid():
    codes, grid = np.int8([[7]]), QNET.nodes[-1].layer.out_grid
    assert QNET.nodes[-2].layer.out_grid.scale != grid.scale
    assert QNET.dequantize(codes) == np.float32(grid.scale) * (7 - grid.zero_point)


ORIGINALS = {type(case.original): case.original for case in LAYER_CASES.values()}


@pytest.mark.parametrize("layer", ORIGINALS.values(), ids=lambda layer: type(layer).__name__)
def test_a_layer_that_needs_a_grid_of_its_own_must_say_what_it_observes(layer):
    """Whether it needs one, its int8 layer tells: it passes the very grid on, or makes another."""
    case = next(case for case in LAYER_CASES.values() if type(case.original) is type(layer))
    inputs = ("input",) * len(case.shapes)
    assert layer.requantizes == all(case.layer.out_grid is not grid for grid in case.layer.in_grids)
    Network([Node("made", layer, inputs, observe="made")], channels=3)
    if layer.requantizes:
        with pytest.raises(ValueError, match="layer 'made': observe must name a tensor: "):
            Network([Node("made", layer, inputs)], channels=3)
    else:
        Network([Node("made", layer, inputs)], channels=3)


@pytest.mark.parametrize("layer", ORIGINALS.values(), ids=lambda layer: type(layer).__name__)
def test_too_many_or_too_few_inputs_are_refused(layer):
    fitting = {1, 2, 3} if type(layer) is Concat else {len(signature(layer.forward).parameters)}
    for count in {0, 1, 2, 3} - fitting:
        with pytest.raises(ValueError, match=f"'made': {type(layer).__name__} cannot read inputs"):
            Network([Node("made", layer, ("input",) * count, "made")], channels=3)


@pytest.mark.parametrize("layer", [None, ReLU6, layers.QClamp(Grid(1.0, 0), 0, 1), "relu"])
def test_what_is_no_float_layer_is_refused(layer):
    with pytest.raises(TypeError, match="layer 'made': its layer must be a FloatLayer, got"):
        Network([Node("made", layer, ("input",))], channels=3)


def test_the_channels_are_at_least_one():
    assert Network((), channels=1).channels == 1
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="Network: channels must be an integer >= 1, got"):
            Network((), channels=wrong)


def test_a_network_without_a_layer_has_no_logits():
    net = Network((), channels=3)
    assert list(net.trace(IMAGES)) == ["input"]
    for call in (net, net.quantize):
        with pytest.raises(ValueError, match="the network must have at least one layer, got none"):
            call(IMAGES)


class Foreign:
    """A float layer whose quantize makes no layer; it does not say whether it requantizes."""

    def forward(self, x):
        return x

    def quantize(self, in_grid, out_grid, scheme):
        return in_grid


def test_a_quantize_that_makes_no_layer_is_named():
    net = Network([Node("made", Foreign(), ("input",))], channels=3)
    assert net(IMAGES).tolist() == IMAGES.tolist()
    with pytest.raises(TypeError, match="'made': what its quantize returns must be a Layer, got"):
        net.quantize(IMAGES)
