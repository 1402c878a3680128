# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7 · Pass for free
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** run ReLU, pad, max pool and average pool on codes, and compare them with the real numbers.
#
# **Learn:** why these layers keep the grid of their input, where an average pool has a tie, and what
# a needless requantizer costs.
#
# **Need:** a grid ([chapter 1](01_put_numbers_on_a_grid.ipynb)) and a requantizer
# ([chapter 5](05_come_back_to_8_bits.ipynb)).
#
# **Time:** 35 minutes
# :::
#
# `trace` holds the codes of every tensor of the seed's 32 images, by the name of the layer that wrote it.

# %%
from dataclasses import replace

import numpy as np

from tinyq import Grid, MinMax, Requantizer, layers, parity, plots, resnet
from tinyq.affine import round_half_away
from tinyq.exercise import check
from tinyq.fixedpoint import multiply_by_quantized_multiplier
from tinyq.widgets import GridPassport

seed = resnet.seed()
net = resnet.stem_block(seed.weights, seed.biases)
qnet = net.quantize(seed.images)
trace = qnet.trace(seed.images)

# %% [markdown]
# ## Count who owns a grid
#
# The network has 13 layers. Some own their output grid: they need a requantizer to reach it.
# The others pass: they write codes on the grid of their input, and in the program it is the same `Grid` object. Python
# can tell. A copy with the same numbers is `==` to it, but only the object itself `is` it.

# %%
rows = qnet.ledger()[1:]  # the first row is the input
free = [r for r in rows if any(r.out_grid is grid for grid in r.in_grids)]
owners = [row for row in rows if row not in free]
kinds = sorted({row.kind for row in free})
print(f"{len(owners)} layers own a grid, {len(free)} pass:", *kinds)
print("codes an image that pass:", sum(row.activation_bytes for row in free))
assert len({id(grid) for grid in qnet.grids.values()}) == len(owners) + 1 == 6

# %% [markdown]
# Five owners and the input make six grids. The other eight layers write 2,932 codes an image and rescale none.
# They are of four kinds: pad, ReLU (a `QClamp`), max pool and global average pool. This chapter proves that
# each of them may.
#
# ## ReLU: clamp at the zero_point
#
# The stem's grid has scale 0.06204 and zero_point -1. ReLU replaces negative numbers by 0. Here are
# three codes before and after.

# %%
stem = qnet.grids["stem_conv7x7_s2"]
for q in (-20, -1, 30):
    x, y = stem.dequantize(q), max(q, stem.zero_point)
    print(f"code {q:3} is {x:6.3f}; after ReLU {max(x, 0):5.3f}, code {y:2}")

# %% [markdown]
# Code -1 stands for 0, every code below it for a negative number. ReLU lifts these codes to -1. In general the number of a code is
# $x = s\,(q - z)$. The scale is above 0, so $x$ is negative exactly where $q < z$. Therefore $\max(x, 0)$ is the number of the code $\max(q, z)$, on the same grid. With an upper
# limit too, a ReLU on codes is a clamp:
#
# $$ y = \min(\max(q, \text{low}), \text{high}), \qquad \text{low} = z \tag{7.1} $$
#
# A plain ReLU has high = qmax, so only the lower limit acts. A grid has 256 codes. Check all of them, on
# all grids of the network and two awkward ones. The last two lines are the classic bug: a clamp at code 0 is right
# only where the zero_point is 0.

# %%
def relu(codes, grid):
    """ReLU one code at a time: equation (7.1)."""
    return np.int8([max(int(q), grid.zero_point) for q in codes])


every_code = np.arange(-128, 128).astype(np.int8)
for grid in (*qnet.grids.values(), Grid(0.5, 127), Grid(3.0, 0)):
    real = np.maximum(grid.dequantize(every_code), 0)
    ours = relu(every_code, grid)
    assert np.array_equal(grid.dequantize(ours), real)
    layer = layers.qrelu(grid)
    assert np.array_equal(layer.forward(every_code[None])[0], ours)
    assert layer.out_grid is layer.in_grid
    bug = grid.dequantize(np.maximum(every_code, 0))
    assert np.array_equal(bug, real) == (grid.zero_point == 0)

# %% [markdown]
# No rounding took part. The real numbers agree bit for bit, and the grid goes out as it came in.
#
# ## Max pool: the order of the codes
#
# Here is a channel of the stem on its way through ReLU and a 2×2 max pool.

# %% mystnb={"image": {"alt": "Three images of one channel with the code written in each cell. After the convolution, 8 by 8 codes from -120 to 118: positive on the left, negative on the right. After ReLU all negative cells read -1. After max pool, 4 by 4 codes: 80, 89, 0, -1 in the top row."}, "figure": {"caption": "Image 0, channel 2, on one grid. The bar gives the code below and its real number above. White is real 0, the code -1.", "name": "fig-pass-codes"}}
names = ("stem_conv7x7_s2", "stem_relu", "stem_maxpool2x2")
channel = [trace[name][0, :, :, 2] for name in names]
assert channel[1][:2, :2].tolist() == [[22, 55], [32, 80]]
assert channel[2][0, 0] == 80 and f"{stem.dequantize(80):.3f}" == "5.025"
plots.codes_through_pool(*channel, stem)

# %% [markdown]
# Take the window at the top left: codes 22, 55, 32, 80. The largest is 80, which is 81 steps above the zero_point, and
# $0.06204 \cdot 81 = 5.025$ is also the largest of the four real numbers. That is no accident.
# Dequantization is increasing: a larger code stands for a larger number. So the number of the largest code is the
# largest number. With the window's corner at row $i\,S_y$ and column $j\,S_x$:
#
# $$ y_{i,j,c} = \max_{k_y,\,k_x}\; q_{\,i S_y + k_y,\; j S_x + k_x,\; c} \tag{7.2} $$
#
# The loop nest takes any rule that makes one code of a window. A second rule comes soon.

# %%
def pool(image, kernel, stride, rule):
    """Apply a rule to each window; with max it is equation (7.2)."""
    (h, w, depth), (kh, kw), (sy, sx) = image.shape, kernel, stride
    out = np.empty(((h - kh) // sy + 1, (w - kw) // sx + 1, depth), np.int8)
    for i, j, c in np.ndindex(out.shape):
        window = image[i * sy : i * sy + kh, j * sx : j * sx + kw, c]
        out[i, j, c] = rule(window.ravel().tolist())
    return out


after_relu = trace["stem_relu"]
pooled = np.stack([pool(x, (2, 2), (2, 2), max) for x in after_relu])
assert np.array_equal(pooled, trace["stem_maxpool2x2"])
windows = stem.dequantize(after_relu).reshape(32, 4, 2, 4, 2, 8)
assert np.array_equal(stem.dequantize(pooled), windows.max(axis=(2, 4)))

# %% [markdown]
# All 4,096 pooled codes equal `tinyq`'s, and their real numbers are the float max pool of the real inputs.
#
# Pad is simpler still. It surrounds the image with real zeros, and the code of real zero is the
# zero_point.

# %%
real = np.pad(stem.dequantize(pooled), ((0, 0), (1, 1), (1, 1), (0, 0)))
assert np.array_equal(stem.dequantize(trace["block_pad1"]), real)
assert trace["block_pad1"][0, 0, 0, 0] == stem.zero_point
print(f"a pad of code 0 is a frame of {stem.dequantize(0):.3f}, not of 0")

# %% [markdown]
# The same bug again: code 0 is not real 0.
#
# ## Where the order breaks
#
# The proof used two things: one grid for all codes of the window, and a scale above 0. Take each
# away in turn. A negative scale turns the order round, so `max` would pick the smallest number. That is
# why `Grid` refuses it.

# %%
assert -0.5 * 3 < -0.5 * 1  # scale -0.5: the larger code, the smaller number
try:
    Grid(-0.5, 0)
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# Now two grids. Compare the codes of the two inputs of the residual add.

# %%
a, b = trace["block_conv3x3_b"], trace["stem_maxpool2x2"]
x, y = qnet.grids["block_conv3x3_b"].dequantize(a), stem.dequantize(b)
wrong = (a > b) != (x > y)
print(f"two grids: {wrong.sum()} of {a.size} pairs are in the wrong order")
pair = (0, 0, 2, 6)
assert (a[pair], b[pair]) == (48, 68)
assert f"{x[pair]:.3f} {y[pair]:.3f}" == "4.664 4.281"

# %% [markdown]
# In one pair, 48 stands for 4.664 and 68 for 4.281: the smaller code is the larger number. So two tensors must be on
# one grid before they are compared, concatenated or added. That is why the add has requantizers ([chapter 8](08_add_the_skip.ipynb)).
#
# ## Average pool: equal up to half a step
#
# The last pool averages each channel over 4×4 codes. In image 0, channel 0, the sixteen codes have the sum 59.
# The mean is $59 / 16 = 3.6875$, so the output code is 4. Nobody took the zero_point out. It comes through the mean by itself:
#
# $$ \frac1n \sum_{k=1}^{n} s\,(q_k - z) = s \left( \frac1n \sum_{k=1}^{n} q_k - z \right). $$
#
# The mean of the codes stands for the mean of the numbers. But it need not be an integer, and here, for the
# first time, something is rounded:
#
# $$ y = \operatorname{clamp}\!\left( \left\lfloor \frac1n \sum_{k=1}^{n} q_k \right\rceil \right) \tag{7.3} $$
#
# Half goes away from zero. In integers: add half the count to the size of the sum, divide, put the sign back.

# %%
def mean_code(codes):
    """The mean code, a half away from zero: equation (7.3)."""
    size = (abs(sum(codes)) + len(codes) // 2) // len(codes)
    return size if sum(codes) >= 0 else -size


summed, means = trace["block_relu_b"], trace["global_avgpool"]
sums = summed.sum(axis=(1, 2), dtype=np.int32)
assert (sums[0, 0], means[0, 0]) == (59, 4)
ours = [pool(image, (4, 4), (1, 1), mean_code)[0, 0] for image in summed]
assert np.array_equal(ours, means)
layer = layers.QAvgPool2D(qnet.grids["block_relu_b"], (4, 4), (1, 1))
assert np.array_equal(layer.forward(summed)[:, 0, 0], means)
assert np.abs(16 * means.astype(int) - sums).max() == 8

# %% [markdown]
# `means` came from the network's global average pool. The line with `layer.forward` says that it is an average pool whose
# window is the image. The last line says that no mean is off by more than 8/16, half a step, and that some are off by
# just that.
#
# ## Settle the ties
#
# A mean that ends in exactly one half is a tie, and 16 codes can make one. In image 27, channel 3, the sum is
# -2040 and the mean -127.5. Away from zero is -128, which on this grid (zero_point -128) is real 0.
#
# Now take the zero_point out first. The centred sum is $-2040 + 16 \cdot 128 = 8$, its mean 0.5,
# rounded 1, and the code is $1 - 128 = -127$. Both codes are half a step from the true mean. Yet they are two bytes, and a
# runtime must choose. Raw sums round away from *code* 0, centred sums away from *real* 0.
#
# How often do the two definitions differ? Try every zero_point with every sum that 16 codes can have.

# %%
def centred(total, zero_point):
    """Take the zero_point out of 16 codes, average, put it back."""
    return round_half_away((total - 16 * zero_point) / 16) + zero_point


zero_point = np.arange(-128, 128)[:, None]
total = np.arange(16 * -128, 16 * 127 + 1)
differ = round_half_away(total / 16) != centred(total, zero_point)
nearest = differ & (np.abs(total - 16 * zero_point) == 8)
print(f"pairs (zero_point, sum): {differ.size}, that differ: {differ.sum()}")
print(f"of these with a centred sum of 8 or -8: {nearest.sum()}")
assert np.array_equal(differ.sum(axis=1), np.abs(zero_point[:, 0]))
assert (sums[27, 3], means[27, 3]) == (-2040, -128)
assert centred(-2040, -128) == -127

# %% [markdown]
# Over all sums 16,384 pairs differ. Count only the two ties next to real 0, with centred sum 8 or -8, and it is 255: one pair
# for each zero_point except 0. A zero_point $z$ has $|z|$ disputed sums, the ties between code 0 and real 0. Ours has 128. These are the first four.

# %% mystnb={"image": {"alt": "Mean code over the raw sum of 16 codes, from -2048 to -1984, with four ties. At each tie the centred rule gives the upper code and the raw rule the lower one. Half to even gives the lower one at the first and third tie, the upper one at the second and fourth."}, "figure": {"caption": "Three rules at the first four ties of a grid with zero_point -128. Away from a tie (black dots) they agree.", "name": "fig-pass-ties"}}
first = total[:65]
rules = {"raw sum, half away": round_half_away(first / 16)}
rules["centred sum, half away"] = centred(first, -128)
rules["half to even"] = np.rint(first / 16)
plots.pool_ties(first, rules, count=16)

# %% [markdown]
# TensorFlow Lite's AVERAGE_POOL_2D adds raw codes and rounds half away from zero, and `tinyq` follows it. ONNX Runtime and PyTorch
# round a half to even. TensorFlow Lite's MEAN is another function than its AVERAGE_POOL_2D. It takes the
# zero_point out, rescales as in [chapter 5](05_come_back_to_8_bits.ipynb), and so rounds twice. For 16 codes that keep their grid the multiplier is $2^{30}$ and
# the shift 3. Count all rules on the seed's own 256 sums.

# %%
mean = multiply_by_quantized_multiplier(sums + 16 * 128, 2**30, 3) - 128
others = {
    "centred sum": centred(sums, -128),
    "half to even": np.rint(sums / 16),
    "TFLite's MEAN": mean,
}
ties = (sums % 16 == 8).sum()
print(f"{ties} of {sums.size} sums are ties; different from ours:")
for name, codes in others.items():
    print(f"{name:>14}: {(codes != means).sum():2}")
    assert np.abs(codes - means).max() == 1
assert multiply_by_quantized_multiplier(7, 2**30, 3) == 1

# %% [markdown]
# MEAN differs most often, because two roundings make ties of their own: a centred sum of 7 becomes 3.5,
# then 4, then 4/8, then 1, although 7/16 is nearer to 0. All differences are of one code. When two
# runtimes disagree after a pool, ask first which operator the converter wrote, and [which way its halves go](https://github.com/uxlfoundation/oneDNN/issues/560).
#
# ## Burn a needless requantizer
#
# A library could give each layer a grid of its own. Try it on the max pool, with three
# grids: a copy of the shared one, one calibrated on 4 images instead of 32, and the pool's own range. The last column is the
# signal-to-noise ratio (SQNR) against the float network, in decibels. More is better; 6 dB more is half the error.

# %%
def rescaled(codes, old, new):
    """A layer that does nothing but change the grid: equation (5.9)."""
    steps = codes.astype(np.int32) - old.zero_point
    return Requantizer(old.scale / new.scale).requantize(steps, new)


# %%
reference = net.trace(seed.images)
four = MinMax().observe(reference["stem_conv7x7_s2"][:4]).grid()
own = qnet.ranges["stem_maxpool2x2"].grid()
grids = {"a copy": replace(stem), "4 images": four, "own range": own}
for name, new in grids.items():
    codes = rescaled(pooled, stem, new)
    changed, real = (codes != pooled).sum(), new.dequantize(codes)
    db = parity.sqnr_db(reference["stem_maxpool2x2"], real)
    print(f"{name:9} scale {new.scale:.5f}, {changed:4} codes new, {db:.2f} dB")

# %% [markdown]
# The copy changes nothing: it pays a 64-bit product a code to multiply by 1. The grid of 4 images is 0.5 %
# finer. Only 150 of 4,096 codes change, but those that stay now stand for slightly other numbers, and 2.77 dB are
# gone. The pool's own range gives a grid twice as fine. Nearly every code is new, and nothing is won: 46.44
# against 46.47 dB. What the first rounding dropped, no later grid brings back.
#
# The passport below has every layer, and puts such a requantizer behind it.

# %%
for at, stamp, new in ((4, "copy", 0), (4, "wider", 35), (12, "wider", 4)):
    shown = GridPassport(stage=at, stamp=stamp).value
    assert shown["passes"] and shown["changed"] == new
assert "{:.5f} {:.3f}".format(*shown["cost"]["worst"]) == "0.00985 0.029"
GridPassport()

# %% [markdown]
# 1. Go down the list with the arrow keys. Eight layers pass. At each of them compare the codes before and after.
# 2. Choose `stem_maxpool2x2`, and "equal grid" in the menu: 128 products, and no code changes. "1 % wider" changes 35 of 128 codes, and the SQNR falls from
#    45.93 to 43.35 dB.
# 3. Choose `global_avgpool` and keep "1 % wider". Four of eight codes change, and the largest logit error triples from 0.00985 to 0.029.
#
# ## Calibrate after the ReLU
#
# The finer grid is worth having, but earlier. The stem was calibrated before its ReLU, so half of its grid is for
# negative numbers, and ReLU throws that half away. Let the convolution take the range that is seen *after* the
# ReLU. It requantizes anyway, from 32 bits.

# %%
def rewire(old, name, **new):
    """Return the network with the fields `new` of the node `name` changed."""
    nodes = [replace(n, **new) if n.name == name else n for n in old.nodes]
    return replace(old, nodes=tuple(nodes))


after_net = rewire(net, "stem_conv7x7_s2", observe="stem_relu")
after = after_net.quantize(seed.images)
for when, network in (("before", qnet), ("after", after)):
    codes = network.trace(seed.images)["stem_relu"]
    real = network.grids["stem_relu"].dequantize(codes)
    quality = parity.sqnr_db(reference["stem_relu"], real)
    used = len(np.unique(codes))
    print(f"calibrated {when} ReLU: {used} codes in use, {quality:.2f} dB")
assert sum(row.requantizes for row in after.ledger()) == 5

# %% [markdown]
# Calibrated before, 127 of 256 codes are idle: the price of a ReLU that passes for free on
# whatever grid it meets. Calibrated after, all 256 are in use and the stem gains 5.83 dB. There are still five requantizers, and ReLU
# still passes for free. It has nothing left to do, because the convolution's own clamp at qmin already stops at real 0.

# %% mystnb={"image": {"alt": "Two histograms of the codes after ReLU, with a logarithmic count. Above, calibrated before ReLU: a tall bar at -1, no code from -128 to -2, bars from 0 to 127. Below, calibrated after ReLU: a tall bar at -128 and bars at all codes up to 127."}, "figure": {"caption": "Codes after the stem's ReLU, all 32 images. The shaded codes stand for negative numbers, which no longer occur.", "name": "fig-pass-idle"}}
new = after.trace(seed.images)
assert np.array_equal(new["stem_conv7x7_s2"], new["stem_relu"])
tensors = {"calibrated before ReLU": (after_relu, stem)}
tensors["calibrated after ReLU"] = new["stem_relu"], after.grids["stem_relu"]
plots.codes_used(tensors)

# %% [markdown]
# Half of the pixels were negative and share the tall bar. The others had 128 codes and now have 255. The seed
# leaves its stem as it is; its add is calibrated after the ReLU.
#
# ## Exercises
#
# ### Exercise 1: Predict the ceiling of ReLU6
#
# **Goal.** ReLU6 clamps real numbers to 0..6. Find the two limits of equation (7.1) on a grid with codes -128..127, from its
# scale and zero_point alone. Mind grids that end below 6.

# %% tags=["stub"]
def relu6_limits(scale, zero_point):
    """Return (low, high), two ints: the codes that ReLU6 clamps to."""
    return ...


# %% tags=["check"]
samples = (*qnet.grids.values(), Grid(0.5, 127))
limits = tuple((c.low, c.high) for c in map(layers.qrelu6, samples))
hint = "low is the code of 0, high is 6 / scale steps above, 127 at most."
got = tuple(relu6_limits(grid.scale, grid.zero_point) for grid in samples)
_ = check(got, limits, hint)

# %% tags=["solution", "hide-cell"]
def relu6_limits(scale, zero_point):
    """Return (low, high), two ints: the codes that ReLU6 clamps to."""
    steps = int(round_half_away(6 / scale))
    return zero_point, min(zero_point + steps, 127)


got = tuple(relu6_limits(grid.scale, grid.zero_point) for grid in samples)
assert check(got, limits, hint)
low, high = relu6_limits(stem.scale, stem.zero_point)
print(f"stem: codes {low}..{high}, numbers 0..{stem.dequantize(high):.3f}")
x = np.linspace(-8, 8, 100_001).astype(np.float32)
clamped = np.clip(stem.quantize(x), low, high)
assert np.array_equal(clamped, stem.quantize(np.clip(x, 0, 6)))

# %% [markdown]
# The ceiling is 6.018, since 6 itself is not on this grid. Still, the codes are those of the float ReLU6. Quantization keeps
# the order, so you may clamp first or quantize first.
#
# ### Exercise 2: Clamp at the wrong zero
#
# **Goal.** Break it: make one ReLU of the network clamp at code 0, run the first four images, and count how many of the 16
# logits move. `layers.QClamp(grid, low, high)` is a clamp, and `rewire(qnet, name, layer=...)` puts it in.

# %% tags=["stub"]
def moved_logits(name):
    """Return how many of the 16 logits the bug in layer `name` moves."""
    return ...


# %% tags=["check"]
relus = ("stem_relu", "block_relu_a", "block_relu_b")
images = seed.images[:4]
_ = check(tuple(map(moved_logits, relus)), (14, 14, 16))

# %% tags=["solution", "hide-cell"]
def broken(name):
    clamp = layers.QClamp(qnet.grids[name], low=0, high=127)
    return rewire(qnet, name, layer=clamp)


def moved_logits(name):
    """Return how many of the 16 logits the bug in layer `name` moves."""
    return int((broken(name)(images) != qnet(images)).sum())


assert check(tuple(map(moved_logits, relus)), (14, 14, 16))
for name in relus:
    result = parity.compare(net, broken(name), images)
    share = result.worst / result.logit_range
    verdict = "PASS" if result.passed else "FAIL"
    print(f"{name:12} error {share:5.1%} of the logit range: {verdict}")

# %% [markdown]
# :::{dropdown} How you would notice
# This is the mutant `relu_at_code_zero`. On the first two grids the zero_point is -1, so the bug turns every real 0 into one step. 14 of 16 bytes are wrong, and the seed's
# pass mark, an error of 40 % of the logit range, still says PASS. Golden bytes notice. So does the smallest unit test: the ReLU of a
# negative number must dequantize to exactly 0. The third grid has its zero_point at -128. There the bug erases half of the range,
# and even the pass mark sees it.
# :::

# %% [markdown]
# ## Check yourself
#
# 1. Which of these keep the grid: a min pool, a leaky ReLU (negative numbers times 0.1), sorting the codes of a channel?
#
#    :::{dropdown} Answer
#    Min pool and sorting do: both only pick codes by their order, and dequantization keeps the order. A leaky ReLU does not. A tenth
#    of a number on the grid is in general not on the grid, so it has to be rescaled and rounded.
#    :::
#
# 2. ResNet-18 on 224-pixel images ends in an average over 7×7 codes. How many of its sums are ties?
#
#    :::{dropdown} Answer
#    None. A tie needs half the count to be an integer, and 49 is odd. The dispute of this chapter exists only for windows with an even
#    number of codes.
#    :::
#
# 3. Equation (7.3) clamps. Can the clamp ever act?
#
#    :::{dropdown} Answer
#    No. A mean lies between the smallest and the largest of its codes, and rounding does not leave that interval, because its
#    ends are integers. The clamp spares the reader of the code this proof.
#    :::

# %% [markdown]
# ## What we built
#
# `relu`, `pool` and `mean_code` are `tinyq.layers.qrelu`, `QMaxPool2D`, `QAvgPool2D` and `QGlobalAvgPool2D`. The cells above compared
# them on the network's own shapes. This one takes overlapping windows of 49 codes, and counts their ties.

# %%
image, grid = trace["stem_pad"][0], qnet.grids["stem_pad"]
for kind, rule in ((layers.QMaxPool2D, max), (layers.QAvgPool2D, mean_code)):
    theirs = kind(grid, kernel=(7, 7), stride=(5, 3)).forward(image[None])[0]
    assert np.array_equal(theirs, pool(image, (7, 7), (5, 3), rule))
assert not any(2 * s % 49 == 0 != s % 49 for s in range(49 * -128, 49 * 128))
