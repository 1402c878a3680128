"""The gate itself: each check against its own statement of what it takes, and hostile objects."""

import inspect
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeVar, get_type_hints, runtime_checkable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from tinyq import checks
from tinyq.checks.asked import asked
from tinyq.checks.values import shown

SEEDED = settings(derandomize=True, deadline=None, max_examples=400)
FLOAT32_MAX = (2 - Fraction(1, 2**23)) * 2**127
ROUNDS_BEYOND = FLOAT32_MAX + Fraction(2**103)  # from here on the nearest float32 is infinite


class Colour(IntEnum):
    RED = 3


class Word(str):
    """A string of a class of its own."""


class Hostile:
    """Whatever is asked of it, it raises what no check foresees."""

    def _raise(self, *_, **__):
        raise RuntimeError("hostile")

    __repr__ = __str__ = __array__ = __len__ = __getitem__ = __iter__ = _raise
    __float__ = __int__ = __index__ = __bool__ = __eq__ = __lt__ = __hash__ = _raise


class LateMask:
    """It turns into a masked array when NumPy looks at it."""

    def __array__(self, dtype=None, copy=None):
        return np.ma.array([1.0, 2.0], mask=[True, False])


class HostileList(list):
    def __iter__(self):
        raise KeyError("hostile")


ENDLESS: list = []
ENDLESS.append(ENDLESS)
BOTTOMLESS: list = [1.0]
for _ in range(5000):
    BOTTOMLESS = [BOTTOMLESS]
MASKED = np.ma.array([1.0, 2.0], mask=[False, True])
MATRIX = np.ones((1, 1)).view(np.matrix)
# What is no array of numbers in any reading.
NO_ARRAY = [
    *[Hostile(), [Hostile()], LateMask(), HostileList([0.5]), ENDLESS, BOTTOMLESS],
    *[MASKED, [MASKED], [np.ma.masked], (1.0, [MASKED]), MATRIX, [MATRIX]],
    *[None, [None], object(), {}, {0.5}, {"a": 0.5}, lambda: 0.5, (x for x in [0.5]), float],
    *["0.5", Word("0.5"), b"0.5", ["0.5"], np.array(["a"]), np.array([b"a"]), np.str_("1")],
    *[True, [True, 0.5], (0.5, (True,)), deque([True, 0.5]), np.True_, [np.True_, 1]],
    *[np.array([True]), [np.array([True]), np.array([0.5])], np.zeros(0, bool)],
    *[1j, [1j], np.complex64([1]), np.array([None]), np.array([0.5], object), Fraction(1, 2)],
    *[np.datetime64("2020"), np.timedelta64(3), np.array([3], "m8[s]"), np.array([3], "M8[s]")],
    *[np.zeros(2, [("a", "f4")]), np.zeros(2, "V4"), [[0.5], [0.5, 1.5]], [0.5, [1.5]]],
]
SWAPPED = np.dtype(np.float32).newbyteorder()


def named(value: Any) -> str:
    return type(value).__name__


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or the class of what it raises; the message must have the name."""
    try:
        return call()
    except (TypeError, ValueError) as error:
        assert str(error).startswith(("it must ", "it[")), f"the message does not say what: {error}"
        return type(error)


@pytest.mark.parametrize("value", NO_ARRAY, ids=named)
@pytest.mark.parametrize(
    "check",
    [
        checks.finite_float32,
        checks.finite_float64,
        lambda name, x: checks.integers(name, x, -128, 127),
        lambda name, x: checks.numbers(name, x, (np.floating, np.integer)),
    ],
    ids=["finite_float32", "finite_float64", "integers", "numbers"],
)
def test_what_is_no_array_of_numbers_is_a_type_error(check, value):
    assert outcome(lambda: check("it", value)) is TypeError


@pytest.mark.parametrize("width", [np.float16, np.float32, np.float64, np.longdouble, SWAPPED])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_floats_of_every_width_and_shape_are_taken(width, shape):
    given = np.full(shape, 0.25, width)
    for check, want in ((checks.finite_float32, np.float32), (checks.finite_float64, np.float64)):
        got = check("it", given)
        assert (got.dtype, got.shape) == (want, shape) and (got == 0.25).all()
        assert np.array_equal(check("it", given.tolist()), np.array(given.tolist()))
        assert check("it", got) is got
    with pytest.raises(TypeError, match="it must be signed integers, got an array of "):
        checks.integers("it", given, 0, 1)


@pytest.mark.parametrize("width", [np.int8, np.int16, np.int32, np.int64, ">i4", ">i8"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_signed_integers_of_every_width_and_shape_are_taken(width, shape):
    given = np.full(shape, -7, width)
    assert checks.integers("it", given, -7, -7) is given
    assert checks.finite_float64("it", given).tolist() == given.tolist()
    assert outcome(lambda: checks.integers("it", given, -6, 3)) is ValueError or not given.size
    assert outcome(lambda: checks.finite_float32("it", given)) is TypeError


def test_a_memory_mapped_array_passes_uncopied(tmp_path):
    floats = np.memmap(tmp_path / "floats", np.float32, "w+", shape=(2, 3))
    codes = np.memmap(tmp_path / "codes", np.int8, "w+", shape=(2, 3))
    assert checks.finite_float32("it", floats) is floats
    assert checks.integers("it", codes, -1, 1) is codes
    assert asked("it", codes, NDArray[np.int8]) is codes


def test_an_operator_of_the_arrays_own_class_stays_in_force():
    class Strict(np.ndarray):
        pass

    assert type(checks.integers("it", np.int8([1]).view(Strict), 0, 1)) is Strict


# ------------------------------------------------------------------ numbers, by exact rationals

limits = st.sampled_from([2**7, 2**15, 2**30, 2**31, 2**53, 2**63, 2**64, 2**128, 10**400])
near_limits = st.builds(lambda sign, x, d: sign * (x + d), st.sampled_from([-1, 1]), limits,
                        st.integers(-2, 2))  # fmt: skip
any_int = st.one_of(st.integers(-300, 300), near_limits)
any_float = st.one_of(
    st.floats(),
    st.sampled_from([3.4028235e38, 3.4028236e38, -3.5e38, 1e-46, 5e-324]),
    st.floats(width=32),
)


@SEEDED
@given(any_int, any_int, any_int)
def test_whole_takes_what_lies_within_its_limits(value, least, most):
    want = value if least <= value <= most else ValueError
    assert outcome(lambda: checks.whole("it", value, least, most)) == want
    at_least = value if least <= value else ValueError
    assert outcome(lambda: checks.whole("it", value, least)) == at_least
    assert outcome(lambda: checks.whole("it", value)) == value


@SEEDED
@given(st.lists(any_int, min_size=1, max_size=4), any_int, any_int)
def test_integers_takes_what_lies_within_its_limits(values, least, most):
    fit = all(least <= value <= most and -(2**63) <= value < 2**63 for value in values)
    got = outcome(lambda: checks.integers("it", values, least, most))
    assert got is ValueError if not fit else got.tolist() == values


@SEEDED
@given(any_float)
def test_finite_float32_takes_what_rounds_to_a_finite_float32(value):
    fits = np.isfinite(value) and abs(Fraction(value)) < ROUNDS_BEYOND
    got = outcome(lambda: checks.finite_float32("it", [value]))
    assert got is ValueError if not fits else (got.dtype, got.shape) == (np.float32, (1,))
    if fits:
        error = abs(Fraction(float(got[0])) - Fraction(value))
        assert error <= max(abs(Fraction(value)) / 2**24, Fraction(1, 2**150))


@SEEDED
@given(st.one_of(any_int, any_float))
def test_real_takes_every_finite_number(value):
    exact = isinstance(value, int) and abs(value) < 2**1023
    fits = exact or isinstance(value, float) and np.isfinite(value)
    got = outcome(lambda: checks.real("it", value))
    assert got == float(value) if fits else got is ValueError
    assert type(got) is float or got is ValueError


SCALARS = [
    (Colour.RED, 3),
    *[(kind(3), 3) for kind in (np.int8, np.uint8, np.int64, np.uint64, np.longlong)],
]


@pytest.mark.parametrize(("value", "want"), SCALARS, ids=lambda x: type(x).__name__)
def test_an_integer_of_any_type_becomes_pythons_own(value, want):
    for got in (checks.whole("it", value), checks.whole("it", value, 3, 3)):
        assert type(got) is int and got == want
    assert type(checks.real("it", value)) is float


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_float_of_any_width_is_a_real_number_and_no_integer(kind):
    got = checks.real("it", kind(0.5))
    assert type(got) is float and got == 0.5
    assert outcome(lambda: checks.whole("it", kind(1))) is TypeError
    for bad in ("nan", "inf", "-inf"):
        assert outcome(lambda bad=bad: checks.real("it", kind(bad))) is ValueError


NO_SCALAR = [*NO_ARRAY, [3], (3,), np.array(3), np.array([3]), [], Fraction(3), 3j]


@pytest.mark.parametrize("value", NO_SCALAR, ids=named)
def test_what_is_no_number_is_a_type_error(value):
    for check in (checks.whole, checks.real):
        assert outcome(lambda check=check: check("it", value)) is TypeError
    if not isinstance(value, bool | np.bool_):
        assert outcome(lambda: checks.flag("it", value)) is TypeError
    assert outcome(lambda: checks.wholes("it", value, count=9, least=0)) in (TypeError, ValueError)


def test_a_flag_is_true_or_false_and_nothing_that_equals_them():
    for value in (True, False, np.True_, np.False_):
        got = checks.flag("it", value)
        assert type(got) is bool and got == value
    for value in (0, 1, 1.0, np.int8(1), "True", None, np.array(True)):
        assert outcome(lambda value=value: checks.flag("it", value)) is TypeError


def test_every_value_is_shown_briefly():
    for value in (Hostile(), 10**5000, "x" * 10**6, list(range(10**5))):
        assert len(shown(value)) <= 200


# ------------------------------------------------------------------ annotations

Scalar = TypeVar("Scalar", bound=np.generic)


class Open(Protocol):
    x: int


@runtime_checkable
class Closed(Protocol):
    real: int


# An annotation, what it takes, and what it refuses.
HINTS: list[tuple[Any, list[Any], list[Any]]] = [
    (int, [1, np.int8(1), Colour.RED], [True, 1.0, "1", None]),
    (float, [1, 0.5, np.float16(1)], [True, "1", None, np.nan, [0.5]]),
    (bool, [True, np.False_], [1, None]),
    (str, ["a", Word("a")], [b"a", None, 1]),
    (int | None, [1, None], [True, "a"]),
    (int | str, [1, "a", np.int8(1)], [True, 1.0, None]),
    (Any, [1, None, object()], []),
    (object, [1, None, object()], []),
    (ArrayLike, [1, [0.5], np.zeros(2)], []),
    (Literal["a"], ["a", "b"], []),
    (Open, [1, "a"], []),
    (Closed, [1, 0.5], ["a", None]),
    (type[int], [int], [1, None]),
    (Callable[[int], int], [abs, int], [1, None, "abs"]),
    (Mapping[str, int], [{}, {"a": 1}], [[], None, "a"]),
    *[(kind[int], [[1], (1,), range(3)], ["ab", b"ab", 1, None])
      for kind in (Sequence, Collection, Iterable)],
    (Iterable[int], [iter([1]), np.zeros(3)], ["ab"]),
    (tuple[int, float], [(1, 0.5), [1, 2]], [(1,), (1, 2, 3), "ab", (True, 1), 1, None, {1: 2}]),
    (tuple[int, ...], [(), (1,), [1, 2]], ["12", b"12", 1, ["a"], {1}]),
    (tuple[str, ...], [("a", "b"), ["a"]], ["ab", ("a", 1)]),
    (tuple[()], [()], [(1,)]),
    (tuple, [(), (1,)], [[1], None]),
    (NDArray[np.float32], [0.5, [0.5, 1], np.float64([1])], [1, [1], np.int8([1]), [np.nan]]),
    (NDArray[np.float64], [1, [0.5, 1], np.int8([1])], [[True], "1", [np.inf]]),
    (NDArray[np.integer], [1, [1], np.int8([1])], [0.5, [True], np.uint8([1]), [2**64]]),
    (NDArray[np.int8], [np.int8([1])], [[1], np.int16([1]), np.float32([1]), np.ma.array([1])]),
    (NDArray[np.bool_], [np.array([True])], [[True], np.int8([1]), True]),
    (NDArray[np.floating], [np.float16([1])], [np.int8([1]), [0.5], np.float32([np.nan])]),
    (NDArray[np.floating | np.signedinteger], [np.float32([1]), np.int8([1])],
     [np.uint8([1]), np.array([3], "m8[s]"), np.array([True]), [1]]),
    *[(hint, [np.float32([1]), np.uint8([1])], [[1], np.array([None]), np.array(["a"]), MASKED])
      for hint in (NDArray[Any], NDArray[Scalar], np.ndarray)],
]  # fmt: skip


@pytest.mark.parametrize(("hint", "taken", "refused"), HINTS, ids=lambda value: str(value)[:30])
def test_an_annotation_takes_and_refuses(hint, taken, refused):
    for value in taken:
        got = asked("it", value, hint)
        assert np.array_equal(got, value) or got is value or tuple(value) == got
    for value in refused:
        assert outcome(lambda value=value: asked("it", value, hint)) in (TypeError, ValueError)


@pytest.mark.parametrize("hint", [hint for hint, *_ in HINTS], ids=str)
def test_no_hostile_value_gets_a_foreign_error_out_of_the_gate(hint):
    for value in [*NO_ARRAY, 10**5000, np.longdouble("1e400"), np.float16("inf"), Colour.RED]:
        outcome(lambda value=value: asked("it", value, hint))


def test_checked_keeps_the_call():
    @checks.checked
    def call(a: int, /, b: float = 0.5, *rest: int, c: bool = False, **more: Any) -> Any:
        """Say it."""
        return a, b, rest, c, more

    assert call(np.int8(1)) == (1, 0.5, (), False, {})
    assert call(1, 2, np.int8(3), 4, c=np.True_, d="x") == (1, 2.0, (3, 4), True, {"d": "x"})
    assert (call.__name__, call.__doc__) == ("call", "Say it.")
    assert list(inspect.signature(call).parameters) == ["a", "b", "rest", "c", "more"]
    assert get_type_hints(call)["a"] is int
    for bad in (lambda: call("1"), lambda: call(1, 2, "3"), lambda: call(1, c=1)):
        with pytest.raises(TypeError, match=r"^(a|rest|c) must be "):
            bad()
    with pytest.raises(TypeError, match="missing a required"):
        call()


def test_checked_methods_keep_their_object():
    class Scale:
        @classmethod
        @checks.checked
        def of(cls, x: int) -> Any:
            return cls, x

        @checks.checked
        def by(self, x: int) -> Any:
            return self, x

    one = Scale()
    assert Scale.of(np.int8(1)) == (Scale, 1) and one.by(2) == (one, 2)


@dataclass(frozen=True, eq=False)
class Fields:
    codes: NDArray[np.int8]
    numbers: NDArray[np.float32]
    pair: tuple[int, int]
    name: str | None = None
    done: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        checks.own_fields(self)


def test_own_fields_are_copies_that_nobody_writes_to():
    codes, numbers = np.int8([[1, 2]]), np.float64([0.5])
    made = Fields(codes, numbers, [np.int8(1), 2])
    codes[:], numbers[:] = 9, 9
    assert made.codes.tolist() == [[1, 2]] and made.numbers.tolist() == [0.5]
    assert made.pair == (1, 2) and made.numbers.dtype == np.float32
    for array in (made.codes, made.numbers):
        with pytest.raises(ValueError, match="WRITEABLE|read-only"):
            array.setflags(write=True)
    with pytest.raises(TypeError, match=r"^Fields: codes must be an array of int8, got \[1\]"):
        Fields([1], numbers, (1, 2))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3)])
@pytest.mark.parametrize("kind", [np.int8, np.int32, np.float32, np.float64])
def test_a_frozen_copy_equals_what_it_copies(kind, shape):
    strided = np.ones((*shape, 4), kind)[..., ::2]
    got = checks.frozen(strided)
    assert (got.dtype, got.shape) == (kind, strided.shape) and np.array_equal(got, strided)
    assert not got.flags.writeable
