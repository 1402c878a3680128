"""The golden does not depend on threads, nor on the vector instructions that NumPy finds."""

import os
import subprocess
import sys

import numpy as np
import pytest
from reference import GOLDEN

THREAD_VARIABLES = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"]


def dispatched() -> list[str]:
    """Return the CPU features that NumPy dispatches to at run time and that this machine has."""
    umath = np._core._multiarray_umath if hasattr(np, "_core") else np.core._multiarray_umath
    return [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]]


def run(code: str, **variables: str) -> str:
    environment = os.environ | variables
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


GOLDEN_CODE = "from tinyq.__main__ import main; main(['golden'])"
# every float32 range to the last bit: a sum in another order would show here first
RANGES_CODE = """
from tinyq.commands.seed import seed_networks
for name, seen in seed_networks()[1].ranges.items():
    print(name, seen.lo.hex(), seen.hi.hex())
"""
# the methods that search: a sum in another order, or another logarithm, could move a choice
SEARCHES_CODE = """
import numpy as np
from tinyq import MSE, Entropy, Percentile
from tinyq.models import digits
data = digits.load()
images = data.images[data.calibration[:40]]
for observer in (MSE, Entropy, Percentile):
    for name, seen in data.wide_net.calibrate(images, observer=observer).items():
        for codes in ((-128, 127), (-8, 7), (-4, 3)):
            print(name, *(float(end).hex() for end in seen.range(*codes)))
"""


@pytest.mark.full
@pytest.mark.parametrize("threads", ["1", "2", "7"])
def test_any_number_of_blas_threads(threads):
    variables = dict.fromkeys(THREAD_VARIABLES, threads)
    assert run(GOLDEN_CODE, **variables) == GOLDEN
    assert run(RANGES_CODE, **variables) == run(RANGES_CODE)


@pytest.mark.full
def test_without_numpys_cpu_dispatch():
    features = dispatched()
    if not features:
        pytest.skip("NumPy dispatches to no CPU feature on this machine")
    disabled = " ".join(features)
    count = run(
        "import test_determinism as t; print(len(t.dispatched()))",
        NPY_DISABLE_CPU_FEATURES=disabled,
        PYTHONPATH=os.pathsep.join([os.path.dirname(__file__), *sys.path]),
    )
    assert int(count) == 0, "the features were not disabled"
    assert run(GOLDEN_CODE, NPY_DISABLE_CPU_FEATURES=disabled) == GOLDEN
    for code in (RANGES_CODE, SEARCHES_CODE):
        assert run(code, NPY_DISABLE_CPU_FEATURES=disabled) == run(code)
