# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 0 · Start here
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** run one small network twice, in float and in 8-bit integers, and compare the answers.
#
# **Learn:** what a code, a scale and a zero_point are, what an int8 network consists of, and why
# fourteen tensors need only six grids.
#
# **Need:** Python, NumPy arrays, and what a convolution is. Nothing about quantization.
#
# **Time:** 40 minutes
# :::
#
# ## Run it in float
#
# The book's main example is called the seed: the first part of a ResNet-18, made small
# enough to follow by hand. A 7×7 convolution, the stem, reads the image. A residual block of two
# 3×3 convolutions follows. A dense layer gives four numbers, the logits. The
# [glossary](../book/glossary.md) says in a sentence what each kind of layer does.
#
# The weights and the 32 images are sine waves, not training results and photographs. The network
# recognizes nothing. But it has every kind of arithmetic that a trained one has, and everyone who
# runs it gets the same bytes. The first four images are the test set.

# %%
import numpy as np

import tinyq
from tinyq import plots
from tinyq.exercise import check
from tinyq.widgets import BlockMap

seed = tinyq.resnet.seed()
net = tinyq.resnet.stem_block(seed.weights, seed.biases)
images = seed.images[:4]
reference = net(images)
print("images:", images.shape, images.dtype)
for sample, row in enumerate(reference):
    print(f"float logits of sample {sample}:", *(f"{x:.4f}" for x in row))

# %% [markdown]
# Each image has 16 rows, 16 columns and 3 channels. Each gives four logits.
#
# ## Run it in int8
#
# `quantize` runs the float network on all 32 images and notes the smallest and the largest number
# of every tensor. That is called calibration. From these ranges it builds a second network, which
# computes with integers alone.

# %%
qnet = net.quantize(seed.images)
codes = qnet(images)
for sample, row in enumerate(codes):
    print(f"int8 logits of sample {sample}:", *row)
golden = np.int8([[-8, 102, 89, -41], [-20, 71, 55, -60],
                  [-16, 89, 78, -44], [5, 124, 109, -34]])
assert codes.dtype == np.int8 and np.array_equal(codes, golden)

# %% [markdown]
# TinyMind, a C++ library, has this network as an example and prints the same sixteen integers.
# Such a stored, exact result is called golden. The last line of the cell fails if one of them is
# off by one.
#
# ## Read a code
#
# The float logit 2.2948 became -8, and 4.4078 became 102. To see how such codes are read, look at
# the image first. Its numbers lie between -1 and 1. The network sees them as codes from -128 to
# 127.

# %% mystnb={"image": {"alt": "Left: a 16 by 16 colour image of slanted light and dark stripes, its top left 4 by 4 pixels marked. Right: the red channel of these 16 pixels, each with its code and the number it stands for; the first has code 37 and stands for 0.298."}, "figure": {"caption": "Image 0 as you see it (-1 is dark, 1 is bright), and sixteen of its numbers as the network sees them: the code in bold, below it the number that it stands for.", "name": "fig-start-pixels"}}
input_grid = qnet.grids["input"]
plots.pixels(images[0], input_grid)

# %% [markdown]
# Take the top left pixel. Its red value is 0.3000 and its code is 37. Two numbers lead from the
# one to the other. The **scale** is the distance between two neighbouring codes, here 0.00784.
# The **zero_point** is the code of exactly 0, here -1. Together they are called a **grid**.

# %%
x = float(images[0, 0, 0, 0])
scale, zero_point = input_grid.scale, input_grid.zero_point
steps = round(x / scale)
code = steps + zero_point
print(f"{x:.4f} / {scale:.5f} = {x / scale:.2f}, rounded {steps}: {code = }")
assert code == 37 == qnet.trace(images)["input"][0, 0, 0, 0]

# %% [markdown]
# The way back is a subtraction and a product. Code 37 lies 38 steps above the zero_point.

# %%
back = scale * (code - zero_point)
print(f"code {code}: {scale:.5f} * ({code} - ({zero_point})) = {back:.4f}")
print(f"error {abs(back - x):.4f}, half a step is {scale / 2:.4f}")
assert abs(back - x) <= scale / 2

# %% [markdown]
# The pixel came back as 0.2980, not 0.3000. Rounding may cost up to half a step; that is the
# price of having 256 codes and no more. [Chapter 1](01_put_numbers_on_a_grid.ipynb) derives scale and
# zero_point from a range.
#
# ## Put float and int8 side by side
#
# The logits have a grid of their own, with scale 0.01920 and zero_point -128. On it the code -8
# lies 120 steps above the zero_point. It stands for 120 · 0.01920 = 2.30.

# %%
logits_grid = qnet.grids["dense_8x4"]
dequantized = logits_grid.dequantize(codes)
for sample in range(4):
    for kind, rows in (("float", reference), ("int8 ", dequantized)):
        print(f"sample {sample}", kind, *(f"{x:.4f}" for x in rows[sample]))
worst = np.abs(dequantized - reference).max()
print(f"largest difference {worst:.5f}, one step {logits_grid.scale:.5f}")
assert f"{worst:.5f}" == "0.01943"

# %% [markdown]
# After thirteen layers of 8-bit integers the largest difference is about one step of the last
# grid. [Chapter 10](10_run_the_whole_block.ipynb) asks how much such an agreement proves.
#
# ## Look inside an int8 network
#
# An int8 network is made of four things.
#
# 1. **Codes.** Every tensor between two layers is int8.
# 2. **Weights.** They are int8 too, with zero_point 0. In a convolution each output channel has a
#    scale of its own.
# 3. **Accumulators.** A convolution adds up products of codes. The sum does not fit 8 bits, so it is
#    kept in int32.
# 4. **Requantizers.** A requantizer carries an int32 sum back to int8, onto the next grid. It
#    multiplies by a fixed ratio, with one integer multiplication and one shift.
#
# Scales and zero_points are chosen once, on the host, where floats are allowed. At run time no
# float is left.

# %%
tensors = qnet.trace(images)
layers = {node.name: node.layer for node in qnet.nodes}
stem = layers["stem_conv7x7_s2"]
acc = stem.accumulate(tensors["stem_pad"])
assert len(tensors) == 14
assert all(tensor.dtype == np.int8 for tensor in tensors.values())
assert stem.weight.dtype == np.int8 and acc.dtype == np.int32

# %% [markdown]
# That checked the first three points. Now the fourth, on one number. The first accumulator of the
# stem is a sum of 7 · 7 · 3 = 147 products. One step of it is worth the scale of the image times
# the scale of the weights. The ratio says how many steps of the next grid that is.

# %%
first = acc[0, 0, 0, 0]
ratio = input_grid.scale * float(stem.weight_scale[0]) / stem.out_grid.scale
multiplier, shift = stem.requantizer.multiplier[0], stem.requantizer.shift[0]
code = round(first * ratio) + stem.out_grid.zero_point
print(f"accumulator {first} * ratio {ratio:.4e} = {first * ratio:.2f}")
print(f"rounded, plus zero_point {stem.out_grid.zero_point}: code {code}")
print(f"the ratio in integers: {multiplier} / 2^31 / 2^{shift}")
assert code == 12 == tensors["stem_conv7x7_s2"][0, 0, 0, 0]
assert np.isclose(multiplier / 2**31 / 2**shift, ratio, rtol=2**-31, atol=0)

# %% [markdown]
# 12.65 rounds to 13, and 13 - 1 = 12 is the code in the network. The float product shows the
# idea. The layer itself uses the two integers of the last line;
# [chapter 5](05_come_back_to_8_bits.ipynb) builds them. TensorFlow Lite, ONNX Runtime and PyTorch read codes by the same scale and
# zero_point. But their requantizers round by different rules, so a code of theirs may be one higher or lower.
#
# ## Read the map of grids
#
# Fourteen tensors could have fourteen grids. This network has six.

# %% mystnb={"image": {"alt": "Fourteen boxes from top to bottom, one a tensor, in six colours. Input and stem_pad share grid 1; the stem's convolution, ReLU, max pool and block_pad1 grid 2; block_conv3x3_a, block_relu_a and block_pad2 grid 3; block_conv3x3_b has grid 4; block_add, block_relu_b and global_avgpool share grid 5; dense_8x4 has grid 6. A diamond marks each of the five requantizers, at the three convolutions, the add and the dense layer. A line, the skip, runs from stem_maxpool2x2 to block_add."}, "figure": {"caption": "The map of grids. A box is a tensor, named after the layer that makes it, with its height, width and channels. A colour is a grid.", "name": "fig-grid-map"}}
plots.grid_map(qnet)

# %% [markdown]
# Where the colour changes stands a diamond, a requantizer: at the three convolutions, the add and
# the dense layer. All other layers keep the grid of their input. A pad writes the code of zero
# around the image. ReLU and max pool return codes of their input, or the code of zero. An average
# lies between the codes that it averages. [Chapter 7](07_pass_for_free.ipynb) proves that none of them needs a new grid.
#
# In the code, such a layer hands on the very `Grid` object that it was given. So `is` tells
# whether a layer requantizes. The figure was drawn from `qnet.ledger()`, which has a row for each
# box.

# %%
ledger = qnet.ledger()
grids = {id(row.out_grid) for row in ledger}
requantizers = [row.name for row in ledger if row.requantizes]
print(f"{len(ledger)} rows, {len(grids)} grids; what requantizes:")
print(*requantizers)
assert (len(ledger), len(grids), len(requantizers)) == (14, 6, 5)

# %% [markdown]
# Why six grids with five requantizers? The first grid is that of the image, which is quantized on
# the host. The add is the one layer with two inputs. They come on grids 4 and 2, and the sum
# leaves on grid 5.
#
# ## Open the map
#
# Here is the map once more, with what is in it. Click a tensor to see one channel of it in float, in int8, and the error of each code.

# %%
for stage, name, code in ((2, "stem_conv7x7_s2", -89), (3, "stem_relu", -1),
                          (10, "block_add", 37), (13, "dense_8x4", -41)):
    shown = BlockMap(stage=stage).value
    assert (shown["name"], shown["code"]) == (name, code)
BlockMap()

# %% [markdown]
# 1. It begins at the stem's convolution. The marked float is -5.4843, its code -89. Click `stem_relu` below it. The colour stays, for the grid is the
#    same, and the code is now -1: ReLU made it 0.
# 2. Click `block_add`. Its largest error is 145 steps. Click `block_relu_b`: 1.24 steps. The grid of the sum has no negative numbers, so the add
#    cuts them off, which the ReLU does next anyway.
# 3. Click `dense_8x4` and set `column` to 0, then to 1, 2 and 3. These are the codes -8, 102, 89 and -41 of image 0. Set `image` to 1: now they are
#    those of the second golden row.
#
# ## Choose where to go next
#
# The chapters follow the numbers. [Chapters 1](01_put_numbers_on_a_grid.ipynb) to [3](03_choose_one_scale_or_many.ipynb) choose the grids.
# [Chapters 4](04_accumulate_in_int32.ipynb) to [6](06_convolve_and_pad.ipynb) convolve with integers. [Chapter 7](07_pass_for_free.ipynb) has the layers
# that keep their grid, [chapter 8](08_add_the_skip.ipynb) the add, [chapter 9](09_fold_the_batch_norm.ipynb) the batch norm. [Chapter
# 10](10_run_the_whole_block.ipynb) runs this network again and traces single codes by hand. The last three find errors, train against them, and prove
# the bytes. In a hurry, read 1, 5, 7 and 10.
#
# ## Exercises
#
# ### Exercise 1: Read the logits by hand
#
# **Goal.** Turn the four codes of a sample into real numbers, without `Grid.dequantize`. Mind the
# type of the codes: 102 - (-128) is 230, and int8 ends at 127.

# %% tags=["stub"]
def logits_by_hand(codes, scale, zero_point):
    """Return the real numbers of int8 codes: float32, the same shape."""
    return ...


# %% tags=["check"]
answer = logits_by_hand(codes[0], logits_grid.scale, logits_grid.zero_point)
hint = "codes - zero_point wraps in int8. Widen the codes to int32 first."
_ = check(answer, dequantized[0], hint)

# %% tags=["solution", "hide-cell"]
def logits_by_hand(codes, scale, zero_point):
    """Return the real numbers of int8 codes: float32, the same shape."""
    steps = codes.astype(np.int32) - zero_point
    return np.float32(scale) * steps.astype(np.float32)


answer = logits_by_hand(codes[0], logits_grid.scale, logits_grid.zero_point)
assert check(answer, dequantized[0], hint)

# %% [markdown]
# ### Exercise 2: Count the grids
#
# **Goal.** Count the different `Grid` objects in a ledger. The check uses a second network too,
# calibrated on a black image. There every tensor is 0, so all its grids have scale 1 and
# zero_point -128. They are equal, but they are still six.

# %% tags=["stub"]
def count_grids(rows):
    """Return how many different Grid objects are the rows' out_grid."""
    return ...


# %% tags=["check"]
black = net.quantize(np.zeros((1, 16, 16, 3), np.float32))
assert len(set(black.grids.values())) == 1  # a set compares with ==
check(count_grids(ledger), 6)
_ = check(count_grids(black.ledger()), 6, "equal is not the same; use id().")

# %% tags=["solution", "hide-cell"]
def count_grids(rows):
    """Return how many different Grid objects are the rows' out_grid."""
    return len({id(row.out_grid) for row in rows})


assert check(count_grids(ledger), 6)
assert check(count_grids(black.ledger()), 6)

# %% [markdown]
# ### Exercise 3: Read with the wrong grid
#
# **Goal.** Break it: the logits are read with the grid of the image. Write a function that
# reports what two instruments say of a reading: is the largest logit of each sample in the right
# place, and how large is the largest error?

# %% tags=["stub"]
def judge(real, reference):
    """Return (do all argmaxes agree, largest error): a bool and a float."""
    return ...


# %% tags=["check"]
misread = input_grid.dequantize(codes)
want = (True, float(np.abs(misread - reference).max()))
check(judge(misread, reference), want)
_ = check(judge(reference, misread), want, "take the size of each error.")

# %% tags=["solution", "hide-cell"]
def judge(real, reference):
    """Return (do all argmaxes agree, largest error): a bool and a float."""
    agree = bool((real.argmax(axis=1) == reference.argmax(axis=1)).all())
    return agree, float(np.abs(real - reference).max())


assert check(judge(misread, reference), want)
assert check(judge(reference, misread), want)
span = np.ptp(reference)
print(f"largest error {want[1]:.2f}; the float logits span {span:.2f}")
assert f"{want[1]:.2f} {span:.2f}" == "3.85 3.52"

# %% [markdown]
# :::{dropdown} How you would notice
# Not from the winners: all four agree. A scale is above 0, so every grid keeps the order of the
# codes, the wrong one too, and a test of accuracy passes. But the error is 3.85, more than the
# 3.52 that the logits span. One look at the numbers shows it. In
# [TensorFlow issue 53278](https://github.com/tensorflow/tensorflow/issues/53278) a model was reported as inaccurate; its codes had been read without
# scale and zero_point at all.
# :::
#
# ### Exercise 4: Swap red and blue
#
# **Goal.** Break it again: feed the network images whose channels come in the order blue, green,
# red. Cameras and image libraries differ in this. The shape is the same, so no error is raised.
# Write a function that counts the golden rows which survive.

# %% tags=["stub"]
def golden_rows_kept(some_images):
    """Return for how many of the four images qnet gives the golden row."""
    return ...


# %% tags=["check"]
swapped = images[..., ::-1]
check(golden_rows_kept(images), 4)
_ = check(golden_rows_kept(swapped), 3)

# %% tags=["solution", "hide-cell"]
def golden_rows_kept(some_images):
    """Return for how many of the four images qnet gives the golden row."""
    return int((qnet(some_images) == golden).all(axis=1).sum())


assert check(golden_rows_kept(images), 4)
assert check(golden_rows_kept(swapped), 3)
w = seed.weights["stem"]
assert np.abs(w[..., 0] - w[..., 2]).max() < 0.001
changed = np.mean(qnet.trace(swapped)["input"] != tensors["input"])
error = tinyq.parity.compare(net, qnet, swapped).worst
print(f"{changed:.0%} of the input codes changed")
print(f"float against int8, both on the swapped images: {error:.5f}")
assert f"{changed:.0%} {error:.5f}" == "66% 0.01596"

# %% [markdown]
# :::{dropdown} How you would notice
# Hardly from the logits. Three of the four golden rows are the same. Float against int8 looks
# better than before, 0.01596, because both networks were fed the same wrong image. The stem's
# weights for red and blue differ by less than 0.001, so this network hardly sees the difference.
# The codes of the input show it at once: two thirds of them changed. Compare the first tensor first.
# :::
#
# ## Check yourself
#
# 1. A logit has the code -8. Is the logit negative?
#
#    :::{dropdown} Answer
#    No. The zero_point of that grid is -128, the smallest code, so no code on it stands for a negative
#    number. -8 stands for 2.30.
#    :::
#
# 2. What does the first pad write around the image, and why not 0?
#
#    :::{dropdown} Answer
#    The code -1, the zero_point of the input, because it stands for exactly 0. The code 0 stands for
#    0.0078: a faint frame that the float network does not have.
#    :::
#
# 3. The float network needs 9,552 bytes for weights and biases, the int8 network 2,472. Why not
#    exactly a quarter?
#
#    :::{dropdown} Answer
#    The 2,360 weights shrink from four bytes to one. The 28 biases are added to int32 sums and
#    stay at four bytes: 2,360 + 4 · 28 = 2,472.
#    :::

# %%
assert logits_grid.lo == 0 and f"{logits_grid.dequantize(-8):.2f}" == "2.30"
assert tensors["stem_pad"][0, 0, 0, 0] == -1
assert f"{input_grid.dequantize(0):.4f}" == "0.0078"
weights = sum(w.size for w in seed.weights.values())
biases = sum(b.size for b in seed.biases.values())
assert (weights, biases, 4 * (weights + biases)) == (2360, 28, 9552)
int8_bytes = sum(row.weight_bytes for row in ledger)
assert int8_bytes == weights + 4 * biases == 2472

# %% [markdown]
# ## What we built
#
# You read codes by hand. This cell compares `logits_by_hand` with `tinyq.Grid.dequantize` on
# every code of all six grids.

# %%
every_code = np.arange(-128, 128).astype(np.int8)
for grid in qnet.grids.values():
    by_hand = logits_by_hand(every_code, grid.scale, grid.zero_point)
    assert np.array_equal(by_hand, grid.dequantize(every_code))
