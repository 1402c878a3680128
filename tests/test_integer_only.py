"""The run time is integer only: every forward runs on arrays that refuse any float operation."""

from dataclasses import is_dataclass, replace

import numpy as np
import pytest

from tinyq import Grid, layers
from tinyq.layers.functions import Function
from tinyq.layers.linear import Linear
from tinyq.models import resnet

seed = resnet.seed()
QNET = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
TRACE = QNET.trace(seed.images[:2])


class NoFloat(np.ndarray):
    """An array that raises when an operation reads or makes a float."""

    @classmethod
    def _refuse(cls, values, what):
        for value in values if isinstance(values, tuple | list) else (values,):
            if isinstance(value, tuple | list):
                cls._refuse(value, what)
            elif getattr(getattr(value, "dtype", None), "kind", "") in "fc" and isinstance(
                value, np.ndarray | np.generic
            ):
                raise AssertionError(f"{what} touched {value.dtype}")
            elif isinstance(value, float):
                raise AssertionError(f"{what} touched a Python float")

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        self._refuse(inputs, ufunc.__name__)
        plain = [x.view(np.ndarray) if isinstance(x, NoFloat) else x for x in inputs]
        if out is not None:
            kwargs["out"] = tuple(x.view(np.ndarray) for x in out)
        result = getattr(ufunc, method)(*plain, **kwargs)
        self._refuse(result, ufunc.__name__)
        return np.asarray(result).view(NoFloat)

    def __array_function__(self, func, types, args, kwargs):
        self._refuse((*args, *kwargs.values()), func.__name__)
        result = super().__array_function__(func, types, args, kwargs)
        self._refuse(result, func.__name__)
        return result

    def astype(self, dtype, *args, **kwargs):
        if np.dtype(dtype).kind in "fc":
            raise AssertionError(f"astype touched {np.dtype(dtype)}")
        return super().astype(dtype, *args, **kwargs)


class Poison:
    """A number that nobody may look at."""

    def __getattribute__(self, name):
        raise AssertionError(f"a float field was read ({name})")

    def _raise(self, *_):
        raise AssertionError("a float field took part in arithmetic")

    __add__ = __radd__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __float__ = _raise
    __sub__ = __rsub__ = __lt__ = __gt__ = __bool__ = __int__ = __index__ = __array__ = _raise


def guard(value):
    """Return a copy of a layer whose int arrays refuse floats and whose floats are poison."""
    if isinstance(value, np.ndarray):
        return Poison() if value.dtype.kind == "f" else value.view(NoFloat)
    if isinstance(value, float):
        return Poison()
    if isinstance(value, tuple):
        return tuple(guard(item) for item in value)
    if is_dataclass(value):
        twin = object.__new__(type(value))
        for name, item in vars(value).items():  # its fields, and what is derived from them
            object.__setattr__(twin, name, guard(item))
        return twin
    return value


A, B = Grid(0.1, -5), Grid(0.3, 7)
EXTRA = {
    "QConv2D": (
        layers.QConv2D.from_float(
            np.ones((2, 3, 2, 3), np.float32), np.ones(2, np.float32), A, Grid(0.01, 3), (2, 1)
        ),
        [TRACE["input"]],
    ),
    "QAvgPool2D": (layers.QAvgPool2D(A, (3, 2), (2, 1), (1, 0, 0, 1)), [TRACE["input"]]),
    "QDepthwiseConv2D": (
        layers.QDepthwiseConv2D.from_float(
            np.ones((6, 3, 2), np.float32), np.ones(6, np.float32), A, Grid(0.01, 3), 2, (2, 1)
        ),
        [TRACE["input"]],
    ),
    "QMean": (layers.QMean(A, Grid(0.03, 2), (0, 2)), [TRACE["input"]]),
    "QConcat": (layers.QConcat((A, A), 1), [TRACE["input"], TRACE["input"]]),
    "QPad": (layers.QPad(A, ((0, 0), (1, 0), (0, 2))), [TRACE["input"]]),
    "QReshape": (layers.QReshape(A, (-1,)), [TRACE["input"]]),
    "QTranspose": (layers.QTranspose(A, (2, 0, 1)), [TRACE["input"]]),
    "qrelu6": (layers.qrelu6(A), [TRACE["input"]]),
    "QConstant": (layers.QConstant(A, np.int8([[1], [2]])), []),
    "QMul": (layers.QMul.from_float(A, B, B), [TRACE["input"], TRACE["input"]]),
    "QRescale": (layers.QRescale.from_float(A, B), [TRACE["input"]]),
    "QMeanPool2D": (layers.QMeanPool2D.from_float(A, B, (3, 2), (2, 1)), [TRACE["input"]]),
    "QSoftmax": (layers.QSoftmax(A, Grid(1 / 256, -128)), [TRACE["input"]]),
    "QSoftmaxToGrid": (layers.QSoftmaxToGrid.from_float(A, Grid(1 / 255, -128)), [TRACE["input"]]),
    "QSub": (layers.QSub.from_float(A, B, B), [TRACE["input"], TRACE["input"][:, :1, :1]]),
    "QTable": (layers.QTable.of(Function.HARD_SWISH, A, B), [TRACE["input"]]),
    "left shift": (
        layers.QDense.from_float(
            np.full((2, 8), 9, np.float32), np.ones(2, np.float32), A, Grid(0.001, 3)
        ),
        [TRACE["global_avgpool"]],
    ),
}
CASES = {node.name: (node.layer, [TRACE[n] for n in node.inputs]) for node in QNET.nodes} | EXTRA


@pytest.mark.parametrize("name", CASES)
def test_forward_touches_no_float(name):
    layer, inputs = CASES[name]
    got = guard(layer).forward(*(codes.view(NoFloat) for codes in inputs))
    assert np.asarray(got).tolist() == layer.forward(*inputs).tolist()


def test_every_layer_is_among_the_cases():
    tried = {type(layer).__name__ for layer, _ in CASES.values()}
    assert tried == {name for name in layers.__all__ if name.startswith("Q")}


@pytest.mark.parametrize(
    "fault",
    [
        lambda x: x * 0.5,
        lambda x: x / 2,
        lambda x: x.mean(),
        lambda x: np.mean(x),
        lambda x: np.sqrt(x),
        lambda x: x.astype(np.float32),
        lambda x: np.float32(2) * x,
        lambda x: np.round(x * 1.0),
        lambda x: np.where(x > 0, 0.5, 1),
        lambda x: np.add(x, x, dtype=np.float64),
    ],
)
def test_the_guard_catches_a_float(fault):
    with pytest.raises(AssertionError, match="touched"):
        fault(np.arange(4, dtype=np.int32).view(NoFloat))


def test_the_guard_catches_a_float_field():
    with pytest.raises(AssertionError, match="float field"):
        guard(A).scale * 2
    conv = next(node.layer for node in QNET.nodes if isinstance(node.layer, Linear))
    floats = replace(conv, requantizer=replace(conv.requantizer, rounding=float32()))
    with pytest.raises(AssertionError):
        guard(floats).forward(TRACE["stem_pad"].view(NoFloat))


def float32():
    from tinyq import Rounding

    return Rounding.FLOAT32
