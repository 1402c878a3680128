"""Network.quantize_on: the int8 network on ranges that are known already."""

import re

import numpy as np
import pytest

from tinyq import Grid, MinMax, Scheme
from tinyq.models import resnet

WEIGHTS, BIASES, IMAGES = resnet.seed()
NET = resnet.stem_block(WEIGHTS, BIASES)
SHAPE = (16, 16, 3)


@pytest.mark.parametrize(
    "scheme", [Scheme(), Scheme(4, 5, per_channel=False)], ids=["int8", "few bits"]
)
def test_calibrating_first_gives_the_network_of_quantize(scheme):
    schemes = {"block_conv3x3_a": Scheme(2, 3)}
    found = NET.quantize_on(NET.calibrate(IMAGES), SHAPE, scheme=scheme, schemes=schemes)
    want = NET.quantize(IMAGES, scheme=scheme, schemes=schemes)
    assert found.grids == want.grids and found.image_shape == want.image_shape
    assert found.ranges == NET.calibrate(IMAGES)
    got, codes = found.trace(IMAGES[:2]), want.trace(IMAGES[:2])
    assert all(np.array_equal(got[name], codes[name]) for name in codes)


def test_a_range_of_ones_own_makes_its_grid_and_no_other():
    ranges = NET.calibrate(IMAGES)
    before = NET.quantize_on(ranges, SHAPE)
    after = NET.quantize_on(ranges | {"block_conv3x3_b": MinMax(-1.0, 3.0)}, SHAPE)
    assert after.grids["block_conv3x3_b"] == Grid.from_range(-1.0, 3.0)
    changed = [name for name in before.grids if before.grids[name] != after.grids[name]]
    assert changed == ["block_conv3x3_b"]
    assert ranges["block_conv3x3_b"].hi > 3  # the caller's ranges are left alone


def test_only_the_six_observed_tensors_need_a_range():
    ranges = NET.calibrate(IMAGES)
    observed = ["input", *(node.observe for node in NET.nodes if node.observe)]
    six = {name: ranges[name] for name in observed}
    assert len(six) == 6
    assert np.array_equal(NET.quantize_on(six, SHAPE)(IMAGES), NET.quantize(IMAGES)(IMAGES))
    for name in observed:
        rest = {other: seen for other, seen in six.items() if other != name}
        with pytest.raises(ValueError, match=re.escape(f"ranges must have ['{name}'], got")):
            NET.quantize_on(rest, SHAPE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": MinMax()}, "layer 'input': the observer saw no data"),
        ({"block_relu_b": MinMax(0.0, 1e-9)}, "layer 'block_add': "),
        ({"dense_8x4": MinMax(-3e38, 3e38)}, "layer 'dense_8x4': no float32 scale"),
    ],
    ids=["nothing seen", "sum overflows", "too wide"],
)
def test_ranges_without_a_network_are_refused_with_the_layers_name(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        NET.quantize_on(NET.calibrate(IMAGES) | change, SHAPE)


def test_an_unknown_name_in_schemes_is_refused():
    with pytest.raises(ValueError, match="schemes must have names among"):
        NET.quantize_on(NET.calibrate(IMAGES), SHAPE, schemes={"stem": Scheme()})


OBSERVED = ["input", *(node.observe for node in NET.nodes if node.observe)]
RANGES = NET.calibrate(IMAGES)


class Wide(MinMax):
    """An observer that takes no heed of the codes it is asked for."""

    def grid(self, qmin=-128, qmax=127):
        return super().grid()


class Mute(MinMax):
    """An observer whose grid is none."""

    def grid(self, qmin=-128, qmax=127):
        return self.lo, self.hi


@pytest.mark.parametrize("name", OBSERVED)
def test_an_observer_that_ignores_the_bits_is_refused_by_name(name):
    ranges = RANGES | {name: Wide(-1.0, 1.0)}
    assert NET.quantize_on(ranges, SHAPE).grids["input"].qmax == 127
    with pytest.raises(ValueError, match=rf"{name}'\].grid must keep to codes -8..7, got Grid"):
        NET.quantize_on(ranges, SHAPE, scheme=Scheme(activation_bits=4))
    with pytest.raises(TypeError, match=rf"what ranges\['{name}'\].grid returns must be a Grid"):
        NET.quantize_on(RANGES | {name: Mute(-1.0, 1.0)}, SHAPE)


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", [None, MinMax, (-1.0, 1.0), Grid(1.0, 0), "MinMax"])
def test_ranges_that_are_no_observers_are_refused_by_name(name, value):
    with pytest.raises(TypeError, match=rf"ranges\['{name}'\] must be a Observer, got"):
        NET.quantize_on(RANGES | {name: value}, SHAPE)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((99,), r"image_shape must have C = 3, got \(99,\)"),
        ((), r"image_shape must have C = 3, got \(\)"),
        ((16, 3), r"layer 'stem_pad': it must read \(H, W, C\), got \(16, 3\)"),
        ((1, 16, 16, 3), r"layer 'stem_pad': it must read \(H, W, C\), got \(1, 16, 16, 3\)"),
        ((0, 16, 3), r"image_shape \(H, W, C\) must be 3 integers >= 1"),
        ((16, -1, 3), r"image_shape \(H, W, C\) must be 3 integers >= 1"),
        ((16, 16, 4), r"image_shape must have C = 3, got \(16, 16, 4\)"),
        ((16, 16, 2), "image_shape must have C = 3"),
        ((2, 16, 3), r"layer 'stem_maxpool2x2': .*kernel \(2, 2\) must fit the image"),
    ],
)
def test_images_that_the_network_cannot_read_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        NET.quantize_on(RANGES, shape)


def test_the_smallest_image_that_the_kernels_fit_is_taken():
    qnet = NET.quantize_on(RANGES, [np.int64(3), 3, 3])
    assert qnet.image_shape == (3, 3, 3) and {type(size) for size in qnet.image_shape} == {int}
    assert qnet(IMAGES[:1, :3, :3]).shape == (1, 4)
