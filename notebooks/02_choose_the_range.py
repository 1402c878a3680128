# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2 · Choose the range
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** watch a layer of a trained network, and choose its range in five ways.
#
# **Learn:** what clipping costs and what it wins, when to clip, and which way survives a spoiled image.
#
# **Need:** a grid and half a step ([chapter 1](01_put_numbers_on_a_grid.ipynb)).
#
# **Time:** 40 minutes
# :::
#
# In [chapter 1](01_put_numbers_on_a_grid.ipynb) the range was given: pixels lie in -1..1. Nobody tells you the range of what a layer puts out. You run the float
# network on some images and watch. This is **calibration**, and what watches is an **observer**.

# %%
from functools import partial
from math import log

import numpy as np

from tinyq import Grid, Scheme, digits, parity, plots
from tinyq.affine import round_half_away
from tinyq.analysis import score
from tinyq.exercise import check
from tinyq.mutants.grids import quantize_wraps
from tinyq.observers import MSE, Entropy, MinMax, MovingAverage, Percentile
from tinyq.observers.entropy import divergence as tinyq_divergence
from tinyq.widgets import ClipLab

data = digits.load()
net, calibration = data.net, data.images[data.calibration]
test, labels = data.images[data.test], data.labels[data.test]

# %% [markdown]
# ## Watch a layer
#
# `tinyq.digits` has a network of the seed's shape that was trained to read handwritten
# digits. It comes with 200 scans for calibration and 500 for tests. Watch the block's first convolution.

# %%
x = net.trace(calibration)["block_conv3x3_a"]
lo, hi = float(x.min()), float(x.max())
outer = (x < lo / 2) | (x > hi / 2)
print(f"{x.size} numbers in {lo:.3f} .. {hi:.3f}")
print(f"outside the inner half: {outer.mean():.1%}")

# %% [markdown]
# The outer half of the range holds 4.6 % of the numbers. A grid from `lo` to `hi` gives them half of all codes. With 8 bits that may be a fair price. To see it hurt,
# take 4 bits: 16 codes.
#
# ## Trade one error for another
#
# Compare the grid of the full range with that of half the range, on two numbers: a small one, 0.7, and the smallest that was seen.

# %%
ends = {b: (-(2 ** (b - 1)), 2 ** (b - 1) - 1) for b in range(2, 9)}


def grid_of(share, bits=4):
    """Return the grid of a share of the full range."""
    return Grid.from_range(share * lo, share * hi, *ends[bits])


for share in (1, 0.5):
    grid = grid_of(share)
    back = grid.dequantize(grid.quantize([0.7, lo]))
    small, large = back - [0.7, lo]
    print(f"step {grid.scale:.3f}: 0.7 errs by {small:+.3f},", end=" ")
    print(f"{lo:.3f} by {large:+.3f}")

# %% [markdown]
# Half the step, and the small number gains. But -4.289 is **clipped**: it is held at the last code, and errs by 2.1. Count both kinds of error over all $n$ numbers:
#
# $$\overline{(\hat x - x)^2} = \frac1n \sum_{\text{not clipped}} (\hat x - x)^2 + \frac1n \sum_{\text{clipped}} (\hat x - x)^2 \tag{2.1}$$
#
# The first sum is rounding. Its errors lie anywhere within half a step, about evenly, and the mean square of such numbers is
#
# $$\frac1s \int_{-s/2}^{s/2} e^2\, de = \frac{s^2}{12} \tag{2.2}$$
#
# Half the step is a quarter of this, and half the step is what one more bit buys. In decibels, $10 \log_{10}$ of the ratio, a bit is worth 6.02 dB. The second sum has no such law. It depends
# on how many numbers lie far out. Measure both.

# %%
def split(grid):
    """Return the two parts of (2.1): rounding, clipping."""
    errors = grid.dequantize(grid.quantize(x)) - x.astype(float)
    half = grid.scale / 2
    inside = (grid.lo - half <= x) & (x <= grid.hi + half)  # as in (1.5)
    rounding, clipping = errors[inside], errors[~inside]
    return (rounding**2).sum() / x.size, (clipping**2).sum() / x.size


shares = np.arange(20, 101) / 100
for share in (1, 0.5):
    law = grid_of(share).scale ** 2 / 12
    rounding, clipped = split(grid_of(share))
    print(f"rounding {rounding:.5f}, by (2.2) {law:.5f};", end=" ")
    print(f"clipping {clipped:.5f}")

# %% [markdown]
# Equation (2.2) holds within 4 %. The sum is less with half the range than with all of it. Now try every share from 20 % to 100 %. Where the range is cut is called the threshold.

# %% mystnb={"image": {"alt": "Two panels with the mean squared error on a logarithmic axis against the share of the range. Rounding rises with the share, clipping falls steeply and ends before 1. With 4 bits their sum is least at a share of 0.63; with 8 bits the rounding curve lies far lower and the sum is least at 0.96."}, "figure": {"caption": "Rounding and clipping of the block's first convolution. The ring marks the least sum.", "name": "fig-clipping"}}
errors = {}
for bits, least in ((4, 0.63), (8, 0.96)):
    errors[bits] = np.transpose([split(grid_of(s, bits)) for s in shares])
    assert shares[errors[bits].sum(axis=0).argmin()] == least
plots.clipping(shares, {f"{bits} bits": e for bits, e in errors.items()})

# %% [markdown]
# With 4 bits the best threshold is at 63 % of the full range, with 8 bits at 96 %. Eight bits have rounding to spare, and clipping is never cheap: its curve is the steepest in
# the figure.
#
# ## Drag the ends
#
# The lab has the same layer, on 20 of the test scans. SQNR is the signal to quantization noise ratio: the mean of $x^2$ over (2.1), in decibels. More is better, and 20 dB less
# is an error ten times as large.

# %%
lab = {"network": "digits", "tensor": "block_conv3x3_a"}
ClipLab(**lab, bits=4, rule="minmax")

# %% [markdown]
# 1. Press MSE, which looks for the least error. 22 of 2,560 numbers are clipped, and the SQNR rises from 18.62 to 20.25 dB.
# 2. Press min/max, then drag the upper end down to 0.5. Now 207 numbers are clipped. Their squared error is seven times that of the rounding, and the SQNR is 13.84 dB.
# 3. Set `bits` to 8 and press each rule. MSE has 43.26 dB, min/max 43.24: there is little to win. The percentile clips 2 numbers and has 41.88.
#
# What the other rules do comes now, one after the other.

# %%
shown = {("minmax", 4): (0, 18.62), ("mse", 4): (22, 20.25)}
shown |= {("minmax", 8): (0, 43.24), ("mse", 8): (1, 43.26)}
shown |= {("percentile", 8): (2, 41.88)}
for (rule, bits), want in shown.items():
    value = ClipLab(**lab, bits=bits, rule=rule).value
    assert (value["clipped"], value["sqnr"]) == want
low = ClipLab(**lab, bits=4, rule="minmax").lo
value = ClipLab(**lab, bits=4, lo=low, hi=0.5).value
assert (value["clipped"], value["sqnr"]) == (207, 13.84)
assert 7 < value["clipping"] / value["rounding"] < 7.5

# %% [markdown]
# ## Keep everything
#
# The simplest observer remembers the smallest and the largest number, batch by batch. Two of them are merged by the same rule, in any order, so the batches may run
# on as many machines as you like.

# %%
def min_max(batches):
    """Return the range of all batches."""
    lo, hi = float("inf"), float("-inf")
    for batch in batches:
        lo, hi = min(lo, *batch), max(hi, *batch)
    return lo, hi


batches = [x[i : i + 32].ravel() for i in range(0, len(x), 32)]
lists = [batch.tolist() for batch in batches]
assert min_max(lists) == min_max(lists[::-1]) == (lo, hi)
late, early = MinMax().observe(x[90:]), MinMax().observe(x[:90])
assert (late.merge(early).lo, late.hi) == (lo, hi)

# %% [markdown]
# Min-max clips nothing that it saw. So one number can rule it. The scans hold ink from 0 to 16, and the network wants 0 to 1. Suppose that one of the 200 was
# never divided by 16. In the cell, a `Scheme` sets the bits of all activations, the tensors between layers, and `score` compares with the float network.

# %%
def scored(images, observer=MinMax, bits=8):
    """Calibrate on images, run the test scans, score their logits."""
    scheme = Scheme(activation_bits=bits)
    qnet = net.quantize(images, observer=observer, scheme=scheme)
    return score(qnet.dequantize(qnet(test)), net(test), labels)


def spoiled(at=100):
    """Return the calibration scans, one of them not divided by 16."""
    images = calibration.copy()
    images[at] *= 16
    return images


for title, images in (("clean", calibration), ("spoiled", spoiled())):
    found = scored(images)
    print(f"{title:8}{found.sqnr_db:5.1f} dB  {found.accuracy:.1%} right")

# %% [markdown]
# This is the SQNR of the logits, ten numbers for each test scan. One scan in 200 costs 21 dB and 17 of the 500 digits.
#
# ## Follow the batches
#
# A **moving average** goes a part of the way, $1 - m$, towards the ends of each batch. The first batch sets it. With $m = 0.9$ and batches that end at 1, 1, 16, 1 it stands at
# 1, 1, 2.5, 2.35.
#
# $$\mathit{hi} \leftarrow \mathit{hi} + (1 - m)\,(\mathit{hi}_{\text{batch}} - \mathit{hi}) \tag{2.3}$$
#
# The same rule holds for `lo`. The average depends on the order of the batches.

# %%
def follow(ends, momentum=0.9):
    """Return the moving average of numbers: equation (2.3)."""
    average, *rest = ends
    for end in rest:
        average += (1 - momentum) * (end - average)
    return average


assert round(follow([1, 1, 16, 1]), 10) == 2.35
seen = MovingAverage()
for batch in batches:
    seen.observe(batch)
assert seen.average_lo == follow(map(min, lists))
assert seen.average_hi == follow(map(max, lists))
for title, at in (("in the middle", 100), ("in the first batch", 0)):
    db = scored(spoiled(at), MovingAverage).sqnr_db
    print(f"spoiled {title}: {db:.1f} dB")

# %% [markdown]
# In the middle the spoiled scan is soon outvoted. In the first batch it sets the average, and the six batches that follow do not get it down again.
#
# ## Give up a share
#
# A **percentile** cuts off a share of the numbers on purpose. To keep $p$ percent of $n$ numbers, drop from each end
#
# $$k = \left\lfloor n \,\frac{100 - p}{200} \right\rfloor \tag{2.4}$$
#
# For $p = 99.9$ and 25,600 numbers that is 12. You would sort them. The package cannot hold all numbers of a large calibration, so it counts them in 4,096
# bins. A bin is a power of two wide, and when larger numbers come, neighbours merge. So the counts do not depend on batches or order either, and the range is
# right to a bin.

# %%
k = x.size // 2000  # (100 - 99.9) / 200 is one in 2000
ordered = np.sort(x, axis=None)
by_hand = ordered[k], ordered[-1 - k]
seen = Percentile(99.9).observe(x)
print(f"drop {k} at each end: {by_hand[0]:.3f} .. {by_hand[1]:.3f}")
width = 2.0**seen.power
assert np.abs(np.subtract(seen.range(), by_hand)).max() <= width
halves = [Percentile(99.9).observe(half) for half in (x[:50], x[50:])]
assert np.array_equal(halves[1].merge(halves[0]).counts, seen.counts)
assert width == 1 / 256

# %% [markdown]
# Here a bin is 1/256 wide. ONNX Runtime's percentile splits the share between the two ends in the same way.
#
# ## Weigh both errors
#
# **MSE** tries pairs of ends and keeps the one with the least squared error, (2.1), both parts together. It knows the number of bits, so the same numbers
# get another range with 4 bits than with 8.

# %%
for bits in (4, 8):
    grid = MSE().observe(x).grid(*ends[bits])
    print(f"{bits} bits: {grid.lo:.3f} .. {grid.hi:.3f}")
    ratio = sum(split(grid)) / errors[bits].sum(axis=0).min()
    assert 0.99 < ratio < 1.001

# %% [markdown]
# Its error is that of the figure's ring, within 1 %. With 4 bits it keeps 63 % of the range too.
#
# ## Keep the distribution
#
# The fifth way asks how well the codes still tell how the numbers were spread. Take eight bins with counts 1 0 2 3 5 3 1 7, and two codes, each for four bins. The first code has 6 numbers. Whoever has only the codes can do no
# better than to spread them over the three bins that are filled: 2 0 2 2. The second code has 16: 4 4 4 4. The **Kullback-Leibler divergence** compares the counts as they were, $P$, with what
# the codes still know, $Q$, both divided by their sums:
#
# $$D = \sum_i P_i \log \frac{P_i}{Q_i} \tag{2.5}$$
#
# What a threshold cuts off is added to the end bins of $P$ and not of $Q$. So cutting costs too.

# %%
def divergence(counts, stop, cells):
    """Return (2.5) for the first `stop` bins, cut into cells."""
    window, q = np.array(counts[:stop]), np.zeros(stop)
    p = window.copy()
    p[-1] += sum(counts[stop:])
    for bins in np.split(np.arange(stop), cells):
        filled = bins[p[bins] > 0]
        q[filled] = window[bins].sum() / len(filled)
    pairs = zip(p / p.sum(), q / q.sum(), strict=True)
    return sum(a * log(a / b) for a, b in pairs if a)


counts = np.array([1, 0, 2, 3, 5, 3, 1, 7])
for stop in (8, 6):
    found = divergence(counts, stop, cells=2)
    print(f"{stop} of 8 bins: D = {found:.4f}")
    assert abs(found - tinyq_divergence(counts, 0, stop, 2)) < 1e-12

# %% [markdown]
# Six bins in two codes are three bins a code: finer, and here that outweighs what was cut. `Entropy` takes the threshold with the least $D$. Migacz (2017) made it known in TensorRT.
#
# ## Pay on the network
#
# Now the whole network, every tensor, each way: with 8 bits, with activations of 4 bits, and with 8 bits and the spoiled scan.

# %%
ways = {"min-max": MinMax, "moving average": MovingAverage}
ways |= {f"{p} %": partial(Percentile, p) for p in (99.9, 99.5, 99, 98)}
ways |= {"MSE": MSE, "entropy": Entropy}
jobs, table = ((calibration, 8), (calibration, 4), (spoiled(), 8)), {}
print(f"{'':15}       8 bits        4 bits       spoiled")
for way, observer in ways.items():
    row = [scored(images, observer, bits) for images, bits in jobs]
    table[way] = [found.sqnr_db for found in row]
    cells = (f"{s.sqnr_db:6.1f} {s.accuracy:6.1%}" for s in row)
    print(f"{way:15}", *cells)
gained = (("99.9 %", 0), ("99 %", 0), ("MSE", 1), ("99 %", 1))
gains = [table[way][k] - table["min-max"][k] for way, k in gained]
assert [f"{db:.1f}" for db in gains] == ["-2.4", "-13.5", "1.9", "2.0"]

# %% [markdown]
# A cell has the SQNR of the logits in dB and the share of test scans that are read right. Float reads 99.2 %.
#
# With 8 bits and clean scans no other way reaches the SQNR of min-max. Keeping 99.9 % of the numbers costs 2.4 dB, keeping 99 % costs 13.5. The accuracy hides it: it holds down to 99 %, and at 98 % three
# scans are lost. With 4 bits clipping pays. MSE wins 1.9 dB, and 99 % wins 2.0. Do not rank them by accuracy: [chapter 11](11_find_the_error.ipynb) tells how
# little four scans mean.
#
# The spoiled scan holds 0.5 % of all numbers. A percentile that cuts less than that cannot be rid of it: 99.9 % gets 16.4 dB, 99.5 % gets 27.0. MSE does not help here.
# It minds the squares, and the spoiled numbers have the largest. The moving average does best, and you saw that this was luck.

# %% mystnb={"image": {"alt": "A histogram with a logarithmic axis: a mound from -3.5 to 2.9 with a few numbers down to -4.3. Below it a pair of bars for each observer. Min-max is widest; the percentiles are narrower the more they cut, alike for 8 and 4 bits. MSE keeps -4.0 to 2.8 with 8 bits, and -2.7 to 1.8 with 4. Entropy keeps about -3.5 to 2.9 with both."}, "figure": {"caption": "What each observer chose for the block's first convolution, under the histogram of the 25,600 numbers.", "name": "fig-ranges"}}
ranges = {}
for way, observer in ways.items():
    seen = net.calibrate(calibration, observer=observer)[lab["tensor"]]
    ranges[way] = [(g.lo, g.hi) for g in (seen.grid(), seen.grid(-8, 7))]
plots.chosen_ranges(x, ranges, ("8 bits", "4 bits"))

# %% [markdown]
# Only MSE and entropy look at the number of bits. The other bars that differ do so because (1.4) rounds the zero_point, which slides the ends further with 4 bits. Entropy was made for 8 bits; with 4 it keeps about the same range, and has the second lowest SQNR of that column.
#
# So: with 8 bits and data that you trust, min-max. With fewer bits, clip. With data that you do not trust, look at the data. ONNX Runtime's `quantize_static` takes min-max unless you ask for entropy or a percentile,
# then of 99.999 %. PyTorch's default for server processors, `HistogramObserver`, looks for the least squared error. TFLite Micro and CMSIS-NN have no observers: the ranges come to them in the model.
#
# ## Exercises
#
# ### Exercise 1: Predict the decibels
#
# **Goal.** Before you quantize anything, (2.2) tells how good a grid without clipping will be. The signal is the mean of $x^2$, the noise $s^2/12$, and SQNR is $10 \log_{10}$ of
# their ratio. Round to one decimal.

# %% tags=["stub"]
def predict(mean_square, scale):
    """Return the SQNR in dB, rounded to one decimal."""
    return ...


# %% tags=["check"]
signal, want = np.mean(x.astype(float) ** 2), (42.1, 29.9, 17.5)
grids = [grid_of(1, bits) for bits in (8, 6, 4)]
measured = [10 * np.log10(signal / sum(split(grid))) for grid in grids]
got = tuple(predict(signal, grid.scale) for grid in grids)
_ = check(got, want, "log10, not log; times 10.")

# %% tags=["solution", "hide-cell"]
def predict(mean_square, scale):
    """Return the SQNR in dB, rounded to one decimal."""
    return round(10 * np.log10(12 * mean_square / scale**2), 1)


assert check(tuple(predict(signal, g.scale) for g in grids), want)
assert np.abs(np.subtract(want, measured)).max() < 0.1

# %% [markdown]
# The solution compares with what was measured: the prediction is right within 0.1 dB, even with 4 bits.
#
# ### Exercise 2: Find the best threshold
#
# **Goal.** For any number of bits, find the share of the full range with the least error. Use `shares`, `grid_of` and `split`.

# %% tags=["stub"]
def best_share(bits):
    """Return the share, out of `shares`, with the least error (2.1)."""
    return ...


# %% tags=["check"]
want = 0.37, 0.63, 0.96
got = tuple(best_share(bits) for bits in (2, 4, 8))
_ = check(got, want, "add the two parts that split returns.")

# %% tags=["solution", "hide-cell"]
def best_share(bits):
    """Return the share, out of `shares`, with the least error (2.1)."""
    return min(shares, key=lambda share: sum(split(grid_of(share, bits))))


assert check(tuple(best_share(bits) for bits in (2, 4, 8)), want)

# %% [markdown]
# ### Exercise 3: Let a number wrap
#
# **Goal.** Break it: write (1.1) without its clamp. A code that does not fit into int8 then keeps its low 8 bits, so 128 becomes -128. `round_half_away` rounds an array to whole floats, and `astype` wraps from one integer type to another.

# %% tags=["stub"]
def wrapped_codes(grid, x):
    """Return the int8 codes of x on a grid, wrapped and not clamped."""
    return ...


# %% tags=["check"]
unseen = net.trace(test)["block_conv3x3_a"]  # of scans not calibrated on
with quantize_wraps.planted():
    want = grid_of(1, 8).quantize(unseen)
hint = "no clamp: first to int64, then to int8."
_ = check(wrapped_codes(grid_of(1, 8), unseen), want, hint)

# %% tags=["solution", "hide-cell"]
def wrapped_codes(grid, x):
    """Return the int8 codes of x on a grid, wrapped and not clamped."""
    steps = round_half_away(x.astype(float) / grid.scale)
    return (steps + grid.zero_point).astype(np.int64).astype(np.int8)


grid = grid_of(1, 8)
assert check(wrapped_codes(grid, unseen), want)
assert np.array_equal(wrapped_codes(grid, x), grid.quantize(x))
wrong = want != grid.quantize(unseen)
pair = grid.quantize(unseen), want
clamped, wrapped = (
    parity.sqnr_db(unseen, grid.dequantize(codes)) for codes in pair)
shown = f"{wrong.sum()} of {wrong.size}: {clamped:.1f} and {wrapped:.1f}"
assert shown == "6 of 64000: 41.9 and 23.3"

# %% [markdown]
# :::{dropdown} How you would notice
# Not from the calibration scans: no number there lies outside, and the codes are the same. Among the test scans 6 of 64,000 numbers lie outside. They wrap from one end of the
# grid to the other, and the SQNR drops from 41.9 to 23.3 dB. sentence-transformers [had this bug](https://github.com/huggingface/sentence-transformers/pull/3847), shown with vectors that its calibration had not covered.
# Test with a number far outside.
# :::
#
# ## Check yourself
#
# 1. Min-max clips nothing that it saw. What does it clip?
#
#    :::{dropdown} Answer
#    What it did not see. The test scans go beyond the range of the calibration scans in 6 of 64,000 numbers of this layer. That is harmless if they are clamped.
#    :::
#
# 2. You drop from 8 bits to 7 and keep the range. What happens to the two parts of (2.1)?
#
#    :::{dropdown} Answer
#    The step about doubles, so rounding grows to four times, which is 6 dB. Clipping stays as it was, because the ends hardly move. So the best
#    threshold moves inwards.
#    :::
#
# 3. Why does a percentile of 99.5 survive the spoiled scan, and MSE not?
#
#    :::{dropdown} Answer
#    A percentile counts numbers and does not ask how far out they are, and one scan of 200 has 0.5 % of them. MSE squares the distance: to clip a number
#    at 1 instead of 16 counts as much as 225 errors of 1.
#    :::

# %% [markdown]
# ## What we built
#
# `min_max`, `follow` and `divergence` are `MinMax`, `MovingAverage` and `Entropy` in `tinyq.observers`. The last cell compares the first two on every tensor of the network, and the third
# on random counts.

# %%
for tensor in net.trace(calibration).values():
    parts = [tensor[i : i + 32].ravel() for i in range(0, 200, 32)]
    seen, average, numbers = MinMax(), MovingAverage(), []
    for part in parts:
        seen.observe(part)
        average.observe(part)
        numbers.append(part.tolist())
    assert min_max(numbers) == (seen.lo, seen.hi)
    assert follow(map(max, numbers)) == average.average_hi
rng = np.random.default_rng(2)
for stop in (16, 32, 48):
    counts = rng.integers(1, 99, 64)
    theirs = tinyq_divergence(counts, 0, stop, cells=4)
    assert abs(divergence(counts, stop, 4) - theirs) < 1e-12
