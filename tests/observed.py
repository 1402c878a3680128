"""What the tests of observers watch, and how they compare what was seen."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

SEEDED = settings(max_examples=80, derandomize=True, deadline=None, database=None)

RNG = np.random.default_rng(8)
DATA = RNG.normal(size=(40, 5)).astype(np.float32)
TAILS = (RNG.standard_t(2, 8_000) / 4).astype(np.float32)
# any float32: the histogram must hold the denormal beside the huge
float32s = st.floats(width=32, allow_nan=False, allow_infinity=False)
numbers = arrays(np.float32, st.integers(1, 12), elements=float32s | st.floats(-4, 4, width=32))


def state(observer) -> dict:
    """All that an observer knows, as what compares with ==."""
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(observer).items()}
