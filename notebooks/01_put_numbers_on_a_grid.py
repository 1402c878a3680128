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
# # 1 · Put numbers on a grid
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** turn a range of real numbers into a scale and a zero_point, first for one number by hand, then for 24,576 pixel values.
#
# **Learn:** why the error is half a step at most, where that stops being true, and why 0 gets a code of its own.
#
# **Need:** [chapter 0](00_start_here.ipynb), Python, and fractions.
#
# **Time:** 40 minutes
# :::

# %%
import numpy as np

import tinyq
from tinyq import Grid, plots
from tinyq.affine import round_half_away
from tinyq.exercise import check
from tinyq.widgets import GridRuler, explore

# %% [markdown]
# ## Quantize one number
#
# The first pixel of the seed's first image is 0.3. Lay a ruler with steps of 2/255 = 0.00784 along the real numbers and number its marks, so that 0 is
# mark -1. Which mark is nearest to 0.3? It lies 0.3 / (2/255) = 38.25 steps above 0. Round that to 38 steps and count from -1: mark 37.

# %%
x, scale, zero_point = 0.3, 2 / 255, -1
code = round(x / scale) + zero_point
back = scale * (code - zero_point)
print(f"{x / scale:.2f} steps above 0: code {code}")
print(f"code {code} stands for {back:.5f}: error {back - x:+.5f}")

# %% [markdown]
# The number of a mark is its **code**, the step is the **scale** $s$, the code of 0 is the **zero_point** $z$. The ruler is a **grid**.
# In 8 bits the codes run from $q_{\min} = -128$ to $q_{\max} = 127$, and what would fall outside is held at the first or the last. To quantize is
#
# $$q = \operatorname{clamp}\!\left(\left\lfloor \frac{x}{s} \right\rceil + z,\; q_{\min},\; q_{\max}\right) \tag{1.1}$$
#
# where $\lfloor t \rceil$ is the integer nearest to $t$. The way back is
#
# $$\hat x = s\,(q - z) \tag{1.2}$$
#
# TensorFlow Lite's kernels add an `input_offset`, which is $-z$, and an `output_offset`, which is $+z$. This book says zero_point only.
#
# ## Round as C does
#
# Which integer is nearest to 2.5? There are two. C's `lround` takes the one farther from zero. `np.round` takes
# the even one.

# %%
def lround(t):
    """Return the integer nearest to t; a half goes away from zero."""
    whole = int(t)  # cuts the fraction off
    if abs(t - whole) < 0.5:
        return whole
    return whole + 1 if t > 0 else whole - 1


ties = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
print("ties    ", ties)
print("lround  ", [lround(t) for t in ties])
print("np.round", [int(np.round(t)) for t in ties])

# %% [markdown]
# The grids of this book round as `lround` does, because the program whose bytes it reproduces does. Does it matter? That depends on the scale. With 0.00784
# no pixel of the seed's 32 images is a tie. Take instead the numbers 0/256 to 255/256 on a scale of 1/128: every second one is
# a tie, and in half of these ties the rules disagree.

# %%
seed = tinyq.resnet.seed()
quotients = (seed.images.astype(float) / scale).ravel().tolist()
assert not any(t % 1 == 0.5 for t in quotients)
differ = sum(lround(k / 2) != np.round(k / 2) for k in range(256))
print(f"{differ} of 256 numbers get another code")

# %% [markdown]
# A quarter of all codes differ, because of one `np.round`. [Chapter 5](05_come_back_to_8_bits.ipynb) meets runtimes that round halves to even.
#
# ## Derive scale and zero_point
#
# Where did 2/255 and -1 come from? From a range. The pixels lie between -1 and 1, and 256 codes have 255 steps
# between them. For a range `lo..hi`:
#
# $$s = \frac{\mathit{hi} - \mathit{lo}}{q_{\max} - q_{\min}} \tag{1.3}$$
#
# The first code is to stand for `lo`, so 0 lies $-\mathit{lo}/s$ steps above $q_{\min}$. Try -1..2. The scale is 3/255 = 0.01176, 0 lies 85 steps up,
# and -128 + 85 = -43. For -1..1 it is 127.5 steps, and -128 + 127.5 = -0.5 is no code. The zero_point is rounded:
#
# $$z = \operatorname{clamp} \left\lfloor q_{\min} - \frac{\mathit{lo}}{s} \right\rceil \tag{1.4}$$
#
# Here is the arithmetic for both ranges.

# %%
for lo, hi in [(-1.0, 1.0), (-1.0, 2.0)]:
    scale = (hi - lo) / (127 - -128)
    zero_point = lround(-128 - lo / scale)
    print(f"{lo:g}..{hi:g}: scale {scale:.5f}, zero_point {zero_point}")
    assert Grid.from_range(lo, hi) == Grid(scale, zero_point)

# %% [markdown]
# The clamp to $q_{\min}$..$q_{\max}$ in (1.4) stands guard. As long as the range holds 0 it has nothing to do.
#
# `Grid.from_range` is the same in the package. It keeps the scale as float32, as model files do, and goes on with that very number, so that everyone
# who reads the file gets the same codes. Now (1.1) as a loop over all pixels, against the package. The range is the one
# that the 32 images really have.

# %%
def quantize(x, scale, zero_point, qmin=-128, qmax=127):
    """Return the code of the real number x: equation (1.1)."""
    return min(max(lround(x / scale) + zero_point, qmin), qmax)


images = seed.images
grid = Grid.from_range(images.min(), images.max())
pixels = images.ravel().tolist()
codes = [quantize(x, grid.scale, grid.zero_point) for x in pixels]
print(f"range {images.min():.5f}..{images.max():.5f}:", end=" ")
print(f"scale {grid.scale:.5f}, zero_point {grid.zero_point}")
print(f"{len(codes)} codes, the first are", *codes[:8])
assert np.array_equal(codes, grid.quantize(images).ravel())

# %% [markdown]
# These are the scale and the zero_point of the seed's input. The loop and the package give the same codes.
#
# ## Bound the error by half a step
#
# The nearest integer is never more than a half away, whichever way ties go: $|\lfloor t \rceil - t| \le \tfrac12$. Put $t = x/s$. If nothing is
# clamped, (1.2) gives $\hat x = s \lfloor x/s \rceil$, and so
#
# $$|\hat x - x| = s\,\bigl|\lfloor t \rceil - t\bigr| \le \frac{s}{2} \tag{1.5}$$
#
# The cell checks this on the pixels. It also sweeps from -2 to 2, to see where "if nothing is clamped" ends. (`error_of` multiplies in float64, where
# the product is exact; `dequantize` rounds it once more, to float32.)

# %%
def error_of(grid, x):
    """Return |what comes back - x| for each x, in float64."""
    steps = grid.quantize(x).astype(float) - grid.zero_point
    return np.abs(grid.scale * steps - x)


worst, half = error_of(grid, images).max(), grid.scale / 2
print(f"pixels: largest error {worst:.8f}, half a step {half:.8f}")
print(f"codes end at {grid.lo:.4f} and {grid.hi:.4f};", end=" ")
print(f"at 2 the error is {error_of(grid, 2.0):.4f}")
sweep = np.linspace(-2, 2, 400_001, dtype=np.float32)
inside = (grid.lo - half <= sweep) & (sweep <= grid.hi + half)
assert worst <= half
assert ((error_of(grid, sweep) <= half) == inside).all()

# %% [markdown]
# The pixels come close to the bound and do not cross it. The last assert says exactly where it holds: up to half a step beyond the last codes, and nowhere
# else. Rounding costs half a step at most. Clamping has no such limit: the farther out, the larger the error. [Chapter 2](02_choose_the_range.ipynb) weighs one against
# the other.
#
# ## Spend fewer bits
#
# With $b$ bits there are $2^b$ codes and $2^b - 1$ steps. Each bit that you drop slightly more than doubles the step.

# %%
def with_bits(bits, lo=-1.0, hi=1.0):
    """Return the grid of 2**bits codes over lo..hi."""
    qmin = -(2 ** (bits - 1))
    return Grid.from_range(lo, hi, qmin, qmax=-qmin - 1)


for bits in range(8, 1, -1):
    g = with_bits(bits)
    half, worst = g.scale / 2, error_of(g, images).max()
    print(f"{bits} bits: half a step {half:.5f}, largest error {worst:.5f}")
    assert worst <= half
    assert bits == 8 or g.scale > 2 * with_bits(bits + 1).scale

# %% [markdown]
# Draw number in against number out, and the grid is a staircase. Its error is a sawtooth.

# %% mystnb={"image": {"alt": "Two columns, 4 bits and 3 bits. Above, a staircase climbs along the dashed diagonal and is flat at both ends; with 3 bits it has half as many stairs, twice as high. Below, the error is a sawtooth that fills a grey band, twice as high with 3 bits, and leaves the band along a straight line at both ends."}, "figure": {"caption": "The staircase of -1..1 and its error. In the grey band the error is half a step at most.", "name": "fig-grid-staircase"}}
plots.staircase([with_bits(4), with_bits(3)], lo=-1.4, hi=1.4)

# %% [markdown]
# Inside the range the sawtooth fills its band; at the ends it runs away along a straight line. That is clamping.
#
# ## Change the Python
#
# Here is a row of pixels on two of these grids. `explore` puts sliders on any function that returns a figure. They need Python behind the page, so
# they appear where the chapter runs: in JupyterLab. The page shows how it begins, with row 8 of image 0 in 8 and in 3 bits.

# %% mystnb={"image": {"alt": "Left: the red values of sixteen pixels as a line; the 8-bit points lie on it, the 3-bit squares jump between eight levels around it. Right: the errors as bars; with 3 bits they reach 0.14 in both directions, with 8 bits they are too small to tell from the axis."}}
def pixels_on_grids(bits=3, row=8):
    """Draw the red values of a row in 8 bits and in fewer."""
    grids = [with_bits(8), with_bits(bits)]
    return plots.row_on_grids(images[0, row, :, 0], grids)


explore(pixels_on_grids, bits=(2, 7), row=(0, 15))

# %% [markdown]
# The 3-bit errors reach their half step, and they go both ways. In a sum of many pixels they largely cancel. If you run it, set `bits` to 4: the dotted
# lines, half a step, move in from 0.143 to 0.067. Then change the function, say to the green channel, and run the cell again.
#
# ## Give zero a code of its own
#
# One number must not be off by half a step, and that is 0. Convolutions surround the image with zeros. In the corner window of the seed's
# first convolution 99 of the 147 products belong to this padding. Suppose you had kept the zero_point of -1..1 at -0.5. No code
# would stand for 0, and the nearest two would stand for ±0.00392. Pad with one of them, and all 99 zeros are off in the same direction. The other
# 48 products belong to pixels, which are off in both. Compare what the two do to the last of the eight
# filters, the one with the most weight on the padding, in steps of the convolution's output.

# %%
net = tinyq.resnet.stem_block(seed.weights, seed.biases)
step = net.quantize(images).grids["stem_conv7x7_s2"].scale
grid, corner = with_bits(8), images[:, :4, :4]
window = seed.weights["stem"][7]
weights = window[3:, 3:]  # of the pixels; the rest meets padding
errors = grid.dequantize(grid.quantize(corner)) - corner
pixels = np.abs((errors * weights).sum(axis=(1, 2, 3))).max()
padding = np.abs(grid.scale / 2 * (window.sum() - weights.sum()))
print(f"pixels: {pixels / step:.2f} of a step at most")
print(f"padding: {padding / step:.2f}")
assert (window.size, weights.size) == (147, 48)
sums = seed.weights["stem"].copy()
sums[:, 3:, 3:] = 0
assert np.abs(sums.sum(axis=(1, 2, 3))).argmax() == 7

# %% [markdown]
# The padding alone would move the result by 0.62 of an output step, in every image. This is why (1.4) rounds. With an integer zero_point,
# $s\,(z - z)$ is exactly 0, and padding is free of error.
#
# The price is that the grid slides a little, which the literature calls nudging. Rounding changes $z$ by a half at most, so each end moves by half a
# step at most. By the sweep above, the whole range that you asked for still keeps the bound (1.5).

# %%
print(f"asked -1..1, covered {grid.lo:.5f}..{grid.hi:.5f}")
rng = np.random.default_rng(1)
for lo, hi in rng.uniform([-10, 0], [0, 10], size=(1000, 2)):
    g = Grid.from_range(lo, hi)
    assert max(abs(g.lo - lo), abs(g.hi - hi)) <= g.scale / 2

# %% [markdown]
# For -1..1 the slide is 0.00392, the largest possible: half a step. The assert checks a thousand other ranges.
#
# ## Extend a range that misses zero
#
# The float logits of the seed lie in 1.305..4.895. Without its clamp, equation (1.4) would put their zero_point at -221, which is no int8 code. So
# `from_range` first extends the range to hold 0: `lo` becomes 0.

# %%
logits = net(images)
lo, hi = logits.min(), logits.max()
grid = Grid.from_range(lo, hi)
narrow = (hi - lo) / 255
idle = int(grid.quantize(lo)) - grid.qmin
wanted = lround(-128 - lo / narrow)
print(f"unextended: scale {narrow:.5f}, zero_point {wanted}")
print(f"extended:   scale {grid.scale:.5f}, zero_point {grid.zero_point}")
print(f"idle: {idle} of 256 codes, {idle / 256:.0%}")
assert Grid.from_range(0.0, 0.0) == Grid(scale=1.0, zero_point=-128)

# %% [markdown]
# Codes -128 to -61 never occur: a quarter of the grid is idle, and the step is a third wider than it could be. An exact zero is not always cheap.
#
# The last line settles the degenerate case. A tensor of zeros only has a range of width 0, and (1.3) would give a scale of 0. By
# convention the scale is then 1 and the zero_point $q_{\min}$.
#
# All these grids are asymmetric: the zero_point is wherever the range puts it. Weights take a symmetric grid, with zero_point 0.
# [Chapter 3](03_choose_one_scale_or_many.ipynb) says why.
#
# ## Drag the ends
#
# The ruler below is the whole chapter in one picture. Drag `lo`, `hi` and `x`, or use the arrow keys on the sliders.

# %%
GridRuler(lo=-1.0, hi=2.0, bits=4, x=0.75)

# %% [markdown]
# 1. Set `bits` to 3. Half of the codes go, and the scale grows from 0.2 to 0.42857.
# 2. Set `bits` back to 4 and drag `lo` up to 1. The first code stops at 0, because the range is extended. Codes -8 to -2 stay idle.
# 3. Press Reset and drag `x` up to 2.5. The code stays at 7, which stands for 2, and the error grows to 0.5. Half a step is 0.1.

# %%
assert GridRuler(bits=3).grid.scale == np.float32(3 / 7)
extended = GridRuler(lo=1.0, bits=4).grid
assert extended.lo == 0 and extended.quantize(1.0) == -1
clipped = GridRuler(bits=4, x=2.5).value
assert (clipped["code"], clipped["error"]) == (7, -0.5)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: Derive a grid
#
# **Goal.** Write the whole of `Grid.from_range`: extend the range to hold 0, then apply (1.3) and (1.4). Do the division of (1.3) in float32.

# %% tags=["stub"]
def grid_of(lo, hi, qmin=-128, qmax=127):
    """Return (scale, zero_point) of any range of floats, lo < hi."""
    return ...

# %% tags=["check"]
ranges = [(-1.0, 2.0), (0.0, 6.0), (1.305, 4.895), (-5.0, -2.0)]
grids = [Grid.from_range(*r) for r in ranges]
want = tuple((g.scale, g.zero_point) for g in grids)
hint = "does the range hold 0? Is the scale float32?"
_ = check(tuple(grid_of(*r) for r in ranges), want, hint)

# %% tags=["solution", "hide-cell"]
def grid_of(lo, hi, qmin=-128, qmax=127):
    """Return (scale, zero_point) of any range of floats, lo < hi."""
    lo, hi = np.float32(min(lo, 0.0)), np.float32(max(hi, 0.0))
    scale = float((hi - lo) / np.float32(qmax - qmin))
    zero_point = lround(qmin - float(lo) / scale)
    return scale, min(max(zero_point, qmin), qmax)


assert check(tuple(grid_of(*r) for r in ranges), want, hint)
assert f"{grid_of(0.0, 6.0)[0]:.5f}" == "0.02353"

# %% [markdown]
# ### Exercise 2: Choose the bits
#
# **Goal.** Turn the bound around: how many bits keep the error of every number in `lo..hi` at or below `worst`? Use (1.5) and (1.3), and do
# not forget the zero.

# %% tags=["stub"]
def bits_for(lo, hi, worst):
    """Return the least number of bits, from 2 on, that keeps the error."""
    return ...

# %% tags=["check"]
jobs = [(-1, 1, 0.02), (-1, 1, 0.004), (-1, 1, 0.00391), (1.3, 4.9, 0.03)]
want = (6, 8, 9, 7)
hint = "is 0 in the range? And b bits have 2**b - 1 steps."
_ = check(tuple(bits_for(*j) for j in jobs), want, hint)

# %% tags=["solution", "hide-cell"]
def bits_for(lo, hi, worst):
    """Return the least number of bits, from 2 on, that keeps the error."""
    lo, hi = min(lo, 0.0), max(hi, 0.0)
    bits = 2
    while (hi - lo) / (2**bits - 1) / 2 > worst:
        bits += 1
    return bits


assert check(tuple(bits_for(*j) for j in jobs), want)

# %% [markdown]
# Half of 2/255 is 0.00392. To ask for 0.00391 instead of 0.004 costs a ninth bit.
#
# ### Exercise 3: Break it by forgetting zero
#
# **Goal.** Quantize the logits with the mistake in: do not extend the range, and let the clamp of (1.4) hide that the zero_point does not fit.
# The range is in `lo` and `hi` above.

# %% tags=["stub"]
def broken_codes(x):
    """Return the int8 codes of x on a grid of 1.305..4.895 as it is."""
    return ...

# %% tags=["check"]
hint = "the scale of 1.305..4.895, and -221 clamped to a code."
_ = check(broken_codes(logits[0]), np.int8([35, 127, 127, -9]), hint)

# %% tags=["solution", "hide-cell"]
def broken_codes(x):
    """Return the int8 codes of x on a grid of 1.305..4.895 as it is."""
    return Grid(narrow, zero_point=-128).quantize(x)  # -221 clamped


assert check(broken_codes(logits[0]), np.int8([35, 127, 127, -9]))
worst = error_of(Grid(narrow, -128), logits).max()
print(f"worst error {worst:.3f}, {worst / (hi - lo):.0%} of the range")
print(f"{np.mean(broken_codes(logits) == 127):.0%} of all codes are 127")

# %% [markdown]
# A well-known toolkit [forgot the zero](https://github.com/openvinotoolkit/nncf/pull/4074) too: weights from -22 to -15 all came back as -7.
# The package keeps the bug as `range_without_zero`, a mutant: a bug planted on purpose. How would you notice? Not by the seed's pass mark, which lets an error of 40 % of the logits' range through: this one is 36 %. Look at
# the codes. Nearly half of them are 127, and such a pile on the last code means that the top of the range was cut off.

# %% [markdown]
# ## Check yourself
#
# 1. A tensor holds numbers from 0 to 6. What are its scale and zero_point?
#
#    :::{dropdown} Answer
#    The scale is 6/255 = 0.02353, the zero_point -128. The range begins at 0, so 0 takes the first code, and no code is
#    spent on negative numbers.
#    :::
#
# 2. On the ruler's grid, -1..2 in 4 bits, what is the largest error of a number inside? And the error of 2.5?
#
#    :::{dropdown} Answer
#    Inside it is half a step, 0.1, because the nearest code is never farther away. The number 2.5 is clamped to the last
#    code, which stands for 2: the error is 0.5. The bound does not cover clamped numbers.
#    :::
#
# 3. Every number may be off by half a step. Why not zero?
#
#    :::{dropdown} Answer
#    The network puts zeros in by itself, in bulk, as padding. All of them would be off by the same amount in the same direction, so the errors add up
#    where those of pixels cancel. In the stem's corner 99 padded products add 0.62 of an output step, 48 pixels at most 0.07.
#    :::

# %% [markdown]
# ## What we built
#
# `lround`, `grid_of` and `quantize` are `tinyq.affine`, one number at a time. The last cell compares them, and the way back, on four images in
# every bit width from 2 to 8.

# %%
values = images[::8].ravel()
for bits in range(2, 9):
    grid = with_bits(bits, values.min(), values.max())
    ends = grid.qmin, grid.qmax
    s, z = grid_of(values.min(), values.max(), *ends)
    assert (s, z) == (grid.scale, grid.zero_point)
    codes = [quantize(x, s, z, *ends) for x in values.tolist()]
    assert np.array_equal(codes, grid.quantize(values))
    back = np.float32([s * (q - z) for q in codes])
    assert np.array_equal(back, grid.dequantize(np.int8(codes)))

some = [n / 8 for n in range(-4000, 4000)] + [0.49999999999999994]
assert [lround(t) for t in some] == round_half_away(some).tolist()
