"""The float layers against float64 sums, and their sums' order against a loop nest."""

import numpy as np
import pytest

from tinyq import floatref

RNG = np.random.default_rng(12)
X = RNG.normal(size=(2, 5, 7, 3)).astype(np.float32)


def test_conv_sums_in_loop_order_to_the_bit():
    w = RNG.normal(size=(4, 3, 2, 3)).astype(np.float32)
    b = RNG.normal(size=4).astype(np.float32)
    got = floatref.Conv2D(w, b, (2, 1)).forward(X)
    assert got.shape == (2, 2, 6, 4)
    for n, y, x, o in np.ndindex(*got.shape):
        total = b[o]
        for ky, kx, c in np.ndindex(3, 2, 3):
            total = total + X[n, 2 * y + ky, x + kx, c] * w[o, ky, kx, c]
        assert got[n, y, x, o] == total


def test_dense_sums_in_loop_order_to_the_bit():
    w, b = RNG.normal(size=(4, 9)).astype(np.float32), RNG.normal(size=4).astype(np.float32)
    x = RNG.normal(size=(3, 9)).astype(np.float32)
    for n, o in np.ndindex(3, 4):
        total = b[o]
        for i in range(9):
            total = total + x[n, i] * w[o, i]
        assert floatref.Dense(w, b).forward(x)[n, o] == total


@pytest.mark.parametrize(
    ("kernel", "stride"), [((2, 2), (2, 2)), ((3, 2), (1, 3)), ((5, 7), (9, 9))]
)
def test_pools(kernel, stride):
    tops = range(0, 5 - kernel[0] + 1, stride[0])
    lefts = range(0, 7 - kernel[1] + 1, stride[1])
    windows = [[X[:, t : t + kernel[0], q : q + kernel[1]] for q in lefts] for t in tops]
    most = np.stack([np.stack([w.max((1, 2)) for w in row], 1) for row in windows], 1)
    mean = np.stack(
        [np.stack([w.astype(float).mean((1, 2)) for w in row], 1) for row in windows], 1
    )
    assert (floatref.MaxPool2D(kernel, stride).forward(X) == most).all()
    assert np.abs(floatref.AvgPool2D(kernel, stride).forward(X) - mean).max() < 1e-6


def test_the_border_of_a_max_pool_never_wins():
    image = -1 - np.abs(X)
    pool = floatref.MaxPool2D((3, 4), (2, 3), (1, 2, 3, 0))
    around = np.full((2, 1 + 5 + 2, 3 + 7, 3), np.float32(-1e9))
    around[:, 1:-2, 3:] = image
    assert (pool.forward(image) == floatref.MaxPool2D((3, 4), (2, 3)).forward(around)).all()
    assert pool.forward(image).max() < 0
    with pytest.raises(ValueError, match="MaxPool2D: pads must be below the kernel"):
        floatref.MaxPool2D((3, 4), (2, 3), (3, 0, 0, 0))


def test_the_simple_layers():
    padded = floatref.Pad2D((1, 0, 2, 3)).forward(X)
    assert padded.shape == (2, 6, 12, 3) and (padded[:, 1:, 2:-3] == X).all()
    assert padded.sum() == pytest.approx(X.sum(), rel=1e-5)
    assert (floatref.ReLU().forward(X) == X * (X > 0)).all()
    assert floatref.ReLU6().forward(np.float32([-1, 3, 7])).tolist() == [0, 3, 6]
    assert (floatref.Add().forward(X, X) == 2 * X).all()
    assert np.abs(floatref.GlobalAvgPool2D().forward(X) - X.mean((1, 2))).max() < 1e-6


def test_every_float_layer_stays_float32():
    for layer in (
        floatref.Pad2D((1, 1, 1, 1)),
        floatref.ReLU(),
        floatref.ReLU6(),
        floatref.MaxPool2D((2, 2), (2, 2)),
        floatref.AvgPool2D((2, 2), (2, 2)),
        floatref.GlobalAvgPool2D(),
    ):
        assert layer.forward(X).dtype == np.float32, layer


def test_other_channels_than_the_weights_read_are_refused():
    bias = np.zeros(1, np.float32)
    with pytest.raises(ValueError, match=r"Dense.forward: x must have C = 9, got shape \(1, 3\)"):
        floatref.Dense(np.ones((1, 9), np.float32), bias).forward(np.ones((1, 3), np.float32))
    with pytest.raises(ValueError, match="Conv2D.forward: x must have C = 2, got shape"):
        floatref.Conv2D(np.ones((1, 1, 1, 2), np.float32), bias).forward(X)


ONE, ZERO = np.ones((1, 2, 2, 3), np.float32), np.zeros(1, np.float32)
ROW = np.ones((1, 3), np.float32)
MADE = {
    "Conv2D": lambda **new: floatref.Conv2D(**{"weights": ONE, "bias": ZERO} | new),
    "Dense": lambda **new: floatref.Dense(**{"weights": ROW, "bias": ZERO} | new),
    "MaxPool2D": lambda **new: floatref.MaxPool2D(**{"kernel": (1, 1), "stride": (1, 1)} | new),
    "AvgPool2D": lambda **new: floatref.AvgPool2D(**{"kernel": (1, 1), "stride": (1, 1)} | new),
    "Pad2D": lambda **new: floatref.Pad2D(**{"pads": (0, 0, 0, 0)} | new),
}
FILTERS = [ONE[..., None], ONE[0], ONE[:, :0], ONE[:, :, :0], ONE[..., :0], ONE[:0]]
REFUSED = [("Conv2D", "weights", value) for value in FILTERS]
REFUSED += [("Dense", "weights", value) for value in (ONE, ROW[0], ROW[:0], ROW[:, :0])]
for kind, right in (("Conv2D", ONE), ("Dense", ROW)):
    REFUSED += [(kind, "weights", right * odd) for odd in (np.nan, np.inf, -np.inf)]
    REFUSED += [(kind, "bias", value) for value in (ZERO[:0], ROW[0], ZERO[0], ZERO + np.nan)]
for kind in ("Conv2D", "MaxPool2D", "AvgPool2D"):
    REFUSED += [(kind, "stride", value) for value in ((0, 1), (1, 0), (1,), (1, 1, 1), (-1, 1), 2)]
for kind in ("MaxPool2D", "AvgPool2D"):
    REFUSED += [(kind, "kernel", value) for value in ((0, 0), (0, 1), (1, 0), (-1, 1), (1,), 1)]
for kind in ("MaxPool2D", "Pad2D"):
    REFUSED += [(kind, "pads", value) for value in ((-1, 0, 0, 0), (0, 0, 0, -1), (0, 0), 0)]


@pytest.mark.parametrize(("kind", "name", "value"), REFUSED)
def test_what_cannot_run_is_refused_when_the_layer_is_made(kind, name, value):
    assert MADE[kind]() is not None
    with pytest.raises((TypeError, ValueError), match=f"^{kind}: {name} "):
        MADE[kind](**{name: value})


def test_an_add_never_broadcasts():
    for a, b in ((X, X[:1]), (X, X[..., :1]), (X[0], X), (ROW, ROW[0])):
        with pytest.raises(ValueError, match=r"Add.forward: a and b must have one shape, got \("):
            floatref.Add().forward(a, b)


def test_a_mean_of_no_pixel_is_refused():
    for image in (X[:, :0], X[:, :, :0]):
        with pytest.raises(ValueError, match=r"GlobalAvgPool2D.forward: kernel \(1, 1\) must fit"):
            floatref.GlobalAvgPool2D().forward(image)


@pytest.mark.parametrize("layer", [made() for made in MADE.values()] + [floatref.GlobalAvgPool2D()])
def test_arrays_of_another_rank_are_refused(layer):
    for x in (ROW[0],) if isinstance(layer, floatref.Dense) else (X[0], X[None], ROW[0]):
        with pytest.raises(
            ValueError, match=rf"^{type(layer).__name__}.forward: x must have shape"
        ):
            layer.forward(x)
