# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 9 · Fold the batch norm
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** take the batch norms out of a trained network, level the ranges of its channels, and correct its biases.
#
# **Learn:** which changes of the weights leave the function as it is, and why int8 cares about them all the same.
#
# **Need:** grids ([chapter 1](01_put_numbers_on_a_grid.ipynb)), weight scales
# ([chapter 3](03_choose_one_scale_or_many.ipynb)), and ReLU ([chapter 7](07_pass_for_free.ipynb)).
#
# **Time:** 45 minutes
# :::

# %%
import numpy as np

from tinyq import Scheme, digits, plots
from tinyq.exercise import check
from tinyq.floatref import Conv2D, Pad2D
from tinyq.layers import QConv2D, QConv2DPerChannel
from tinyq.methods import fold
from tinyq.methods.correction import correct_biases
from tinyq.methods.equalization import equalize_network, joined_pairs
from tinyq.mutants import MUTANTS
from tinyq.widgets import Seesaw

d = digits.load()
images, calibration = d.images[d.test], d.images[d.calibration]
schemes = {"per channel": Scheme(), "per tensor": Scheme(per_channel=False)}

# %% [markdown]
# ## Meet a trained network
#
# The seed's weights are sine waves, and it has no batch norm. A real ResNet has one after every convolution. `tinyq.digits` has
# such a network: the seed's shape, ten classes, trained on scans of handwritten digits. 200 other scans calibrate it, and 500 are kept for testing.

# %%
def right(network):
    """Return how many of the 500 test scans a network gets right."""
    return int((network(images).argmax(axis=1) == d.labels[d.test]).sum())


qnet = d.net.quantize(calibration)
print(f"right of 500: float {right(d.net)}, int8 {right(qnet)}")

# %% [markdown]
# Int8 costs nothing here. But somebody has prepared this network: its batch norms are gone.
#
# ## Normalize one channel
#
# In training, a batch norm shifts and scales each channel to mean 0 and variance 1, and then by two learned numbers to whatever
# the network needs. After training all of it is frozen. Channel 0 of the stem has mean 1.8369 and variance 6.8969. If the convolution
# gives 5.0, the batch norm makes $(5 - 1.8369)/\sqrt{6.8969} = 1.2044$ of it. Then come $\gamma = 1.4518$ and $\beta = -0.1634$:
# $1.4518 \cdot 1.2044 - 0.1634 = 1.5851$. In general, for channel $c$:
#
# $$y_c = \gamma_c \frac{x_c - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c \tag{9.1}$$
#
# The small $\epsilon$ keeps a channel that never changes from a division by 0.

# %%
norm = d.norms["stem"]
gamma, beta, mean, var = (float(part[0]) for part in norm[:4])
y = gamma * (5.0 - mean) / np.sqrt(var + norm.eps) + beta
print(f"mean {mean:.4f}, variance {var:.4f}")
print(f"gamma {gamma:.4f}, beta {beta:.4f}: {y:.4f}")
assert y == fold.batch_norm([[5.0] * 8], *norm)[0, 0]

# %% [markdown]
# The last line has the same number from `tinyq`, to the last bit.
#
# ## Move it into the weights
#
# Everything but $x$ is a constant, so (9.1) is a straight line in $x$: slope 0.5528, intercept -1.1788. And $x$ is a sum of products,
# $x = \sum w\,v$. A slope times a sum is the sum with every weight times that slope. So let the convolution use other weights and get a bias:
#
# $$w'_c = w_c \frac{\gamma_c}{\sqrt{\sigma_c^2 + \epsilon}} \tag{9.2}$$
#
# $$b'_c = \beta_c - \mu_c \frac{\gamma_c}{\sqrt{\sigma_c^2 + \epsilon}} \tag{9.3}$$
#
# Put them into $\sum w' v + b'$ and you have (9.1) back. The batch norm is gone.

# %%
def fold_norm(weights, gamma, beta, mean, var, eps):
    """Fold filter by filter: equations (9.2) and (9.3)."""
    folded, bias = np.empty(weights.shape), np.empty(len(weights))
    for c, filter_c in enumerate(weights.astype(float)):
        slope = float(gamma[c]) / np.sqrt(float(var[c]) + eps)
        folded[c] = filter_c * slope
        bias[c] = float(beta[c]) - float(mean[c]) * slope
    return folded, bias


weights, bias = fold_norm(d.weights["stem"], *norm)
print(f"slope {gamma / np.sqrt(var + norm.eps):.4f}, intercept {bias[0]:.4f}")
theirs = fold.fold_batch_norm(d.weights["stem"], *norm)
assert np.array_equal(weights, theirs[0]) and np.array_equal(bias, theirs[1])

# %% [markdown]
# The proof was algebra. Here is the check: the stem as it was trained, convolution and then batch norm, against the one folded convolution.

# %%
padded = Pad2D((3, 3, 3, 3)).forward(images)
plain = Conv2D(d.weights["stem"], np.zeros(8, np.float32), (2, 2))
want = fold.batch_norm(plain.forward(padded), *norm)
got = Conv2D(np.float32(weights), np.float32(bias), (2, 2)).forward(padded)
print(f"outputs to {got.max():.2f}, difference {np.abs(got - want).max():.6f}")

# %% [markdown]
# What is left is the rounding of float32.
#
# ## Fold first, then quantize
#
# An int8 batch norm of its own would need a grid of its own and a requantizer, three times in this network. Folded, it costs nothing at run time. Converters for
# TensorFlow Lite fold by themselves; in PyTorch you ask for it with `fuse_modules`. TFLite Micro and CMSIS-NN have no kernel for an
# int8 batch norm at all.
#
# The order matters: fold, then choose scales. With a scale for each channel the weight codes do not even change, because the slope goes into the
# scale. With one scale for the tensor they do.

# %%
rest = np.float32(bias), qnet.grids["input"], qnet.grids["stem_relu"]
for kind in (QConv2DPerChannel, QConv2D):
    before = kind.from_float(d.weights["stem"], *rest).weight
    now = kind.from_float(np.float32(weights), *rest).weight
    print(f"{kind.__name__:17} {(before != now).sum():4} of {now.size} codes new")

# %% [markdown]
# With one scale the slopes decide how loud each channel is beside the others. Training did not care, and int8 does.
#
# ## Spoil it without changing it
#
# How loud a channel is within the network is arbitrary. Multiply its weights and its bias by 8, and divide by 8 the weights that read it in the next layer. A ReLU in between lets the factor
# through, because $\max(8x, 0) = 8 \max(x, 0)$. So does every $f > 0$:
#
# $$w^{(1)\prime}_c = f_c\, w^{(1)}_c, \qquad b'_c = f_c\, b_c, \qquad w^{(2)\prime}_c = w^{(2)}_c / f_c \tag{9.4}$$
#
# `d.wide_net` is our network with such factors between the block's two convolutions. They were found by trial, to do harm. They are powers of
# two, so even float32 keeps every bit.

# %%
wide = d.wide_net
assert np.array_equal(wide(images), d.net(images))
print("factors:", *digits.WIDE)
for name, scheme in schemes.items():
    both = [right(n.quantize(calibration, scheme=scheme)) for n in (d.net, wide)]
    print(f"{name}: as trained {both[0]} right, widened {both[1]}")

# %% [markdown]
# The float logits are the same to the last bit. In int8 with one scale for the tensor, 495 of 500 became 314. A scale for each channel saves most, and not all. Look at the weight codes
# of the spoiled network, channel by channel.

# %%
coarse = wide.quantize(calibration, scheme=schemes["per tensor"])
largest = np.abs(coarse.nodes[5].layer.weight).max(axis=(1, 2, 3))
print("largest weight code of each channel:", *largest)
assert largest.tolist() == [127, 7, 1, 6, 5, 6, 5, 1]

# %% [markdown]
# Channel 0 takes the one scale for itself. Channels 2 and 7 are left with the codes -1, 0 and 1. A scale for each channel mends these weights. But the
# activations that they make have one grid for all channels, and channel 0 stretches that too.

# %%
spoiled = wide.quantize(calibration)
activations = spoiled.trace(images)["block_relu_a"]
print("codes in use:", *(len(np.unique(activations[..., c])) for c in range(8)))
steps = [net.grids["block_relu_a"].scale for net in (qnet, spoiled)]
print(f"step as trained {steps[0]:.3f}, spoiled {steps[1]:.3f}")

# %% [markdown]
# The step is 50 times as wide. Channels 2 and 7 have three codes left. No scale of a weight brings the others back.
#
# ## Level the two sides
#
# Equation (9.4) can do harm, so it can do good. Let $r_c$ be the largest weight of a channel, $r^{(1)}_c$ where it is made and
# $r^{(2)}_c$ where it is read. A factor makes them $f r^{(1)}$ and $r^{(2)}/f$: a seesaw, with a product that stays. The higher side is lowest
# when both are level, $f r^{(1)} = r^{(2)}/f$, and that is
#
# $$f_c = \sqrt{r^{(2)}_c / r^{(1)}_c} \tag{9.5}$$
#
# Channel 0 has 18.6052 and 0.0648. With $f = 0.0590$ both become 1.0983.

# %%
def level(first, bias, second):
    """Level each channel between two layers: equations (9.4) and (9.5)."""
    f = np.empty(len(bias))
    for c in range(len(f)):
        made, read = np.abs(first[c]).max(), np.abs(second[..., c]).max()
        f[c] = np.sqrt(read / made)
    return first * f[:, None, None, None], bias * f, second / f


w, b = d.widened()
parts = w["block1"], b["block1"], w["block2"]
levelled = level(*parts)
for ours, theirs in zip(levelled, fold.equalize(*parts), strict=True):
    assert np.array_equal(ours, theirs)

# %% [markdown]
# Where two marks of the figure stand on one spot, the seesaw is level.

# %% mystnb={"image": {"alt": "Three panels with eight channels each, on a logarithmic axis. As trained, made is near 0.2 and read near 3.5 in every channel. Widened, channel 0 is made at 18.6 and read at 0.06; channels 2 and 7 stay near 0.2 and 3.5; the others are made and read near 0.9. Levelled, both marks of a channel stand on one spot, all between 0.65 and 1.1."}, "figure": {"caption": "The largest weight of each channel between the block's two convolutions.", "name": "fig-seesaw"}}
trained = d.folded()[0]
pairs = {"as trained": (trained["block1"], trained["block2"]),
         "widened": (w["block1"], w["block2"]), "levelled": levelled[::2]}
ranges = {
    title: (np.abs(one).max(axis=(1, 2, 3)), np.abs(two).max(axis=(0, 1, 2)))
    for title, (one, two) in pairs.items()}
made, read = (sides[0] for sides in ranges["widened"])
f = np.sqrt(read / made)
shown = f"{made:.4f} {read:.4f} {f:.4f} {made * f:.4f}"
assert shown == "18.6052 0.0648 0.0590 1.0983"
plots.seesaw(ranges)

# %% [markdown]
# Tilt the planks yourself. Each joins the largest weights of a channel where it is made and where it is read, on a logarithmic scale. Drag an end, or move
# `factor`.

# %%
Seesaw()

# %% [markdown]
# 1. Press "Level this channel". Both ends of channel 0 come to 1.098. With one scale for the tensor the first layer's SQNR goes from 32.7 to 41.44 dB.
# 2. Press "Level all". Now the second layer gains too, from 39.49 to 42.66 dB.
# 3. Press "As they came" and set `network` to `digits`: all planks lean the same way. Press "Level all", and they lie where they lay a moment ago.

# %%
spoilt, kept = Seesaw(), Seesaw(network="digits")
for widget in (spoilt, kept):
    widget.factor, widget.level_others = widget.value["balanced"], True
level_of = [(w.value["made_now"], w.value["second_sqnr"]) for w in (spoilt, kept)]
assert level_of[0] == level_of[1] and level_of[0][1] == 42.66

# %% [markdown]
# This is **cross-layer equalization** ([Nagel et al. 2019](https://arxiv.org/abs/1906.04721), like the bias correction below). `equalize_network` does it for every pair of layers that allows it.

# %%
mended = equalize_network(wide)
print("pairs:", *joined_pairs(wide.nodes))
for name, scheme in schemes.items():
    print(f"{name}: {right(mended.quantize(calibration, scheme=scheme))} right")
assert np.array_equal(mended(images), equalize_network(d.net)(images))

# %% [markdown]
# 496 are right again, whichever scheme. The assert says that the spoiled network and the trained one
# are levelled to the same function, bit by bit: factors of the past cancel.
#
# Only one pair allows it. The stem's output is read twice, by the block and by the skip, and the add puts two tensors together that must
# keep one measure. A ReLU6 would forbid it too: its 6 does not move with the channel. Pads with zeros and both pools let a factor through, as ReLU
# does. No runtime notices any of this. It sees other weights.
#
# ## Correct the bias
#
# One freedom is left, the bias. Rounding turns a weight $w$ into $\hat w$. The inputs of the block's second convolution come from a ReLU, so none is
# negative, and a weight that is rounded up pushes its output up in every image. With 8 bits that is little. Take 4 bits for the weights.

# %%
four = d.net.quantize(calibration, scheme=Scheme(weight_bits=4))
four = four.nodes[8].layer
w_hat = four.weight * four.weight_scale.astype(float)[:, None, None, None]
conv, x = d.net.nodes[8].layer, d.net.trace(calibration)["block_pad2"]
error = Conv2D(np.float32(w_hat), conv.bias).forward(x) - conv.forward(x)
print(f"channel 1: mean error {error[..., 1].mean(dtype=float):.3f}")

# %% [markdown]
# On the average an output of channel 1 is 0.287 too low. In general the mean error is $\sum_k (\hat w_{ck} - w_{ck})\,\overline{x_k}$, with $\overline{x_k}$ the mean of
# what weight $k$ is multiplied by. It is a constant, so the bias can take it back:
#
# $$b'_c = b_c - \sum_k (\hat w_{ck} - w_{ck})\, \overline{x_k} \tag{9.6}$$

# %% mystnb={"image": {"alt": "A dot for each of eight channels. Before, the mean errors lie between -0.29 and 0.14, the lowest at channel 1. After, all eight lie on the zero line."}, "figure": {"caption": "The block's second convolution with weights of 4 bits: mean error of each channel over the 200 calibration images.", "name": "fig-bias"}}
def correct(bias, weights, w_hat, mean_input):
    """Correct channel by channel: equation (9.6)."""
    shifts = [(difference * mean_input).sum() for difference in w_hat - weights]
    return bias - np.array(shifts)


windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
mean_input = windows.mean(axis=(0, 1, 2), dtype=float).transpose(1, 2, 0)
parts = conv.bias, conv.weights, w_hat, mean_input
# a float sum depends on its order, so the last bits may differ
assert np.allclose(correct(*parts), fold.correct_bias(*parts), rtol=1e-12)
fixed = Conv2D(np.float32(w_hat), np.float32(correct(*parts)))
left = fixed.forward(x) - conv.forward(x)
means = [part.mean(axis=(0, 1, 2)) for part in (error, left)]
assert np.abs(means[1]).max() < 1e-4
plots.mean_errors({"before": means[0], "after": means[1]})

# %% [markdown]
# The means are gone. How far single outputs scatter around them stays as it was. `correct_biases` does it for the whole network, from the first layer to the
# last, each on the codes that reach it.

# %%
for bits in (8, 6, 4, 3):
    qnet = d.net.quantize(calibration, scheme=Scheme(weight_bits=bits))
    better = correct_biases(d.net, qnet, calibration)
    print(f"{bits} bits: {right(qnet)} right, corrected {right(better)}")

# %% [markdown]
# With 4 bits 31 scans are won, with 3 bits 122. With 8 bits nothing is, and with 6 bits one is lost. Nor is it a cure for everything. Here is
# the spoiled network, with a scale for each channel.

# %%
better = correct_biases(wide, spoiled, calibration)
print(f"spoiled: {right(spoiled)} right, corrected {right(better)}")

# %% [markdown]
# Its trouble is the coarse grid between the layers, and a bias cannot mend that.
#
# ## Exercises
#
# ### Exercise 1: Fold a bias too
#
# **Goal.** Some convolutions have a bias $b$ of their own before the batch norm. Then $x_c = \sum w\,v + b_c$ in (9.1). Find the bias of the folded
# convolution.

# %% tags=["stub"]
def folded_bias(bias, gamma, beta, mean, var, eps):
    """Return the folded bias of a convolution that had one: float64 (C,)."""
    return ...


# %% tags=["check"]
own = np.linspace(-2, 2, 8)
want = fold.batch_norm(own[None], *norm)[0]  # what becomes of x = b, at v = 0
got = folded_bias(own, *norm)
hint = "the mean is taken from b as well."
_ = check(got if got is ... else np.round(got, 5), want.round(5), hint)

# %% tags=["solution", "hide-cell"]
def folded_bias(bias, gamma, beta, mean, var, eps):
    """Return the folded bias of a convolution that had one: float64 (C,)."""
    return beta + (bias - mean) * (gamma / np.sqrt(var.astype(float) + eps))


assert check(folded_bias(own, *norm).round(5), want.round(5))

# %% [markdown]
# ### Exercise 2: Put the bias on the wrong scale
#
# **Goal.** Break it: a bias belongs on the scale of the sums, input scale times weight scale. Some code took the output scale for the input's, as in
# [PyTorch](https://github.com/pytorch/pytorch/issues/23874). The mutant `bias_on_the_output_scale` does that when a network is quantized. `with mutant.planted():` plants one. Write the function
# that counts the right scans under any mutant.

# %% tags=["stub"]
def right_under(mutant):
    """Return how many scans the int8 network gets right, mutant planted."""
    return ...


# %% tags=["check"]
bugs = {mutant.name: mutant for mutant in MUTANTS}
names = ("bias_on_the_output_scale", "bias_forgotten")
hint = "quantize inside `with mutant.planted():`, and run there too."
_ = check(tuple(right_under(bugs[n]) for n in names), (303, 117), hint)

# %% tags=["solution", "hide-cell"]
def right_under(mutant):
    """Return how many scans the int8 network gets right, mutant planted."""
    with mutant.planted():
        return right(d.net.quantize(calibration))


assert check(tuple(right_under(bugs[n]) for n in names), (303, 117), hint)
assert not any(bugs[name].caught_by_golden for name in names)

# %% [markdown]
# :::{dropdown} How you would notice
# Not from the seed. Its biases are all 0, so its golden bytes stay right under both mutants. Folding is what brings biases into a network: test it on
# one that has been folded.
# :::
#
# ## Check yourself
#
# 1. May $\gamma$ be negative?
#
#    :::{dropdown} Answer
#    Yes. Folding multiplies the weights by a negative slope, which turns their signs, and the weight scale looks at sizes alone. The factors of (9.4) must be positive,
#    because they have to pass a ReLU.
#    :::
#
# 2. With a scale for each channel, folding changed no weight code. What did it change?
#
#    :::{dropdown} Answer
#    The weight scales, which take up the slopes, and the bias, which was 0. And one tensor is gone, with its grid and its requantizer.
#    :::
#
# 3. Bias correction costs nothing at run time. Why not always use it?
#
#    :::{dropdown} Answer
#    It trusts the means of the calibration images, and it mends only the mean. Where something else is wrong it can do harm, as on the spoiled network.
#    :::

# %% [markdown]
# ## What we built
#
# `fold_norm`, `level` and `correct` are `tinyq.methods.fold`'s `fold_batch_norm`, `equalize` and `correct_bias`. This cell folds all three convolutions and
# compares them with the network that `tinyq.digits` builds.

# %%
for name, place in zip(d.norms, (1, 5, 8), strict=True):
    built = d.net.nodes[place].layer
    parts = fold_norm(d.weights[name], *d.norms[name])
    assert np.array_equal(built.weights, np.float32(parts[0]))
    assert np.array_equal(built.bias, np.float32(parts[1]))
