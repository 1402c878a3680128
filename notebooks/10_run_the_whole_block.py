# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 · Run the whole block
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** take one image through all fourteen stages with integers alone, and arrive at the golden
# bytes.
#
# **Learn:** how the pieces fit together, how to read the scale ledger, and what a comparison with
# float proves and does not prove.
#
# **Need:** grids ([chapter 1](01_put_numbers_on_a_grid.ipynb)), requantizers ([chapter
# 5](05_come_back_to_8_bits.ipynb)), layers that keep the grid ([chapter
# 7](07_pass_for_free.ipynb)), the add ([chapter 8](08_add_the_skip.ipynb)).
#
# **Time:** 45 minutes
# :::

# %%
import numpy as np

from tinyq import loops, mutants, parity, plots, resnet
from tinyq.affine import round_half_away
from tinyq.exercise import check
from tinyq.widgets import PixelTracer

# %% [markdown]
# ## Make the weights and the images
#
# The seed needs no files. Its stem has 8 filters of 7 · 7 · 3 weights. They are samples of one
# sine wave, `amp * sin(freq * t + phase)`: number $i$ of the $n$ weights is taken at `t = i / n`.
# The other weights are made the same way.

# %%
def fill(shape, amp, freq, phase):
    n = np.prod(shape)
    t = np.arange(n, dtype=np.float32) / np.float32(n)
    angle = (np.float32(freq) * t + np.float32(phase)).astype(np.float64)
    return (np.float32(amp) * np.float32(np.sin(angle))).reshape(shape)


# %%
seed = resnet.seed()
waves = {"stem": (0.10, 5, 0.1), "block1": (0.06, 7, 0.5),
         "block2": (0.06, 9, 1.1), "dense": (0.15, 3, 0.2)}
for name, w in seed.weights.items():
    assert np.array_equal(fill(w.shape, *waves[name]), w)
    assert not seed.biases[name].any()
s, i = 2, np.arange(768)
image = 0.7 * np.sin(0.13 * (17 * s + i)) + 0.3 * np.cos(0.4 * (s + i))
assert np.abs(image - seed.images[s].ravel()).max() < 1e-5

# %% [markdown]
# The weights agree to the last bit: the sine is taken in float64 and rounded once, so that it is
# the same on every processor. All biases are zero. Image $s$ is a wave too: number $i$ of its 768
# is $0.7 \sin(0.13\,(17 s + i))$ plus $0.3 \cos(0.4\,(s + i))$.
#
# ## Calibrate
#
# The float network runs on all 32 images. Each tensor that gets a grid of its own has an
# observer, which keeps the smallest and the largest number. Equations (1.3) and (1.4) turn this
# range into a grid.

# %%
net = resnet.stem_block(seed.weights, seed.biases)
qnet = net.quantize(seed.images)
for name in ("input", "stem_conv7x7_s2", "block_conv3x3_a",
             "block_conv3x3_b", "block_relu_b", "dense_8x4"):
    seen, grid = qnet.ranges[name], qnet.grids[name]
    numbers = f"{grid.scale:.5f} / {grid.zero_point}"
    print(f"{name:16}{seen.lo:8.3f} ..{seen.hi:7.3f}    {numbers}")
assert numbers == "0.01920 / -128"
trace = qnet.trace(seed.images)  # every tensor of every image, as codes
layers = {node.name: node.layer for node in qnet.nodes}

# %% [markdown]
# A line has a range, then its grid as scale / zero_point. The seed observes a convolution before
# its ReLU, so half of such a range is negative. It observes the add after its ReLU, `block_relu_b`.
#
# ## Quantize the image and pad it
#
# Equation (1.1) gives the codes of image 0. The pad adds three pixels on each side and writes the
# zero_point, -1, into them, because -1 is the code of 0.

# %%
grid = qnet.grids["input"]
steps = round_half_away(seed.images[0].astype(np.float64) / grid.scale)
padded = np.full((22, 22, 3), grid.zero_point)
padded[3:19, 3:19] = np.clip(steps + grid.zero_point, -128, 127)
assert np.array_equal(padded, trace["stem_pad"][0])

# %% [markdown]
# ## Trace one code of the stem
#
# Take filter 0 at row 4, column 4 of the stem's output. The stride is 2, so its window begins at
# row 8, column 8 of the padded image. There are 147 products of a weight with a code minus its
# zero_point.

# %%
stem = layers["stem_conv7x7_s2"]
window, acc = padded[8:15, 8:15], int(stem.bias[0])
for at in np.ndindex(7, 7, 3):  # row, column, channel
    acc += int(stem.weight[0][at]) * int(window[at] - grid.zero_point)
assert acc == stem.accumulate(trace["stem_pad"])[0, 4, 4, 0] == 92007

# %% [markdown]
# The accumulator is 92,007. Could another image drive it out of int32? A weight is at most 127
# and a difference of two codes at most 255, so the sum stays within 147 · 127 · 255 = 4,760,595.
# That takes 23 bits and a sign.
#
# The way back to 8 bits is that of [chapter 5](05_come_back_to_8_bits.ipynb): high multiply,
# rounding shift, zero_point, clamp.

# %%
def to_code(acc, multiplier, shift, zero_point):
    """Return the code of an int32 accumulator: equation (5.9)."""
    high = loops.saturating_rounding_doubling_high_mul(acc, multiplier)
    steps = loops.rounding_divide_by_pot(high, shift)  # no shift here is < 0
    return min(max(steps + zero_point, -128), 127)


multiplier = int(stem.requantizer.multiplier[0])
shift = int(stem.requantizer.shift[0])
value = acc * multiplier / 2 ** (31 + shift)
code = to_code(acc, multiplier, shift, -1)
print(f"{acc} * {multiplier} / 2^{31 + shift} = {value:.3f}: code {code}")
assert code == trace["stem_conv7x7_s2"][0, 4, 4, 0]
assert 2**22 < 147 * 127 * 255 < 2**23

# %% [markdown]
# 6.044 rounds to 6, and 6 - 1 is the code 5.
#
# ## Run on to the second convolution
#
# The other 511 codes of the stem come about in the same way, and so do those of the block's two
# convolutions. `tinyq.loops` holds every kernel as a plain loop nest over Python integers. It
# shares no code with the layers that made `trace`.

# %%
def conv(name, image):
    c = layers[name]  # a convolution
    ratios = c.requantizer.multiplier.tolist(), c.requantizer.shift.tolist()
    return loops.conv2d(image, c.weight, c.bias, c.stride,
                        c.in_grid.zero_point, *ratios, c.out_grid.zero_point)


# %%
one = (1, 1, 1, 1)  # pads: top, bottom, left, right
mine = {"stem_conv7x7_s2": conv("stem_conv7x7_s2", padded)}
mine["stem_relu"] = loops.relu(mine["stem_conv7x7_s2"], -1)
mine["stem_maxpool2x2"] = loops.max_pool2d(mine["stem_relu"], (2, 2), (2, 2))
mine["block_pad1"] = loops.pad2d(mine["stem_maxpool2x2"], one, -1)
mine["block_conv3x3_a"] = conv("block_conv3x3_a", mine["block_pad1"])
mine["block_relu_a"] = loops.relu(mine["block_conv3x3_a"], -1)
mine["block_pad2"] = loops.pad2d(mine["block_relu_a"], one, -1)
mine["block_conv3x3_b"] = conv("block_conv3x3_b", mine["block_pad2"])
for name, image in mine.items():
    assert np.array_equal(image, trace[name][0]), name

# %% [markdown]
# ## Add the skip by hand
#
# The add takes the codes of the second convolution and, over the skip, those of the max pool.
# Their grids differ, so the codes cannot be added as they are. At row 0, column 0, channel 0 the
# codes are 42 and 35, which is 45 and 36 steps above their zero_points. What do they stand for?

# %%
add = layers["block_add"]
(s_a, s_b), s_out = (g.scale for g in add.in_grids), add.out_grid.scale
second, skip = mine["block_conv3x3_b"], mine["stem_maxpool2x2"]
x, y = (second[0][0][0] + 3) * s_a, (skip[0][0][0] + 1) * s_b
print(f"{x:.3f} + {y:.3f} = {x + y:.3f}: {(x + y) / s_out:.1f} steps")

# %% [markdown]
# The integer way, equations (8.1) and (8.2), has three ratios. Both inputs are first shifted left by 20 bits, so that
# rounding costs next to nothing; $255 \cdot 2^{20}$ is still 8 times below $2^{31}$. The first
# two ratios, each scale over twice the larger one, bring both to a common scale. There they are
# added, and the third ratio leads to the grid of the sum.

# %%
common = 2 * max(s_a, s_b)
ratios = s_a / common, s_b / common, common / (2**20 * s_out)
pairs = tuple(loops.quantize_multiplier(ratio) for ratio in ratios)
a, b = (second[0][0][0] + 3) << 20, (skip[0][0][0] + 1) << 20
common_a = loops.multiply_by_quantized_multiplier(a, *pairs[0])
common_b = loops.multiply_by_quantized_multiplier(b, *pairs[1])
code = to_code(common_a + common_b, *pairs[2], -128)
print(f"{a} becomes {common_a}, {b} becomes {common_b}: code {code}")
assert code == trace["block_add"][0, 0, 0, 0] and pairs[0] == (2**30, 0)

# %% [markdown]
# The 102 steps give code 102 - 128 = -26 on both ways. The first input has the larger scale, so its
# ratio is exactly one half: 47185920 becomes 23592960.
#
# ## Arrive at the logits
#
# Three stages are left after the add. The block's second ReLU finds nothing to do: on the grid of the sum
# the code of 0 is -128, the smallest there is, and the add has clamped there already. The global
# average pool divides the raw sum of 16 codes by 16 and rounds, a half away from zero. The dense
# layer is one more sum of products, with one ratio for all four logits.

# %%
mine["block_add"] = loops.add(second, skip, (-3, -1, -128), pairs)
mine["block_relu_b"] = loops.relu(mine["block_add"], -128)
averages = loops.global_avg_pool2d(mine["block_relu_b"])
dense = layers["dense_8x4"]
m, n = dense.requantizer.multiplier.item(), dense.requantizer.shift.item()
logits = loops.dense(averages, dense.weight, dense.bias, -128, m, n, -128)
mine |= {"global_avgpool": averages, "dense_8x4": logits}
print("logits of sample 0:", *logits)
assert logits == [-8, 102, 89, -41]
assert mine["block_relu_b"] == mine["block_add"]
assert all(np.array_equal(mine[k], trace[k][0]) for k in mine)

# %% [markdown]
# These are the golden bytes of sample 0. Two programs that share no kernel,
# given the same weights and ratios, agree on them and on every code before them.
#
# TFLite Micro computes each of these layers by the same rules. LiteRT's reference kernels differ
# in the dense layer, where they round once, in float64, since version 1.4. XNNPACK, ONNX Runtime
# and PyTorch multiply by a float32 ratio in the convolutions and the dense layer, and add by rules
# of their own. Now and then a code of theirs is off by one.
#
# ## Read the scale ledger
#
# The ledger says for every stage on which grid its codes are, who requantizes, and what it
# weighs. Grids are numbered by object. `python -m tinyq ledger` prints a wider one.

# %%
numbers, rows = {}, qnet.ledger()
print("layer            grid   scale  zero_point  shift    weights  codes")
for row in rows:
    grid, number = row.out_grid, len(numbers) + 1
    shifts = "..".join(map(str, sorted(set(row.shift or []))))
    print(f"{row.name:16}{numbers.setdefault(id(grid), number):5}",
          f"{grid.scale:.5f}{grid.zero_point:12}  {shifts:7}",
          f"{row.weight_bytes:8}{row.activation_bytes:7}")
assert (len(rows), len(numbers)) == (14, 6)
assert sum(row.weight_bytes for row in rows) == 2472

# %% [markdown]
# Five stages have shifts. They are the requantizers, and each of them begins a new grid; the
# first grid is that of the image. A range of shifts is one shift a filter, or, at the add, three
# ratios. The last two columns are bytes: 2,472 in all for weights and biases, and the codes of
# one image.
#
# ## Compare with float
#
# Now all four test images. The seed asks that no logit errs by more than 40 % of the logits'
# calibrated range.

# %% mystnb={"image": {"alt": "Left: the four float logits of sample 0 as a line, 2.29, 4.41, 4.16 and 1.67, with the int8 logits as crosses on it. Right: the absolute error of each, between 0.003 and 0.010; the pass mark of 1.44 is 146 times as high as the tallest bar."}, "figure": {"caption": "Sample 0, float against int8. Left the logits, right their difference.", "name": "fig-parity"}}
golden = np.int8([[-8, 102, 89, -41], [-20, 71, 55, -60],
                  [-16, 89, 78, -44], [5, 124, 109, -34]])
result = parity.compare(net, qnet, seed.images[:4])
print(f"worst {result.worst:.5f}, logits' range {result.logit_range:.3f}")
assert f"{result.worst / result.logit_range:.1%}" == "0.5%"
assert result.error[0].max() < 0.01 and (result.codes == golden).all()
plots.parity(result)

# %% [markdown]
# The worst of the sixteen logits errs by 0.01943, 0.5 % of the range. Sample 0 stays below 0.01.
#
# ## Measure each stage
#
# One number at the end hides where precision is lost. The signal to quantization noise ratio can
# be taken at each tensor $x$, with $\hat{x}$ the dequantized codes:
#
# $$\mathrm{SQNR} = 10 \log_{10} \frac{\sum x^2}{\sum (x - \hat{x})^2} \;\text{dB} \tag{10.1}$$
#
# An error of one tenth of the signal is 20 dB, one of a hundredth 40 dB. One more bit is worth
# about 6 dB.

# %%
def sqnr_by_hand(x, x_hat):
    """Return the SQNR of x_hat in dB: equation (10.1)."""
    x = x.astype(np.float64)
    return float(10 * np.log10((x**2).sum() / ((x - x_hat) ** 2).sum()))


# %% mystnb={"image": {"alt": "A dot for each of the fourteen tensors. Input and stem_pad have 47.6 dB. From the stem's convolution to block_relu_b all lie between 45.1 and 46.5 dB. The global average pool has 48.5 and the logits 51.1 dB."}, "figure": {"caption": "SQNR of each tensor over all 32 images, top to bottom in running order. The colours are those of the map of grids in chapter 0.", "name": "fig-sqnr"}}
reference = net.trace(seed.images)
reference["block_add"] = reference["block_relu_b"]  # its grid holds no x < 0
real = {name: qnet.grids[name].dequantize(q) for name, q in trace.items()}
decibels = {name: sqnr_by_hand(reference[name], real[name]) for name in real}
x, x_hat = reference["dense_8x4"], real["dense_8x4"]
mean = x.mean(dtype=np.float64)
centred = sqnr_by_hand(x - mean, x_hat - mean)
print(f"SQNR of the logits without their mean: {centred:.1f} dB")
assert f"{decibels['input'] - decibels['stem_conv7x7_s2']:.1f}" == "2.4"
assert all(45 < value < 46.5 for value in list(decibels.values())[2:12])
plots.sqnr(decibels, [numbers[id(row.out_grid)] for row in rows])

# %% [markdown]
# The first convolution costs 2.4 dB. After it the ratio stays between 45 and 46.5 dB up to the
# last ReLU. It rises in the global average, where the errors of 16 codes partly cancel. The
# logits look best for another reason as well: they are all far from 0, so the signal in (10.1) is
# large. Take their mean out, and they have the lowest ratio of all, 42.2 dB.
#
# ## Follow a logit back
#
# The tracer below is the whole block, and each change runs it again. It also follows a logit back: at every layer to the
# input that moved it most, down to one pixel.

# %%
wide = {"stem_lo": -31.6, "stem_hi": 31.7}
trials = {"stem_lo": 0.0}, {"logits_hi": 3.43}, wide
results = [PixelTracer(**trial).value["codes"] for trial in trials]
assert results == [[-8, 102, 89, -41], [43, 127, 127, -3], [-7, 103, 90, -40]]
PixelTracer()

# %% [markdown]
# 1. The row `block_conv3x3_b` is chosen. Under the figure stand its accumulator, 224922, its multiplier and its shift: the step that you did
#    by hand, for another code. Set `logit` to 2, and the road ends at another pixel.
# 2. Press "Stem four times too wide". All four logits rise by one code, and the error goes from 0.00985 to 0.029. Press "As calibrated" and drag
#    the lower end of `stem` up to 0, as if it were calibrated after its ReLU. Its scale halves to 0.03103, and no logit moves: a finer grid
#    helps only as far as the next coarse one.
# 3. Press Reset, then "Logits too narrow". Two logits stop at code 127, and the error is 0.978.
#
# ## Doubt a green run
#
# The pass mark is generous. `tinyq.mutants` keeps 55 classic bugs, each a wrong function of a few lines. Inside
# `with mutant.planted():` the wrong function stands in the place of the right one. Here are four.

# %%
bugs = {mutant.name: mutant for mutant in mutants.MUTANTS}
for name in ("scale_of_256_steps", "kernel_flipped", "pad_with_code_zero",
             "one_multiplier_for_all_channels"):
    with bugs[name].planted():
        broken = net.quantize(seed.images)
        r = parity.compare(net, broken, seed.images[:4])
    wrong, share = int((r.codes != golden).sum()), r.worst / r.logit_range
    print(f"{name:31} {r.worst:.5f}{share:6.1%}  {wrong:2} bytes wrong")
    assert r.passed and wrong >= 7
    assert (r.worst < result.worst) == (name == "scale_of_256_steps")

# %% [markdown]
# A line has the worst error, its share of the range, and how many of the 16 golden bytes are
# wrong. All four pass. The first cuts each range into 256 steps instead of 255, and comes closer to float than the right
# network. The second turns each kernel by 180 degrees. The third pads with code 0; it was found in
# [Apache TVM](https://github.com/apache/tvm/pull/4807). The last rescales every filter by the ratio of the first, and errs by more
# than a quarter of the range. But each of them changes at least 7 golden bytes. A tolerance says that a result is not far off.
# Golden bytes say that the arithmetic is the one that was specified. They do not prove every rule
# either: Exercise 2 has a change that no logit shows. [Chapter 11](11_find_the_error.ipynb) looks for the cause of an error,
# [chapter 13](13_prove_it_and_ship_it.ipynb) for tests that miss no bug.
#
# ## Exercises
#
# ### Exercise 1: Trace a logit
#
# **Goal.** Compute a logit of sample 0 from the eight averages, in plain Python: the accumulator
# of the dense layer, then `to_code`. You have `averages`, `dense.weight`, `dense.bias`, the
# multiplier `m` and the shift `n`. Both grids have zero_point -128. Take the weights as Python
# ints, with `tolist()`: an int8 cannot hold a product.

# %% tags=["stub"]
def trace_logit(o):
    """Return the code of logit o of sample 0, an int."""
    return ...


# %% tags=["check"]
hint = "multiply each weight by the average's code + 128, then call to_code."
check(trace_logit(0), -8, hint)
_ = check(trace_logit(3), -41, hint)

# %% tags=["solution", "hide-cell"]
def trace_logit(o):
    """Return the code of logit o of sample 0, an int."""
    pairs = zip(dense.weight[o].tolist(), averages, strict=True)
    acc = int(dense.bias[o]) + sum(w * (q + 128) for w, q in pairs)
    return to_code(acc, m, n, -128)


assert check([trace_logit(o) for o in range(4)], mine["dense_8x4"])

# %% [markdown]
# ### Exercise 2: Find the first stage that differs
#
# **Goal.** Break it: swap the two zero_points in the add. The logits come out wrong, but where
# does it begin? Write the function that tells, for any two traces. A trace is a dict from names to arrays, in running order.

# %% tags=["stub"]
def first_difference(one, other):
    """Return the name of the first tensor that differs, "" if none does."""
    return ...


# %% tags=["check"]
with bugs["zero_points_swapped"].planted():
    swapped = qnet.trace(seed.images)
check(first_difference(trace, swapped), "block_add")
_ = check(first_difference(trace, trace), "")

# %% tags=["solution", "hide-cell"]
def first_difference(one, other):
    """Return the name of the first tensor that differs, "" if none does."""
    differs = (name for name in one if (one[name] != other[name]).any())
    return next(differs, "")


assert check(first_difference(trace, swapped), "block_add")
error = qnet.dequantize(swapped["dense_8x4"][:4]) - result.reference
print(f"swapped: {np.abs(error).max() / result.logit_range:.1%} of the range")
with bugs["ties_up"].planted():
    up = qnet.trace(seed.images)
where = first_difference(trace, up)
for name in (where, "dense_8x4"):
    print(f"ties up: {(up[name] != trace[name]).sum()} differ in {name}")

# %% [markdown]
# :::{dropdown} How you would notice
# Not from the pass mark: with swapped zero_points the worst error is 1.5 %. Golden logits differ,
# but they do not say where. The first tensor that differs does; all the later ones only inherit.
#
# The solution also changes the rounding from DOUBLE to UP, the rule of LiteRT's optimized convolutions. No logit of the 32
# images shows it. One code in the stem does, out of 16,384. To pin down a rounding rule you need the accumulators of chapter 5.
# :::
#
# ## Check yourself
#
# 1. Why does `block_relu_b` change no code?
#
#    :::{dropdown} Answer
#    The sum's grid was calibrated after the ReLU, so 0 is its smallest number and -128 the code of 0.
#    The add clamps at -128. There is nothing below for ReLU to lift.
#    :::
#
# 2. One variant of this network has a worst error of 0.01270, this one 0.01943. Is the variant the
#    better one?
#
#    :::{dropdown} Answer
#    No. It is the network whose ranges were cut into 256 steps. On four images an error can shrink by chance; the
#    bytes differ from the specified ones all the same.
#    :::
#
# 3. In the add, the first multiplier is 1073741824 and its shift 0. Why so round?
#
#    :::{dropdown} Answer
#    It belongs to the input with the larger scale. Its ratio is that scale over twice itself, exactly
#    one half, and $2^{30} / 2^{31}$ is one half.
#    :::
#
# ## What we built
#
# `to_code` requantizes, and `sqnr_by_hand` measures. This cell compares the one with all 2,048
# codes of a stem filter, the other with `tinyq.parity` on all fourteen tensors.

# %%
accs = stem.accumulate(trace["stem_pad"])[..., 0].ravel().tolist()
by_hand = [to_code(x, multiplier, shift, -1) for x in accs]
assert by_hand == trace["stem_conv7x7_s2"][..., 0].ravel().tolist()
for x, x_hat in zip(reference.values(), real.values(), strict=True):
    assert sqnr_by_hand(x, x_hat) == parity.sqnr_db(x, x_hat)
