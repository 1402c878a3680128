"""The digit network: its data, its accuracy in float and int8, its hard sibling, its file."""

import dataclasses
import functools
import hashlib
import pickle
import zipfile

import numpy as np
import pytest

from tinyq.layers import QConv2D, QConv2DPerChannel
from tinyq.models import digits
from tinyq.network import Network, QNetwork

DIGITS = digits.load()
TEST_LABELS = DIGITS.labels[DIGITS.test]
# SHA-256 of load_digits().images and .target of scikit-learn 1.9.1, as bytes
SCANS_SHA = "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
LABELS_SHA = "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"


def accuracy(model) -> float:
    """Percent of the test images that a network, float or int8, names rightly."""
    return 100 * float((model(DIGITS.images[DIGITS.test]).argmax(axis=1) == TEST_LABELS).mean())


def quantize(net: Network) -> QNetwork:
    """The int8 network, per channel, by min/max over the calibration images."""
    return net.quantize(DIGITS.images[DIGITS.calibration])


def per_tensor(net: Network, qnet: QNetwork) -> QNetwork:
    """qnet with one weight scale a convolution; every other layer and every grid is the same."""
    nodes = []
    for node, floats in zip(qnet.nodes, net.nodes, strict=True):
        layer = node.layer
        if isinstance(layer, QConv2DPerChannel):
            conv = floats.layer
            grids = layer.in_grid, layer.out_grid
            layer = QConv2D.from_float(conv.weights, conv.bias, *grids, conv.stride)
        nodes.append(dataclasses.replace(node, layer=layer))
    return dataclasses.replace(qnet, nodes=tuple(nodes))


@functools.cache
def accuracies(name: str) -> tuple[float, float, float]:
    """Test accuracy of DIGITS.net or DIGITS.wide_net: float, int8 per tensor, int8 per channel."""
    net = getattr(DIGITS, name)
    qnet = quantize(net)
    return accuracy(net), accuracy(per_tensor(net, qnet)), accuracy(qnet)


def test_the_scans_are_scikit_learns():
    assert DIGITS.scans.shape == (1797, 8, 8)
    assert hashlib.sha256(DIGITS.scans.tobytes()).hexdigest() == SCANS_SHA
    assert hashlib.sha256(DIGITS.labels.astype(np.uint8).tobytes()).hexdigest() == LABELS_SHA
    assert "CC BY 4.0" in DIGITS.source and "Alpaydin" in DIGITS.source


def test_each_part_has_its_share_of_each_digit_and_none_of_another_part():
    counts = {part: np.bincount(DIGITS.labels[getattr(DIGITS, part)]) for part in digits.PARTS}
    assert counts["test"].tolist() == [50] * 10
    assert counts["calibration"].tolist() == [20] * 10
    assert counts["train"].sum() == 1097
    together = np.concatenate([DIGITS.train, DIGITS.calibration, DIGITS.test])
    assert sorted(together.tolist()) == list(range(1797))


def test_an_image_shows_each_scanned_pixel_four_times_in_grey():
    assert DIGITS.images.dtype == np.float32 and DIGITS.images.shape == (1797, 16, 16, 3)
    for y, x, c in [(0, 0, 0), (0, 1, 2), (1, 0, 1), (1, 1, 0)]:
        got = DIGITS.images[:, y::2, x::2, c] * 16
        assert np.array_equal(got, DIGITS.scans), (y, x, c)
    assert DIGITS.images.min() == 0 and DIGITS.images.max() == 1


def test_the_trained_network_has_the_seeds_shape_and_reads_digits():
    weights = {name: array.shape for name, array in DIGITS.weights.items()}
    block = (8, 3, 3, 8)
    assert weights == {"stem": (8, 7, 7, 3), "block1": block, "block2": block, "dense": (10, 8)}
    floats, _, per_channel = accuracies("net")
    assert floats >= 97
    assert per_channel >= floats - 0.5


def test_the_wide_sibling_is_the_same_function_to_the_last_bit():
    images = DIGITS.images[DIGITS.test]
    assert DIGITS.wide_net(images).tobytes() == DIGITS.net(images).tobytes()


def test_the_wide_siblings_channels_differ_by_a_hundred_times():
    weights, _ = DIGITS.widened()
    largest = [float(np.abs(channel).max()) for channel in weights["block1"]]
    assert max(largest) > 100 * min(largest)


def test_one_scale_a_tensor_fails_on_the_wide_sibling_and_one_a_channel_does_not():
    floats, one_scale, scale_a_channel = accuracies("wide_net")
    assert one_scale <= floats - 10
    assert scale_a_channel > floats - 10
    assert accuracies("net")[1] > floats - 1, "the trained network itself does not fail"


def write(path, **changes):
    """Write the package's file to path with arrays replaced, added, or (None) left out."""
    with np.load(digits.PATH) as archive:
        arrays = {**archive, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def edited(name, index, value):
    """The file's array `name` with one element replaced."""
    array = np.load(digits.PATH)[name].copy()
    array[index] = value
    return array


TAMPERED = {
    "no gamma": ({"stem_gamma": None}, r"arrays missing: \['stem_gamma'\]"),
    "a stranger": ({"extra": np.zeros(3)}, r"arrays unknown: \['extra'\]"),
    "float64": ({"dense_bias": np.zeros(10)}, "dense_bias must be float32, got float64"),
    "signed labels": ({"labels": np.zeros(1797, np.int8)}, "labels must be uint8, got int8"),
    "objects": ({"dense_bias": np.array([{}] * 10)}, "Python objects, and nothing is unpickled"),
    "text": ({"dense_bias": np.array("ten numbers")}, "dense_bias must be float32"),
    "number": ({"source": np.float32(1)}, "source must be str_"),
    "nine classes": ({"dense_bias": np.zeros(9, np.float32)}, "dense_bias must have shape"),
    "a flat kernel": ({"stem_weights": np.zeros((8, 147), np.float32)}, "stem_weights must have"),
    "16 filters": ({"block1_mean": np.zeros(16, np.float32)}, "block1_mean must have shape"),
    "one label short": ({"labels": np.zeros(1796, np.uint8)}, "labels must have shape"),
    "nobody to test": ({"test": np.zeros(0, np.int16)}, "test must have shape"),
    "NaN": ({"stem_weights": edited("stem_weights", (0, 0, 0, 0), np.nan)}, "stem_weights holds"),
    "infinity": (
        {"block2_beta": edited("block2_beta", 7, -np.inf)},
        "block2_beta holds NaN or inf",
    ),
    "too much ink": (
        {"scans": edited("scans", (5, 0, 0), 17)},
        r"scans must lie in 0\.\.16, got 17",
    ),
    "an 11th digit": ({"labels": edited("labels", 3, 10)}, r"labels must lie in 0\.\.9, got 10"),
    "negative var": ({"block1_var": edited("block1_var", 0, -1)}, "block1_var must be >= 0"),
    "no eps": ({"stem_eps": np.float32(0)}, "stem_eps > 0"),
    "an image in two parts": ({"test": edited("test", 0, 1)}, "index of each image once"),
    "an image of none": ({"test": edited("test", -1, 1797)}, "index of each image once"),
    "a large array": ({"extra": np.zeros(10**6, np.uint8)}, "unpacks to .* more than 1000000"),
}


@pytest.mark.parametrize(("changes", "message"), TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_file_is_refused_by_name_and_fault(tmp_path, changes, message):
    path = tmp_path / "other.npz"
    write(path, **changes)
    with pytest.raises(ValueError, match=f"other.npz is not a file of trained digits: .*{message}"):
        digits.load(path)


def test_the_rewritten_file_without_a_change_is_taken(tmp_path):
    write(tmp_path / "same.npz")
    again = digits.load(tmp_path / "same.npz")
    assert np.array_equal(again.weights["stem"], DIGITS.weights["stem"])
    assert np.array_equal(again.test, DIGITS.test)


class Payload:
    """Unpickling this makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_nothing_in_a_file_is_unpickled(tmp_path):
    trace = tmp_path / "unpickled"
    bare, packed = tmp_path / "bare.npz", tmp_path / "packed.npz"
    bare.write_bytes(pickle.dumps(Payload(trace)))
    write(packed, dense_bias=np.array([Payload(trace)] * 10, object))
    for path in (bare, packed):
        with pytest.raises(ValueError, match=f"{path.name} is not a file of trained digits"):
            digits.load(path)
    assert not trace.exists()


def test_a_foreign_file_is_refused(tmp_path):
    array = tmp_path / "array.npz"
    with array.open("wb") as file:
        np.save(file, np.zeros(3))
    archive = tmp_path / "archive.npz"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.txt", "not an array")
    text, empty = tmp_path / "text.npz", tmp_path / "empty.npz"
    text.write_text("scale,zero_point\n")
    empty.touch()
    for path in (array, archive, text, empty):
        with pytest.raises(ValueError, match=f"{path.name} is not a file of trained digits: "):
            digits.load(path)
    with pytest.raises(ValueError, match="it is no .npz of named arrays"):
        digits.load(array)
    with pytest.raises(FileNotFoundError):
        digits.load(tmp_path / "none.npz")


def test_every_truncation_is_refused(tmp_path):
    whole, path = digits.PATH.read_bytes(), tmp_path / "part.npz"
    for length in [*range(0, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="part.npz is not a file of trained digits: "):
            digits.load(path)


def test_a_flipped_byte_is_refused_or_changes_nothing(tmp_path):
    whole, path = digits.PATH.read_bytes(), tmp_path / "flipped.npz"
    rng, refused = np.random.default_rng(8), 0
    places = np.concatenate([rng.integers(0, len(whole), 100), rng.integers(-3000, 0, 100)])
    for place in places:  # the last 3,000 bytes are the zip's table of contents
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            got = digits.load(path)
        except ValueError as error:
            assert "flipped.npz is not a file of trained digits: " in str(error)
            refused += 1
        else:
            assert got.scans.tobytes() == DIGITS.scans.tobytes(), place
            for name, weights in got.weights.items():
                assert weights.tobytes() == DIGITS.weights[name].tobytes(), place
    assert refused >= 100
