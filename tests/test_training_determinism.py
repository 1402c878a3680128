"""What is trained does not depend on threads, nor on the vector instructions that NumPy finds."""

import pytest
from test_determinism import THREAD_VARIABLES, dispatched, run

# every weight of the fine-tuned network and every code of AdaRound's, to the last bit
CODE = """
import hashlib
from tinyq import MSE, Scheme
from tinyq.models import digits
from tinyq.methods.adaround import round_up_or_down
from tinyq.methods.equalization import equalize_network
from tinyq.methods.finetune import finetune
data, few = digits.load(), Scheme(3, 4)
images, labels = data.images[data.train[:96]], data.labels[data.train[:96]]
calibration = data.images[data.calibration[:20]]
net = equalize_network(data.wide_net)
tuned = finetune(net, images, labels, calibration, scheme=few, epochs=2)
qnet = round_up_or_down(net, net.quantize(calibration, observer=MSE, scheme=few), calibration)
for floats, codes in zip(tuned.nodes, qnet.nodes):
    if hasattr(floats.layer, "weights"):
        print(hashlib.sha256(floats.layer.weights.tobytes()).hexdigest())
        print(hashlib.sha256(codes.layer.weight.tobytes() + codes.layer.bias.tobytes()).hexdigest())
"""


pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def plain() -> str:
    return run(CODE)


def test_any_number_of_blas_threads(plain):
    assert plain.count("\n") == 8
    assert run(CODE, **dict.fromkeys(THREAD_VARIABLES, "2")) == plain


def test_without_numpys_cpu_dispatch(plain):
    features = dispatched()
    if not features:
        pytest.skip("NumPy dispatches to no CPU feature on this machine")
    assert run(CODE, NPY_DISABLE_CPU_FEATURES=" ".join(features)) == plain
