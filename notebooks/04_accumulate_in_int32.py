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
# # 4 · Accumulate in int32
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** add up products of codes, take the zero_points out of the sum, and prove that no sum leaves 32 bits.
#
# **Learn:** what the four terms of a product of codes are, why one of them can hide in the bias, and how some processors get the sum wrong.
#
# **Need:** [chapter 1](01_put_numbers_on_a_grid.ipynb) (code, zero_point) and [chapter 3](03_choose_one_scale_or_many.ipynb) (weight codes).
#
# **Time:** 40 minutes
# :::

# %%
from unittest.mock import patch

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinyq import Grid, Scheme, digits, plots, resnet
from tinyq.affine import round_half_away
from tinyq.exercise import check
from tinyq.layers import QConv2D, QDense
from tinyq.widgets import AccumulatorMeter

seed, data = resnet.seed(), digits.load()
fit = data.images[data.calibration]
net = resnet.stem_block(seed.weights, seed.biases)
qnet = net.quantize(seed.images)
trace = qnet.trace(seed.images)

# %% [markdown]
# ## Add eight products
#
# The seed ends in a dense layer: eight codes in, four logits out. Its input grid has zero_point -128, its weights have zero_point 0. Here is
# the first logit of the first image.

# %%
dense, pooled = qnet.nodes[-1].layer, trace["global_avgpool"]
q, w = pooled[0].tolist(), dense.weight[0].tolist()
z = dense.in_grid.zero_point
table = {"codes": q, "steps": [code - z for code in q], "weights": w}
table["products"] = [a * b for a, b in zip(table["steps"], w, strict=True)]
for name, row in table.items():
    print(f"{name:9}", *(f"{x:6}" for x in row))
print("sum of the products", sum(table["products"]))

# %% [markdown]
# The products do not fit 8 bits, and a sum of many will not fit 16. It is kept in an int32, the **accumulator**. With an integer bias $b$, which comes later in this
# chapter and is 0 in the seed,
#
# $$a = b + \sum_k w_k\,(q_k - z) \tag{4.1}$$
#
# A convolution does the same in each window, for each filter. `windows` lays the windows of the images out as rows.

# %%
def windows(codes, layer):
    """Return each window's codes as a row of ints: (N, OH, OW, K)."""
    if codes.ndim == 2:
        return codes.astype(int)  # dense: the row itself
    kernel, (sy, sx) = layer.weight.shape[1:3], layer.stride
    view = sliding_window_view(codes, kernel, (1, 2))[:, ::sy, ::sx]
    view = np.moveaxis(view, 3, 5)  # channel last again
    return view.reshape(*view.shape[:3], -1).astype(int)


def rows(layer):
    """Return the weights of each output as a row of ints: (O, K)."""
    return layer.weight.reshape(len(layer.weight), -1).astype(int)


# %%
def accumulate(q, w, b, z):
    """Return the sum of one output: equation (4.1)."""
    for q_k, w_k in zip(q, w, strict=True):
        b += w_k * (q_k - z)
    return b


nodes = [node for node in qnet.nodes if hasattr(node.layer, "accumulate")]
for node in nodes:
    layer, codes = node.layer, trace[node.inputs[0]][:1]
    filters, at = rows(layer).tolist(), layer.in_grid.zero_point
    inputs = windows(codes, layer).reshape(-1, len(filters[0])).tolist()
    ours = [accumulate(x, f, 0, at) for x in inputs for f in filters]
    assert ours == layer.accumulate(codes).ravel().tolist()
    print(f"{node.name:15} {len(ours):3} sums of {len(filters[0])} products")

# %% [markdown]
# The loop and the package agree on all of the first image's sums.
#
# ## Prove that it fits
#
# Can a sum leave int32? A step lies in -255..255, because codes do in -128..127. A weight lies in -127..127. So a product is
# 32,385 at most, in size. How many of the largest fit?

# %%
largest = 255 * 127
fan_in = (2**31 - 1) // largest
print(f"{fan_in} * {largest} = {fan_in * largest}, of {2**31 - 1}")
ones, grid = np.ones((1, fan_in + 1), np.float32), Grid(1.0, -128)
QDense.from_float(ones[:, 1:], np.float32([0]), grid, grid)
try:
    QDense.from_float(ones, np.float32([0]), grid, grid)
except ValueError as error:
    print("one more:", error)

# %% [markdown]
# A layer may add up 66,311 products, whatever its weights and inputs are. The seed's largest, the stem, has 147. It needs
# $147 \cdot 32385 = 4760595 < 2^{23}$, which is 23 bits and a sign. ResNet's largest convolution has $3 \cdot 3 \cdot 512 = 4608$ products, also far below.
#
# This bound holds for any weights. But weights are known when the network is built, so a smaller one can be computed. The worst input for a weight is $q_{\min}$ or
# $q_{\max}$, whichever makes the product smaller or larger:
#
# $$a_{\min} = b + \sum_k \min\bigl(w_k\,(q_{\min} - z),\; w_k\,(q_{\max} - z)\bigr) \tag{4.2}$$
#
# and $a_{\max}$ with the maxima.

# %%
def reach(w, b, grid):
    """Return the least and the largest sum: equation (4.2)."""
    ends = grid.qmin - grid.zero_point, grid.qmax - grid.zero_point
    pairs = [sorted((w_k * ends[0], w_k * ends[1])) for w_k in w]
    return tuple(b + sum(side) for side in zip(*pairs, strict=True))


stem = nodes[0].layer
first, grid = rows(stem)[0].tolist(), stem.in_grid
least, most = reach(first, 0, grid)
print(f"filter 0 of the stem: {least} to {most}")
worst = [grid.qmax if w_k > 0 else grid.qmin for w_k in first]
assert accumulate(worst, first, 0, grid.zero_point) == most

# %% [markdown]
# The assert builds the worst input and reaches the bound, so it is tight. It covers the partial sums as well. The zero_point is a code, so each minimum in (4.2) is 0 or less, each maximum 0 or
# more, and a sum that lacks some terms lies between the ends. `tinyq` computes (4.2) for every layer that it builds, and refuses one that could overflow.

# %% mystnb={"image": {"alt": "Two panels, four layers each, with the bits of the largest accumulator on the horizontal axis. In the seed what was seen lies between 16 and 20 bits, what the weights allow between 18 and 21, what the fan-in allows up to 22. In the digits network what was seen lies between 14 and 20 bits. All are far from the line at 31, and most beyond the line at 15."}, "figure": {"caption": "How large the sums get: on the seed's 32 images and on 500 scans of digits, against what (4.2) and the fan-in allow. The dashed lines are the ends of int16 and int32.", "name": "fig-accumulator-bits"}}
def sizes(qnet, images):
    """Return (seen, reachable, by fan-in) in size, by layer."""
    found, trace = {}, qnet.trace(images)
    for node in (n for n in qnet.nodes if hasattr(n.layer, "accumulate")):
        acc = node.layer.accumulate(trace[node.inputs[0]])
        ends = np.abs(node.layer.accumulator_range()).max()
        fan_in = node.layer.weight[0].size
        found[node.name] = np.abs(acc).max(), ends, fan_in * largest
    return found


digits_net = data.net.quantize(fit)
bits = {"seed": sizes(qnet, seed.images)}
bits["digits"] = sizes(digits_net, data.images[data.test])
for each in (*bits["seed"].values(), *bits["digits"].values()):
    assert each[0] <= each[1] <= each[2] < 2**23
plots.accumulator_bits(bits)

# %% [markdown]
# All sums keep at least eight bits of room in an int32, and for most layers an int16 would not do. No layer needs a check while it runs.
#
# ## Put the bias on the accumulator's grid
#
# The sum counts steps of $s_{\text{in}} s_w$: one factor from each code. A bias that is added to it must count the same steps.
#
# $$b = \left\lfloor \frac{\text{bias}}{s_{\text{in}}\, s_{w,c}} \right\rceil \tag{4.3}$$
#
# The stem of the digits network has biases. How large are their codes, and what would 8 bits cost, on a grid of their own?

# %%
conv, layer = data.net.nodes[1].layer, digits_net.nodes[1].layer
steps = layer.in_grid.scale * layer.weight_scale.astype(float)
own = np.abs(conv.bias).max() / 127
print("bias codes", *layer.bias)
for name, step in (("int32", steps), ("int8", own)):
    error = np.rint(conv.bias / step) * step - conv.bias
    worst = np.abs(error).max() / layer.out_grid.scale
    print(f"{name}: off by up to {worst:.5f} output steps")

# %% [markdown]
# The codes need up to 19 bits and a sign. In int32 the error of a bias is nothing. In int8 it would be an eighth of an output step, the same for every pixel
# of a channel, so it would never average out. TensorFlow Lite, CMSIS-NN and ONNX's `QLinearConv` keep biases in int32, on this very
# scale. PyTorch stores them as real numbers.
#
# ## Expand the four terms
#
# In (4.1) each code loses its zero_point before it is multiplied. That is a subtraction for each product. Suppose the weights had a
# zero_point $z_w$ too. Multiply out a sum of $K$ products, with the index left out:
#
# $$\sum (w - z_w)(q - z) = \sum w q - z \sum w - z_w \sum q + K z_w z \tag{4.4}$$
#
# For a try, add 3 to each weight code of the dense layer, and let $z_w$ be 3. No step changes, so the sum must stay 31395. Here are the four terms for the first two images.

# %%
v, z_w = rows(dense)[0] + 3, 3
for q in pooled[:2].astype(int):
    terms = (v * q).sum(), -z * v.sum(), -z_w * q.sum(), 8 * z_w * z
    assert sum(terms) == ((v - z_w) * (q - z)).sum()
    print(*(f"{x:+7}" for x in terms), "=", sum(terms))

# %% [markdown]
# The second and the fourth term are the same for both images: they depend on nothing that changes. The third depends on the input and has to be added up anew for
# each window. This is what an asymmetric weight costs. With $z_w = 0$ the last two terms are gone.
#
# ## Fold the correction into the bias
#
# The second term is left. It is a constant of the channel, so the host can add it to the bias:
#
# $$b'_c = b_c - z \sum_k w_{c,k}, \qquad a_c = b'_c + \sum_k w_{c,k}\, q_k \tag{4.5}$$
#
# At run time nothing is subtracted any more. The cell prints the first logit of the first image and checks all sums of eight images.

# %%
folded, raw = 0 - z * sum(w), sum(pooled[0] * rows(dense)[0])
print(f"bias {folded}, raw sum {raw}, together {folded + raw}")
for model, images in ((qnet, seed.images), (digits_net, data.images)):
    tensors = model.trace(images[:8])
    for node in model.nodes:
        if hasattr(node.layer, "accumulate"):
            layer, codes = node.layer, tensors[node.inputs[0]]
            total = layer.in_grid.zero_point * rows(layer).sum(axis=1)
            acc = windows(codes, layer) @ rows(layer).T + layer.bias - total
            assert np.array_equal(acc, layer.accumulate(codes))

# %% [markdown]
# 31395 again, and the same for every sum of both networks. TensorFlow Lite's reference kernels subtract inside the loop, as (4.1) does. Many kernels that are written for
# speed fold. The bytes are the same, because a sum of integers does not depend on the order.
#
# Two things must hold. The border has to be filled with the zero_point, or the constant is wrong there ([chapter 6](06_convolve_and_pad.ipynb)). And the partial sums must fit, although they are others now.
# They do: where (4.1) has not yet added a term, (4.5) holds $w_k (0 - z)$, as if the code were 0. And 0 is a code, so (4.2) covers it.
#
# ## Meet a 16-bit sum
#
# Some x86 processors multiply bytes by an instruction, VPMADDUBSW, whose first factor must be unsigned. So a runtime adds 128 to the
# activations and to their zero_point. No step changes. This is called U8S8: unsigned activations, signed weights. The instruction then adds two neighbouring products, in an **int16**, and holds what does not fit at the
# end of the int16.

# %%
for weight in (127, 63):
    pair = 255 * weight + 255 * weight
    held = min(max(pair, -(2**15)), 2**15 - 1)
    print(f"255 * {weight} twice: {pair}, held at {held}")

# %% [markdown]
# 64770 becomes 32767. Half of the sum is gone, and nobody is told. Does it happen in a real sum? Take all pairs of the seed's stem.

# %%
def pairs(codes, layer):
    """Return the sums of two U8S8 products: (N, OH, OW, O, K / 2)."""
    products = (windows(codes, layer) + 128)[..., None, :] * rows(layer)
    starts = range(0, products.shape[-1], 2)
    return np.add.reduceat(products, starts, axis=-1)


# %% mystnb={"image": {"alt": "Histogram of the sums of two neighbouring products in the seed's stem, from -65,000 to 65,000. Between the dashed lines at -32768 and 32767 it is roughly flat, with a spike just inside each line. Beyond the lines the bars have another colour and fall off to zero: a quarter of all pairs."}, "figure": {"caption": "Sums of two neighbouring products of the seed's stem, as VPMADDUBSW forms them, on eight images. What lies beyond the dashed lines is held there.", "name": "fig-pair-sums"}}
sums = pairs(trace["stem_pad"][:8], stem)
share = ((sums < -(2**15)) | (sums >= 2**15)).mean()
print(f"{share:.1%} of {sums.size} pairs saturate")
plots.pair_sums(sums, limit=2**15 - 1)

# %% [markdown]
# A quarter of them does not fit. (The spikes are mostly pairs in the border, whose unsigned code is 127: $127 \cdot 127 \cdot 2 = 32258$ just fits.) Where the weights have 7 bits, -63 to 63, every pair fits. ONNX Runtime's quantizer calls this `reduce_range`. PyTorch's
# option of that name takes the bit from the activations, in its x86 defaults. Processors with the newer VNNI instructions add four products at once, in int32, and need no such care. So one model can be right on
# one machine and wrong on another: see issues [6004](https://github.com/microsoft/onnxruntime/issues/6004) of ONNX Runtime and
# [103646](https://github.com/pytorch/pytorch/issues/103646) of PyTorch. Exercise 3 shows what happens to the logits.
#
# ## Read the meter
#
# The meter has all sums of this chapter on one scale of bits: those of the seed's stem on its first image, what (4.2) allows for these weights, and what the fan-in allows for
# any weights, with the ends of int16 and int32.

# %%
AccumulatorMeter()

# %% [markdown]
# 1. Press "66,311 products", then "One more". The bound goes from 2,147,481,735 to 2,147,514,120, and an int32 ends between the two.
# 2. Now drag `zero_point` from -128 up to 0. The largest step shrinks from 255 to 128, and 132,104 products fit.
# 3. Press Reset. On this image 15.6 % of channel 0's pairs do not fit an int16. Press "7-bit weights", and all of them do.

# %%
many = AccumulatorMeter(zero_point=-128, kernel=1, inputs=66_312).value
assert many["bound"] - many["step"] * 127 < 2**31 <= many["bound"]
assert AccumulatorMeter(zero_point=0).value["most_int32"] == 132_104
held = [AccumulatorMeter(weight_bits=n).value for n in (8, 7)]
assert [f"{v['saturated'] / v['pairs']:.1%}" for v in held] == ["15.6%", "0.0%"]

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: Bound the fan-in
#
# **Goal.** 66,311 holds for 8-bit weights, the zero_point at the end of the grid and 32 bits. Find the number of products that fit for any of these three.
# An accumulator of `bits` bits holds numbers up to $2^{bits-1} - 1$.

# %% tags=["stub"]
def max_fan_in(zero_point, weight_max, bits):
    """Return how many products fit; weights reach weight_max in size."""
    return ...


# %% tags=["check"]
cases = [(-128, 127, 32), (0, 127, 32), (100, 127, 32), (-128, 127, 16)]
want = (66_311, 132_104, 74_163, 1)
hint = "which step is the largest? Round down."
_ = check(tuple(max_fan_in(*case) for case in cases), want, hint)

# %% tags=["solution", "hide-cell"]
def max_fan_in(zero_point, weight_max, bits):
    """Return how many products fit; weights reach weight_max in size."""
    step = max(127 - zero_point, zero_point + 128)
    return (2 ** (bits - 1) - 1) // (step * weight_max)


assert check(tuple(max_fan_in(*case) for case in cases), want)

# %% [markdown]
# The zero_point alone is worth a factor of two. And 16 bits hold one product.
#
# ### Exercise 2: Skip the border
#
# **Goal.** A kernel may save the products with the border and add up raw codes of real pixels only. At the top left corner of the stem, the first three
# rows and columns of the 7×7 window are border. Which folded bias belongs there? It is not (4.5).

# %% tags=["stub"]
def corner_bias(layer):
    """Return the bias of the window without its border, int64 (O,)."""
    return ...


# %% tags=["check"]
layer = digits_net.nodes[1].layer
codes = digits_net.trace(data.images[:1])["stem_pad"]
products = layer.weight[:, 3:, 3:] * codes[0, 3:7, 3:7].astype(int)
want = layer.accumulate(codes)[0, 0, 0] - products.sum(axis=(1, 2, 3))
_ = check(corner_bias(layer), want, "which weights meet real pixels?")

# %% tags=["solution", "hide-cell"]
def corner_bias(layer):
    """Return the bias of the window without its border, int64 (O,)."""
    inside = layer.weight[:, 3:, 3:].astype(int).sum(axis=(1, 2, 3))
    return layer.bias - layer.in_grid.zero_point * inside


assert check(corner_bias(layer), want)
full = layer.bias - layer.in_grid.zero_point * rows(layer).sum(axis=1)
off = (full - want) * layer.requantizer.ratio
print("(4.5) would be off by", *(f"{x:.0f}" for x in off), "output steps")

# %% [markdown]
# With (4.5) there would be a frame around every feature map. Either the border is filled with the zero_point, or each kind of border window has a bias of its own.
#
# ### Exercise 3: Break it in 16 bits
#
# **Goal.** Write the sum of a convolution as VPMADDUBSW forms it: `pairs`, held at the ends of an int16, then added up, then the bias, and the correction for
# a zero_point that is 128 larger. The two images in the check have one pixel with four channels.

# %% tags=["stub"]
def saturated(layer, codes):
    """Return the accumulators as int32: (N, OH, OW, O)."""
    return ...


# %% tags=["check"]
ones, grid = np.ones((1, 1, 1, 4), np.float32), Grid(1.0, -120)
tiny = QConv2D.from_float(ones, np.zeros(1, np.float32), grid, grid)
codes = np.int8([[[[127, 127, 127, 0]]], [[[-100, -100, -50, -60]]]])
want = np.int32([[[[61_470]]], [[[21_590]]]])
_ = check(saturated(tiny, codes), want, "hold each pair; U8S8 has z + 128.")

# %% tags=["solution", "hide-cell"]
def saturated(layer, codes):
    """Return the accumulators as int32: (N, OH, OW, O)."""
    held = np.clip(pairs(codes, layer), -(2**15), 2**15 - 1).sum(axis=-1)
    correction = (layer.in_grid.zero_point + 128) * rows(layer).sum(axis=1)
    return (layer.bias - correction + held).astype(np.int32)


assert check(saturated(tiny, codes), want)
scans, labels = data.images[data.test[:100]], data.labels[data.test[:100]]
for bits in (8, 7):
    model = data.net.quantize(fit, scheme=Scheme(weight_bits=bits))
    right = (model(scans).argmax(axis=1) == labels).sum()
    with patch.object(QConv2D, "accumulate", saturated):
        codes = model(scans)
    held = (codes.argmax(axis=1) == labels).sum()
    print(f"{bits}-bit weights: {right} right, {held} with pairs in int16")
assert np.array_equal(codes, model(scans))  # 7 bits: the same bytes

# %% [markdown]
# In the first tiny image the pairs are $255 \cdot 127 \cdot 2 = 64770$ and $255 \cdot 127 + 128 \cdot 127 = 48641$. Both become 32767.
#
# On such a processor the network misreads 14 scans of 100 where it should misread one. With 7-bit weights nothing saturates, and the bytes are those of int32. How would you notice? Not on your own
# machine, if it has VNNI. Compare golden bytes on every kind of processor that you ship to. The package keeps this bug as the mutant `pairs_saturate_at_16_bits`,
# after [ONNX Runtime issue 16105](https://github.com/microsoft/onnxruntime/issues/16105).

# %% [markdown]
# ## Check yourself
#
# 1. May a layer with zero_point 0 add up 100,000 products of 8-bit codes?
#
#    :::{dropdown} Answer
#    Yes. With zero_point 0 a step is 128 at most, a product $128 \cdot 127 = 16256$, and 132,104 of them fit. With zero_point -128 a step may be 255, and
#    the limit is 66,311.
#    :::
#
# 2. Weights have zero_point 0 and so has the input. Which of the four terms are left, and what is the price?
#
#    :::{dropdown} Answer
#    Only the first, $\sum w q$. Nothing has to be folded, and a border may be filled with code 0. The price is paid after a ReLU: no number is negative there, so half of a grid
#    with zero_point 0 is idle.
#    :::
#
# 3. Why can the bias not be stored on the output's grid, where it ends up?
#
#    :::{dropdown} Answer
#    It is added to the accumulator, which counts steps of $s_{\text{in}} s_w$. In the two networks these are 100 to 20,000 times finer than output steps, and a sum only makes sense
#    of numbers that count the same step. PyTorch [once had](https://github.com/pytorch/pytorch/issues/23874) a bias on the wrong scale.
#    :::

# %% [markdown]
# ## What we built
#
# `accumulate` and `reach` are `accumulate` and `accumulator_range` of `tinyq`'s layers, and (4.3) is `tinyq.weights.quantize_bias`. The cells above compared
# the sums. The last one compares the biases of the trained network and the range with a bias in it, and finds the folded biases inside. It also settles the
# numbers of question 3.

# %%
def compare(conv, layer):
    steps = layer.in_grid.scale * layer.weight_scale.astype(float)
    assert np.array_equal(layer.bias, round_half_away(conv.bias / steps))
    filters = zip(rows(layer).tolist(), layer.bias.tolist(), strict=True)
    ends = np.array([reach(*each, layer.in_grid) for each in filters]).T
    assert np.array_equal(ends, layer.accumulator_range())
    folded = layer.bias - layer.in_grid.zero_point * rows(layer).sum(axis=1)
    assert (ends[0] <= folded).all() and (folded <= ends[1]).all()


for a, b in zip(data.net.nodes, digits_net.nodes, strict=True):
    if hasattr(b.layer, "accumulate"):
        compare(a.layer, b.layer)
some = [n.layer for n in digits_net.nodes if hasattr(n.layer, "accumulate")]
some += [node.layer for node in nodes]
finer = np.concatenate([1 / layer.requantizer.ratio for layer in some])
assert finer.min() > 100 and finer.max() < 20_000
