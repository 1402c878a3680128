"""analysis: the logit error telescopes, exactly, and the skip crosses every cut."""

from fractions import Fraction

import numpy as np
import pytest
from hand_network import IMAGES, NET, OWNERS, logits_by_hand

from tinyq import Rounding
from tinyq.analysis import Telescope, grid_owners, mixed_logits, run_both, telescope
from tinyq.layers.scheme import Scheme
from tinyq.models import digits, resnet

DIGITS = digits.load()
SEED = resnet.seed()


def of_the_seed():
    net = resnet.stem_block(SEED.weights, SEED.biases)
    return run_both(net, net.quantize(SEED.images), SEED.images[:4])


def of_the_digits(net=DIGITS.net, **how):
    qnet = net.quantize(DIGITS.images[DIGITS.calibration], **how)
    return run_both(net, qnet, DIGITS.images[DIGITS.test[:60]])


RUNS = {
    "seed": of_the_seed,
    "digits": of_the_digits,
    "wide": lambda: of_the_digits(DIGITS.wide_net),
    "3 bits": lambda: of_the_digits(scheme=Scheme(weight_bits=3, activation_bits=3)),
}


@pytest.fixture(scope="module", params=RUNS)
def runs(request):
    return RUNS[request.param]()


def test_the_steps_sum_to_the_error_in_exact_fractions(runs):
    found = telescope(runs)
    last = found.names[-1]
    int8 = runs.qnet.grids[last].dequantize(runs.codes[last])
    for place in np.ndindex(int8.shape):
        steps = sum(Fraction(float(step)) for step in found.steps[(slice(None), *place)])
        error = Fraction(float(int8[place])) - Fraction(float(runs.floats[last][place]))
        assert steps == error == Fraction(float(found.error[place])), place
    assert not found.remainder.any()


def test_layers_that_keep_codes_add_exactly_nothing(runs):
    found = telescope(runs)
    silent = {name for name, step in zip(found.names, found.steps, strict=True) if not step.any()}
    assert silent == {
        "stem_pad",
        "stem_relu",
        "stem_maxpool2x2",
        "block_pad1",
        "block_relu_a",
        "block_pad2",
        "block_relu_b",
    }


def test_hybrids_at_the_grids_borders_are_mixed_runs(runs):
    """Behind the last tensor of a grid, the hybrid has all owners up to there quantized."""
    found, owners = telescope(runs), grid_owners(runs.qnet)
    starts = [found.names.index(name) for name in owners]
    for count, end in enumerate([*starts, len(found.names)]):
        mixed = mixed_logits(runs.net, runs.qnet, runs.floats["input"], owners[:count])
        assert found.hybrids[end].tobytes() == mixed.tobytes(), owners[:count]


def test_hybrids_of_a_residual_network_equal_those_by_hand():
    qnet = NET.quantize(IMAGES, scheme=Scheme(rounding=Rounding.FLOAT64))
    found = telescope(run_both(NET, qnet, IMAGES))
    assert found.names == ("input", *(node.name for node in NET.nodes))
    for k in range(len(found.names) + 1):
        on = {name for name in found.names[:k] if name in OWNERS}
        want = logits_by_hand(on, qnet.grids)
        assert np.abs(found.hybrids[k] - want).max() < 5e-6, found.names[:k]


def test_the_float_traces_are_left_as_they_were():
    runs = of_the_seed()
    before = {name: tensor.copy() for name, tensor in runs.floats.items()}
    telescope(runs)
    assert all((runs.floats[name] == tensor).all() for name, tensor in before.items())


def test_a_remainder_is_told():
    """1 - 1e-20 is no float64: the step rounds it to 1, and the sum misses 1e-20 of the error."""
    found = Telescope(("input", "a"), np.float32([[[1e-20]], [[1.0]], [[2e-20]]]))
    tiny, larger = (Fraction(float(np.float32(x))) for x in (1e-20, 2e-20))
    assert found.steps.ravel().tolist() == [1.0, -1.0]
    assert found.remainder.ravel().tolist() == [float(larger - tiny)]
    found = Telescope(("input",), np.float32([[[1e-20]], [[1.0]]]))  # the error is rounded too
    assert found.steps.ravel().tolist() == found.error.ravel().tolist() == [1.0]
    assert found.remainder.ravel().tolist() == [float(-tiny)]
