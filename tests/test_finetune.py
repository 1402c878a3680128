"""Straight-through fine-tuning: the loss, what it leaves alone, what it wins."""

import hashlib

import numpy as np
import pytest
from test_digits import DIGITS, accuracy

from tinyq.layers.linear import Linear
from tinyq.layers.scheme import Scheme
from tinyq.methods.adam import Adam
from tinyq.methods.fakequant import fake_forward, round_weights
from tinyq.methods.finetune import cross_entropy, finetune
from tinyq.observers import MSE

CALIBRATION = DIGITS.images[DIGITS.calibration]
SOME = DIGITS.train[:96]
FEW_BITS = Scheme(3, 4, per_channel=False)


def short(**changes):
    """One epoch of three batches."""
    few = {"scheme": FEW_BITS, "epochs": 1, **changes}
    return finetune(DIGITS.net, DIGITS.images[SOME], DIGITS.labels[SOME], CALIBRATION[:20], **few)


def digest(net) -> str:
    """SHA-256 of all weights and biases."""
    parts = [(n.layer.weights, n.layer.bias) for n in net.nodes if hasattr(n.layer, "weights")]
    return hashlib.sha256(b"".join(p.tobytes() for pair in parts for p in pair)).hexdigest()


SHORT = short()


def test_cross_entropys_slope_is_its_difference_quotient():
    rng = np.random.default_rng(6)
    logits, labels = rng.normal(size=(4, 5)) * 3, np.array([0, 4, 2, 2])
    loss, slope = cross_entropy(logits, labels)
    assert slope.dtype == np.float32
    by_hand = [
        np.log(sum(np.exp(row - row[label]))) for row, label in zip(logits, labels, strict=True)
    ]
    assert loss == pytest.approx(np.mean(by_hand), rel=1e-12)
    for place in np.ndindex(*logits.shape):
        step = np.zeros_like(logits)
        step[place] = 1e-5
        up, down = (cross_entropy(logits + sign * step, labels)[0] for sign in (1, -1))
        assert slope[place] == pytest.approx((up - down) / 2e-5, abs=1e-7)


def test_cross_entropy_of_far_logits_is_finite():
    loss, slope = cross_entropy(np.float32([[3e38, -3e38], [0, 500]]), np.array([0, 1]))
    assert loss == 0 and not slope.any()


def test_adam_equals_the_paper_step_by_step():
    rng = np.random.default_rng(7)
    p = rng.normal(size=3)
    adam, by_hand, m, v = Adam([p], rate=0.1), p.copy(), np.zeros(3), np.zeros(3)
    for t in range(1, 6):
        g = rng.normal(size=3)
        adam.step([g])
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        by_hand -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(p, by_hand, rtol=1e-12)


def test_training_moves_all_weights_and_leaves_the_given_network():
    before = digest(DIGITS.net)
    net = DIGITS.net
    trained = finetune(
        net, DIGITS.images[SOME], DIGITS.labels[SOME], CALIBRATION[:20], scheme=FEW_BITS, epochs=1
    )
    assert digest(net) == before
    for node, old in zip(trained.nodes, net.nodes, strict=True):
        if hasattr(node.layer, "weights"):
            assert node.layer.weights.dtype == np.float32
            assert not np.array_equal(node.layer.bias, old.layer.bias), node.name


def test_quantizing_finds_the_very_codes_that_were_trained():
    assert digest(round_weights(SHORT, FEW_BITS)) == digest(SHORT)
    qnet = SHORT.quantize(CALIBRATION, scheme=FEW_BITS)
    for node, original in zip(qnet.nodes, SHORT.nodes, strict=True):
        if isinstance(node.layer, Linear):
            assert np.abs(node.layer.weight).max() == 3
            real = node.layer.weight * node.layer.weight_scale[0]
            assert np.array_equal(real, original.layer.weights)


def test_fake_tensors_are_on_their_grids_and_next_to_the_integers():
    images = DIGITS.images[SOME]
    qnet = SHORT.quantize(CALIBRATION)
    fake = fake_forward(round_weights(SHORT), qnet.grids, images).tensors
    trace = qnet.trace(images)
    assert list(fake) == list(trace)
    for name, grid in qnet.grids.items():
        codes = grid.quantize(fake[name])
        assert np.array_equal(grid.dequantize(codes), fake[name]), name
        # A layer rounds its bias and its multiplier too: now and then a code is the next one.
        far = np.abs(codes.astype(int) - trace[name]) > 1
        assert far.mean() < 0.01 and np.mean(codes == trace[name]) > 0.8, name


def test_the_seed_decides_the_weights_to_the_last_bit():
    assert digest(short()) == digest(SHORT)
    assert digest(short(seed=1)) != digest(SHORT)


def test_progress_counts_epochs_and_the_loss_falls():
    seen = []
    short(epochs=4, progress=lambda epoch, loss: seen.append((epoch, loss)))
    assert [epoch for epoch, _ in seen] == [1, 2, 3, 4]
    assert seen[-1][1] < 0.7 * seen[0][1]


@pytest.mark.full
@pytest.mark.parametrize(("bits", "win"), [(3, 15), (4, 4)])
def test_it_wins_accuracy_at_few_bits(bits, win):
    """Integer networks, a weight scale a tensor, weights and activations of so many bits."""
    given = {"observer": MSE, "scheme": Scheme(bits, bits, per_channel=False)}
    images, labels = DIGITS.images[DIGITS.train], DIGITS.labels[DIGITS.train]
    trained = finetune(DIGITS.net, images, labels, CALIBRATION, **given)
    before = accuracy(DIGITS.net.quantize(CALIBRATION, **given))
    after = accuracy(trained.quantize(CALIBRATION, **given))
    assert after >= before + win, (before, after)


REFUSED = {
    "a label short": ({"labels": DIGITS.labels[:95]}, r"labels must be integers \(96,\)"),
    "real labels": ({"labels": np.zeros(96)}, "labels must be integers, got float64"),
    "an 11th digit": ({"labels": np.full(96, 10)}, r"labels must lie in 0\.\.9, got 10\.\.10"),
    "a negative label": ({"labels": np.full(96, -1)}, r"labels must lie in 0\.\.9, got -1"),
    "no images": ({"images": DIGITS.images[:0], "labels": DIGITS.labels[:0]}, "labels must be"),
    "no epochs": ({"epochs": 0}, "epochs must be an integer >= 1, got 0"),
    "no calibration": ({"calibration": CALIBRATION[:0]}, "at least one"),
    "NaN images": ({"images": DIGITS.images[SOME] * np.nan}, "images must be finite"),
    "other images": ({"images": DIGITS.images[SOME][..., :2]}, "images must have shape"),
    "unknown layer": ({"schemes": {"stem": Scheme()}}, "'stem'"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals_name_the_argument(changes, message):
    good = {
        "net": DIGITS.net,
        "images": DIGITS.images[SOME],
        "labels": DIGITS.labels[SOME],
        "calibration": CALIBRATION[:20],
        "epochs": 1,
    }
    with pytest.raises((TypeError, ValueError), match=message):
        finetune(**good | changes)
