# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11 · Find the error
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** take a network that loses digits in int8, and find the layer that does it, in three ways.
#
# **Learn:** why the tensor with the worst error need not be the guilty one, how to split an error among the layers with nothing left over, and
# how few bits will do.
#
# **Need:** [chapter 9](09_fold_the_batch_norm.ipynb) for the network, and SQNR, equation (10.1) in [chapter 10](10_run_the_whole_block.ipynb).
#
# **Time:** 45 minutes
# :::

# %%
from dataclasses import replace
from math import comb

import numpy as np

from tinyq import Scheme, analysis, digits, parity, plots, resnet
from tinyq.analysis.mixed import on_weight_grid
from tinyq.exercise import check
from tinyq.methods.equalization import equalize_network
from tinyq.mutants.weights import weights_truncated
from tinyq.widgets import ErrorLedger

data = digits.load()
calibration = data.images[data.calibration]
test, labels = data.images[data.test], data.labels[data.test]

# %% [markdown]
# ## See the damage
#
# `data.wide_net` reads digits. Its factors were chosen by trial to make it hard to quantize; [chapter 9](09_fold_the_batch_norm.ipynb) explains and mends them. Here you forget that, and look for the fault as you
# would in a network that somebody gives you. Run it in float and in int8 on the 500 test scans. `runs` keeps every tensor of both.

# %%
def right(logits):
    """Count the scans whose largest logit is that of their label."""
    rows = zip(logits.tolist(), labels.tolist(), strict=True)
    return sum(row.index(max(row)) == label for row, label in rows)


net = data.wide_net
qnet = net.quantize(calibration)
runs = analysis.run_both(net, qnet, test)
exact, logits = runs.floats[runs.last], runs.dequantized(runs.last)
print(f"right of 500: float {right(exact)}, int8 {right(logits)}")
print(f"scan 7 is a {labels[7]}; int8 reads {logits[7].argmax()}")
print(f"logit 4: float {exact[7, 4]:.2f}, int8 {logits[7, 4]:.2f}")
assert right(logits) / 500 == analysis.accuracy(logits, labels)

# %% [markdown]
# 15 scans fewer are right. The logit of the right answer is off by 6.40. Somewhere in 14 tensors this began.
#
# ## Measure every tensor
#
# Dequantize every tensor and compare it with its float twin.

# %% mystnb={"image": {"alt": "Left, the SQNR of fourteen tensors: 56 dB at the input, 40 to 42 in the stem, 33.7 at block_conv3x3_a, 26.5 after its ReLU, 9.0 at block_conv3x3_b, 8.2 at the add, 12.2 at the logits. Right, the mean error: below half a step up to block_pad2, then between 5 and 15 steps."}, "figure": {"caption": "The error of each tensor over 500 scans. Left the SQNR, right the mean and the largest error in steps of its own grid.", "name": "fig-tensor-errors"}}
errors = {error.name: error for error in analysis.tensor_errors(runs)}
trail = "block_conv3x3_a", "block_relu_a", "block_conv3x3_b"
assert [round(errors[t].sqnr_db, 1) for t in trail] == [33.7, 26.5, 9.0]
assert round(errors["block_add"].max_codes) == 133  # steps
plots.tensor_errors(list(errors.values()))

# %% [markdown]
# After its ReLU, the block's first convolution still has 26.5 dB. Its second convolution has 9.0. It looks guilty. Beware of three traps.
#
# A tensor inherits. Its error is its own rounding and everything from further up, and this figure does not tell them apart.
#
# A tensor may be excused. `block_add` errs by up to 133 steps, because it was calibrated after its ReLU: its negative numbers are clamped, and the ReLU would drop them anyway.
#
# And one number for a tensor hides its channels. A loud channel fills both sums of (10.1). Look at `block_relu_a` channel by channel.

# %%
x, x_hat = runs.floats["block_relu_a"], runs.dequantized("block_relu_a")
db = [parity.sqnr_db(x[..., c], x_hat[..., c]) for c in range(8)]
used = [len(np.unique(x_hat[..., c])) for c in range(8)]
print("SQNR ", *(f"{v:6.1f}" for v in db))
print("codes", *(f"{n:6}" for n in used))

# %% [markdown]
# Channel 0 has 31 dB, which makes 26.5 for the tensor. Channel 7 has 6 dB and gets by on 3 of 256 codes.
#
# ## Quantize one layer alone
#
# To separate what a layer does from what it inherits, put it alone on its grids, and leave the rest in float. With the input you can do that by hand: round the
# images to codes and back, and run the float network.

# %%
pixels = qnet.grids["input"].quantize(test)
by_hand = net(qnet.grids["input"].dequantize(pixels))
one = analysis.mixed_logits(net, qnet, test, {"input"})
assert np.array_equal(by_hand, one)
print(f"input alone in int8: {parity.sqnr_db(exact, one):.1f} dB")

# %% [markdown]
# `one_at_a_time` does it for each of the six that own a grid. It also does the opposite: all in int8 but one.

# %% mystnb={"image": {"alt": "Two panels with six rows. Left, only one int8: block_conv3x3_a stands alone at 12.0 dB and 95.2 %, the others between 33 and 52 dB. Right, all int8 but one: block_conv3x3_a at 31.7 dB and 99.4 %, the other five on the line of the int8 network at 12.2 dB."}, "figure": {"caption": "The logits' SQNR and the accuracy. Left with one layer in int8 and the others in float, right the other way round. The dashed line is the int8 network.", "name": "fig-one-at-a-time"}}
found = analysis.one_at_a_time(runs, labels)
spared = found.alone_off["block_conv3x3_a"]
assert (spared.accuracy, f"{spared.sqnr_db:.1f}") == (0.994, "31.7")
plots.one_at_a_time(found)

# %% [markdown]
# That is clear. `block_conv3x3_a` alone does all the damage, 12.0 dB, and if it alone is spared the network has 31.7 dB. The second convolution, with its
# 9 dB, costs no scan by itself, and sparing it wins nothing. It had inherited.
#
# A layer has weights and an output. Which of the two is it? Round only the one, then only the other, and finish in float.

# %%
def finish(runs, k, real):
    """Run the float layers from number k on; return the logits."""
    real = dict(real)
    for node in runs.net.nodes[k:]:
        inputs = (real[name] for name in node.inputs)
        real[node.name] = node.layer.forward(*inputs)
    return real[runs.last]


name, grid = "block_conv3x3_a", qnet.grids["block_conv3x3_a"]  # nodes[5]
rounded = on_weight_grid(net.nodes[5].layer, qnet.nodes[5].layer)
tries = {"weights": rounded.forward(runs.floats["block_pad1"]),
         "output": grid.dequantize(grid.quantize(runs.floats[name]))}
for what, tensor in tries.items():
    ours = finish(runs, 6, runs.floats | {name: tensor})
    db = parity.sqnr_db(exact, ours)
    print(f"{what} alone rounded: {db:.1f} dB")

# %% [markdown]
# The weights are innocent: each channel has its own scale. The output has one grid for eight channels, and channel 0 stretches it. This is what equalization levels, in [chapter 9](09_fold_the_batch_norm.ipynb): afterwards
# the network has 34.0 dB and 99.2 %. Or spare the layer, and keep it in float. TensorFlow Lite's Quantization Debugger compares layer by layer and leaves those that you name in float. ONNX Runtime's `qdq_loss_debug` gives two
# ratios for a tensor: its own rounding, and that with what it inherits.
#
# ## Split the error of a logit
#
# Each layer alone, then added up: that would not give the whole error, since the layers act on each other. Here is a way that leaves nothing over. Make the first $k$ tensors in int8, go
# over to real numbers there, and finish in float. Call the logits $h_k$. Then $h_0$ is the float network, $h_K$ the int8 one, and
#
# $$h_K - h_0 = \sum_{k=1}^{K} (h_k - h_{k-1}) \tag{11.1}$$
#
# because each hybrid in between stands there once with a plus and once with a minus. The sum telescopes. Each step is what one more tensor in int8 does to the logits.

# %%
def hybrids_of(runs):
    """Return the logits of all hybrids, h_0 to h_K."""
    real, hybrids = dict(runs.floats), [runs.floats[runs.last]]
    for k, name in enumerate(runs.codes):
        real[name] = runs.dequantized(name)
        hybrids.append(finish(runs, k, real))
    return np.stack(hybrids)


split = analysis.telescope(runs)
assert np.array_equal(hybrids_of(runs), split.hybrids)
steps = dict(zip(split.names, split.steps, strict=True))
for name in ("input", "block_conv3x3_a", "block_conv3x3_b", "dense_8x10"):
    print(f"{name:16}{steps[name][7, 4]:+.3f}")
assert not split.remainder.any()

# %% [markdown]
# These are steps of scan 7, logit 4. The last line asserts that nothing is left over, in any logit of any scan. All of it as a picture:

# %% mystnb={"image": {"alt": "Left, the error of logit 4 of scan 7 from top to bottom: a small step up at the stem, then one long bar at block_conv3x3_a from 0.1 to -6.2, and small steps to -6.4. Right, the root mean square of each step: 1.74 at block_conv3x3_a, below 0.2 elsewhere, 0 for pads, ReLUs and the max pool."}, "figure": {"caption": "The error of one logit from the first tensor to the last, and the size of each step over all logits.", "name": "fig-telescope"}}
assert f"{split.error[7, 4]:.2f}" == "-6.40"
plots.telescope(split, image=7, logit=4)

# %% [markdown]
# One bar makes nearly all of it, -6.386.
#
# Pad, ReLU and max pool have steps of exactly 0: they pass. Another order of the layers would split the same error otherwise.
#
# How do steps add up over many logits? If they are as often opposed as alike, their mean squares add:
#
# $$\overline{(h_K - h_0)^2} \approx \sum_{k=1}^{K} \overline{(h_k - h_{k-1})^2} \tag{11.2}$$
#
# Try it on the network as it was trained, `data.net`.

# %%
trained = data.net
good = trained.quantize(calibration)
healthy = analysis.telescope(analysis.run_both(trained, good, test))
power = np.square(healthy.steps).mean(axis=(1, 2))
whole = np.square(healthy.error).mean()
print(f"root mean square {whole**0.5:.4f}", end=", ")
print(f"by (11.2) {power.sum()**0.5:.4f}")
for k in np.argsort(-power)[:4]:
    print(f"{healthy.names[k]:16}{power[k] / whole:4.0%}")

# %% [markdown]
# The prediction is right within 1 %, so you may speak of shares of the error. The largest is again that of `block_conv3x3_a`, but no layer rules. The average pool has no grid of its own and no requantizer, and still
# makes 16 %, because it rounds a mean to a whole code.
#
# ## Take bits away
#
# Eight bits are enough for this network. Are fewer? `sweep_bits` quantizes the weights to 2 to 8 bits and leaves the activations at 8, then the other way round.

# %% mystnb={"image": {"alt": "Two panels against 2 to 8 bits. Left, the accuracy: 97.8 % or more down to 5 bits, 92 % with weights of 4 bits and 95 % with activations of 4, then falling to 12 and 48 %. Right, the SQNR falls about 6 dB a bit, from 34 dB to -6 and -1."}, "figure": {"caption": "The trained network with fewer bits, in the weights or in the activations.", "name": "fig-bit-widths"}}
parts = trained, calibration, test, labels
sweep = analysis.sweep_bits(*parts)
w, a = sweep.weights, sweep.activations
assert (w[4].accuracy, a[4].accuracy) == (0.924, 0.954)
plots.bit_widths(sweep)

# %% [markdown]
# A bit is worth about 6 dB, as (2.2) in [chapter 2](02_choose_the_range.ipynb) promises. With 4 bits the network has lost 34 scans by its weights or 19 by its activations.
#
# ## Doubt a percentage
#
# With weights of 6 bits it reads 99.6 %, more than in float. Is it better? On 500 scans 0.4 % are two. If a network is right with probability $p$, the share that you count on
# $N$ scans scatters around $p$ with the standard error
#
# $$\sqrt{\frac{p\,(1 - p)}{N}} \tag{11.3}$$
#
# For 99.2 % of 500 that is 0.4 points. So this count cannot tell 99.2 from 99.6. The SQNR of the logits can: it dropped by 9.4 dB.
#
# Two networks on the same scans can be told apart better than that. Count the scans on which one is right and the other wrong.

# %%
def lost_and_won(logits, others):
    """Count scans that only the first reads, and only the second."""
    one, two = (analysis.predict(v) == labels for v in (logits, others))
    return int((one & ~two).sum()), int((~one & two).sum())


six = trained.quantize(calibration, scheme=Scheme(weight_bits=6))
for title, network in (("6 bits", six), ("wide, 8 bits", qnet)):
    lost, won = lost_and_won(exact, network(test))
    print(f"{title:12} lost {lost}, won {won}")
assert f"{w[8].sqnr_db - w[6].sqnr_db:.1f}" == "9.4"
assert 6 < (a[6].sqnr_db - a[3].sqnr_db) / 3 < 6.5

# %% [markdown]
# `exact` serves for both, because the wide network has the float logits of the trained one to the last bit. If two networks were equally good, each such scan would be the toss
# of a coin. Two of two proves nothing. Sixteen of seventeen? Exercise 1 computes it.
#
# ## Ask which layer minds 4 bits
#
# `sweep_layer_bits` takes the bits from one layer at a time, first from its weights, then from its output.

# %% mystnb={"image": {"alt": "Two tables of accuracy. Weights with 4 bits: stem 99.0, block_conv3x3_a 97.2, block_conv3x3_b 99.2, dense 98.6; with 2 bits: 45.2, 26.8, 78.0, 66.8. Outputs with 4 bits: input 99.2, stem 97.8, block_conv3x3_a 97.4, block_conv3x3_b 98.8, add 98.2, dense 97.8; with 2 bits: 97.0, 70.6, 74.0, 95.2, 80.0, 82.8."}, "figure": {"caption": "Accuracy in % on 500 scans, with few bits in one layer alone and 8 in all others.", "name": "fig-layer-bits"}}
layers = analysis.sweep_layer_bits(*parts, bits=(4, 2))
four = {n: scores[4].accuracy for n, scores in layers.weights.items()}
assert list(four.values()) == [0.99, 0.972, 0.992, 0.986]
plots.layer_bits(layers)

# %% [markdown]
# With weights of 4 bits the second convolution of the block loses nothing, the stem one scan, the dense layer three, and `block_conv3x3_a` ten.
# Nor is it the largest: the stem has twice its weights. The input does not mind at all. A scan has 17 shades of ink, and 4 bits are 16 codes.
#
# ## Move the bits yourself
#
# The ledger below has sliders for the bits of each layer, its weights and its codes, and runs 20 of the test scans. "block1" is `block_conv3x3_a`.

# %%
ErrorLedger()

# %% [markdown]
# 1. Set "block1 weights" to 4 bits. The logits fall from 32.5 to 11.7 dB. Go back to 8, and set "stem weights" to 4: 21.6 dB.
# 2. With 8 bits elsewhere, set "input codes" to 2. The logits have 14.1 dB, and all 20 scans are still right.
# 3. Go back to 8 bits and tick "weights hard to quantize". Up to the block's first convolution little changes. The second falls to 7.6 dB, and one scan is lost.

# %%
for bits, db, count in (({}, 32.55, 20), ({"stem_weights": 4}, 21.56, 20),
                        ({"block1_weights": 4}, 11.74, 20),
                        ({"input_codes": 2}, 14.10, 20),
                        ({"wide": True}, 10.33, 19)):
    shown = ErrorLedger(**bits).value
    assert (shown["sqnr"][-1], shown["right"]) == (db, count)
assert shown["sqnr"][shown["names"].index("block_conv3x3_b")] == 7.61

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: Toss the coin
#
# **Goal.** If $n$ scans were decided by fair coins, how probable is a split at least as uneven as the one found, to this side? For lost 16 and won 1 count the outcomes
# with at most 1 won, out of $2^{17}$. `comb(n, i)` is the number of ways to choose $i$ of $n$.

# %% tags=["stub"]
def chance(lost, won):
    """Return the probability of at most `won` out of lost + won."""
    return ...


# %% tags=["check"]
cases = (1, 0), (0, 2), (2, 0), (1, 1), (16, 1)
want = 0.5, 1.0, 0.25, 0.75, 18 / 2**17
_ = check(tuple(chance(*case) for case in cases), want, "sum comb(n, i).")

# %% tags=["solution", "hide-cell"]
def chance(lost, won):
    """Return the probability of at most `won` out of lost + won."""
    ways = sum(comb(lost + won, i) for i in range(won + 1))
    return ways / 2 ** (lost + won)


assert check(tuple(chance(*case) for case in cases), want)
assert f"{chance(*lost_and_won(exact, qnet(test))):.5f}" == "0.00014"

# %% [markdown]
# Sixteen to one has a chance of 0.00014. Coins did not do that: int8 harms the wide network.
#
# ### Exercise 2: Spend the bits where they count
#
# **Goal.** Quantize all weights of the trained network to 4 bits, except those of one layer, which keeps 8. Count the right scans. `quantize` takes `schemes={name: Scheme()}`
# besides `scheme`. Which layer is worth its bits?

# %% tags=["stub"]
def right_sparing(name):
    """Return how many test scans are right, one layer kept at 8 bits."""
    return ...


# %% tags=["check"]
want = 477, 492, 461, 470
got = tuple(right_sparing(name) for name in layers.weights)
_ = check(got, want, "scheme=Scheme(weight_bits=4) is for all the others.")

# %% tags=["solution", "hide-cell"]
def right_sparing(name):
    """Return how many test scans are right, one layer kept at 8 bits."""
    four = Scheme(weight_bits=4)
    mixed = trained.quantize(calibration, scheme=four, schemes={name: Scheme()})
    return right(mixed(test))


assert check(tuple(right_sparing(name) for name in layers.weights), want)

# %% [markdown]
# :::{dropdown} What it shows
# With 4 bits everywhere 462 are right. To spare `block_conv3x3_a`, with 576 weights and 288 more bytes, wins 30 scans. To spare the stem, with twice the weights, wins 15. The layer
# that the table names is the one to spend on.
# :::
#
# ### Exercise 3: Find the layer that truncates
#
# **Goal.** Break it: in one layer of the trained network the weights are cast to int8 without rounding. Given the telescope of the healthy network and that of the
# broken one, name the tensor whose step has grown by the largest factor, in root mean square. Use their `names` and `steps`, an array (tensors, scans, logits). Leave out the tensors whose steps are 0.

# %% tags=["stub"]
def suspect(healthy, broken):
    """Return the name of the tensor whose step grew most."""
    return ...


# %% tags=["check"]
with weights_truncated.planted():
    cut = trained.quantize(calibration)
splits = []
for name in layers.weights:
    pairs = zip(good.nodes, cut.nodes, strict=True)
    nodes = tuple(bad if bad.name == name else node for node, bad in pairs)
    one = analysis.run_both(trained, replace(good, nodes=nodes), test[:100])
    splits.append(analysis.telescope(one))
got = tuple(suspect(healthy, split) for split in splits)
hint = "root mean square first, then the ratio, without the steps of 0."
_ = check(got, tuple(layers.weights), hint)

# %% tags=["solution", "hide-cell"]
def suspect(healthy, broken):
    """Return the name of the tensor whose step grew most."""
    size = [(t.steps**2).mean(axis=(1, 2)) for t in (healthy, broken)]
    growth = np.divide(size[1], size[0], where=size[0] > 0, out=0 * size[0])
    return healthy.names[growth.argmax()]


got = tuple(suspect(healthy, split) for split in splits)
assert check(got, tuple(layers.weights))
truncated = analysis.score(cut.dequantize(cut(test)), exact, labels)
assert truncated.agreement == 1.0
assert f"{truncated.sqnr_db:.1f}" == "26.8"

# %% [markdown]
# :::{dropdown} How you would notice
# Not from the digits. With all four layers truncated every scan gets the answer of the float network. The SQNR tells, 26.8 dB instead of 33.8, and the telescope says where.
# Sooner still, compare the weights themselves: rounding errs by half a step at most, a cast by almost one. BitMat [cast its weights](https://github.com/astramind-ai/BitMat/pull/13) like this.
# :::
#
# ## Check yourself
#
# 1. In the first figure `block_conv3x3_b` has 9.0 dB. What does that say of this layer?
#
#    :::{dropdown} Answer
#    Nothing yet, because most of it is inherited. Quantized alone, it leaves the logits 33.0 dB. To accuse a layer, change that layer only.
#    :::
#
# 2. You make the last tensors int8 first, and go from the logits to the input. Are the steps the same, and is anything left over?
#
#    :::{dropdown} Answer
#    The steps are others, because each layer now works on float inputs where it had int8 ones. Nothing is left over: (11.1) holds for any chain of hybrids that begins with
#    the float network and ends with the int8 one.
#    :::
#
# 3. Two int8 networks read 99.2 % and 99.4 % of the same 500 scans. Which do you ship?
#
#    :::{dropdown} Answer
#    The accuracy cannot tell you: the difference is one scan, and the standard error is 0.4 points. Compare the SQNR of the logits, or take more scans.
#    :::

# %% [markdown]
# ## What we built
#
# `right`, `finish` and `hybrids_of` are parts of `tinyq.analysis`. The last cell compares the hybrids on the seed's 32 images, and the two ends of `mixed_trace` with the two networks. It also
# checks what equalization does to the wide network.

# %%
seed = resnet.seed()
seed_net = resnet.stem_block(seed.weights, seed.biases)
seed_qnet = seed_net.quantize(seed.images)
both = analysis.run_both(seed_net, seed_qnet, seed.images)
assert np.array_equal(hybrids_of(both), analysis.telescope(both).hybrids)
owners = analysis.grid_owners(seed_qnet)
for chosen, want in (((), both.floats), (owners, both.codes)):
    got = analysis.mixed_trace(seed_net, seed_qnet, seed.images, chosen)
    assert all(np.array_equal(got[name], want[name]) for name in want)
mended = equalize_network(net).quantize(calibration)
after = analysis.score(mended.dequantize(mended(test)), exact, labels)
assert f"{after.sqnr_db:.1f} dB, {after.accuracy:.1%}" == "34.0 dB, 99.2%"
assert f"{found.alone_on['block_conv3x3_b'].sqnr_db:.1f}" == "33.0"
