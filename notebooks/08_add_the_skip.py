# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 8 · Add the skip
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** add two tensors that lie on two grids, in integers, and write the sum on a third.
#
# **Learn:** why runtimes shift by 20 bits first, how far that is from an overflow, and what a shared grid would cost.
#
# **Need:** a requantizer ([chapter 5](05_come_back_to_8_bits.ipynb)) and layers that keep their grid
# ([chapter 7](07_pass_for_free.ipynb)).
#
# **Time:** 40 minutes
# :::
#
# A residual block adds its input to its output. The input comes over the skip, on the grid of the stem. The output of the second
# convolution has its own grid. In [chapter 7](07_pass_for_free.ipynb) the code 48 of one stood for 4.664, and 68 of the other for 4.281. These
# two codes meet in the add.

# %%
from dataclasses import replace

import numpy as np

from tinyq import Grid, digits, layers, loops, parity, plots, resnet
from tinyq.affine import round_half_away
from tinyq.exercise import check
from tinyq.mutants.add import UnprovedAdd
from tinyq.requantize import Requantizer
from tinyq.runtimes import RUNTIMES, forward
from tinyq.widgets import AddBalancer

seed = resnet.seed()
net = resnet.stem_block(seed.weights, seed.biases)
qnet = net.quantize(seed.images)
trace = qnet.trace(seed.images)
a, b = trace["block_conv3x3_b"], trace["stem_maxpool2x2"]

# %% [markdown]
# ## Add two numbers on three grids
#
# There are three grids: that of the convolution, that of the skip, that of the sum.

# %%
def find_add(network):
    """Return the residual add of an int8 network."""
    return next(n.layer for n in network.nodes if n.name == "block_add")


add = find_add(qnet)
grids = a_grid, b_grid, out = *add.in_grids, add.out_grid
for name, g in zip(("convolution", "skip", "sum"), grids, strict=True):
    print(f"{name:11} scale {g.scale:.5f}, zero_point {g.zero_point}")
pair = (0, 0, 2, 6)  # image, row, column, channel
x, y = a_grid.dequantize(a[pair]), b_grid.dequantize(b[pair])
print(f"codes {a[pair]} and {b[pair]}: {x:.3f} + {y:.3f} = {x + y:.3f}")
print(f"in steps of the sum: {(x + y) / out.scale:.3f}")
assert trace["block_add"][pair] == 144 - 128 == 16
assert f"{out.dequantize(116):.3f}" == "15.157"

# %% [markdown]
# The sum is 144 steps, so its code is 144 - 128 = 16. The sum of the codes, 48 + 68 = 116, would be a number on no grid at all. On that of the sum it
# would stand for 15.157.
#
# The best that an add can do is to take the exact real sum and round once. In float64 that is easy, and `nearest` is the yardstick of
# this chapter.
#
# ## Round too early
#
# [Chapter 5](05_come_back_to_8_bits.ipynb) has a tool for changing grids. Requantize both inputs to the grid of the sum, then add integers:

# %%
def steps(codes, grid):
    """Return how many steps of its grid a code is from 0, int32."""
    return codes.astype(np.int32) - grid.zero_point


def nearest(a, b, a_grid, b_grid, out):
    """Add the real numbers in float64 and round once."""
    real = a_grid.scale * steps(a, a_grid)
    real = real + b_grid.scale * steps(b, b_grid)
    codes = round_half_away(real / out.scale) + out.zero_point
    return np.clip(codes, -128, 127)


best = nearest(a, b, *grids)
early = [Requantizer(grid.scale / out.scale).rescale(steps(codes, grid))
         for codes, grid in ((a, a_grid), (b, b_grid))]
codes = np.clip(sum(early) + out.zero_point, -128, 127)
print(f"{(codes != best).sum()} of {a.size} sums miss the nearest code")
assert best[pair] == 16 and np.abs(codes - best).max() == 1

# %% [markdown]
# Each input was rounded to a whole step of the sum, with an error of up to half a step. Two such errors can add up to a whole step. What was rounded off
# before the addition is missing after it.
#
# ## Keep 20 bits of fraction
#
# So round on a finer grid first. Shift the steps left by $l = 20$ bits, bring both to a common scale, add there, and round to the grid of the sum at the end. As
# common scale take $t = 2 \max(s_a, s_b)$, divided by $2^l$:
#
# $$ u_a = \left\lfloor (q_a - z_a)\, 2^{l} \cdot \frac{s_a}{t} \right\rceil, \qquad u_b \text{ likewise} \tag{8.1} $$
#
# $$ y = \operatorname{clamp}\!\left(\left\lfloor (u_a + u_b) \cdot \frac{t}{2^{l}\, s_{\text{out}}} \right\rceil + z_{\text{out}}\right) \tag{8.2} $$
#
# These are three ratios, so three multipliers and shifts, made once on the host. Follow the pair through.

# %%
t = 2 * max(a_grid.scale, b_grid.scale)
ratios = a_grid.scale / t, b_grid.scale / t, t / (2**20 * out.scale)
pairs = [loops.quantize_multiplier(ratio) for ratio in ratios]
rescale = loops.multiply_by_quantized_multiplier
u_a, u_b = rescale(51 << 20, *pairs[0]), rescale(69 << 20, *pairs[1])
print(f"51 and 69 steps, shifted: {51 << 20} and {69 << 20}")
print(f"on the common scale: {u_a} and {u_b}, together {u_a + u_b}")
print(f"on the grid of the sum: {rescale(u_a + u_b, *pairs[2])} steps")
assert pairs[0] == (2**30, 0)  # the larger scale: exactly one half

# %% [markdown]
# Again 144 steps. The first two roundings now cost half a unit in more than 20 million. As a loop over all codes, and as the layer of `tinyq`:

# %%
def add_codes(a, b, grids, pairs, left_shift=20):
    """Add int8 codes one by one: equations (8.1) and (8.2)."""
    z_a, z_b, z_out = (grid.zero_point for grid in grids)
    y = np.empty_like(a)
    for at in np.ndindex(a.shape):
        u_a = rescale((int(a[at]) - z_a) << left_shift, *pairs[0])
        u_b = rescale((int(b[at]) - z_b) << left_shift, *pairs[1])
        y[at] = min(max(rescale(u_a + u_b, *pairs[2]) + z_out, -128), 127)
    return y


ours = add_codes(a, b, grids, pairs)
assert np.array_equal(ours, add.forward(a, b))
assert np.array_equal(ours, best)
assert np.array_equal(ours, trace["block_relu_b"])  # no sum is below real 0

# %% [markdown]
# All 4,096 sums are the layer's, and each is the nearest code.
#
# ## Count the headroom
#
# More fraction bits mean more exact sums, until int32 is full. A step count is at most 255, so
#
# $$ \max |q - z| \cdot 2^{l} < 2^{31} \tag{8.3} $$

# %%
for shift in (20, 23, 24):
    most = 255 << shift
    print(f"left_shift {shift}: {most} fits {2**31 / most:.3f} times")
print(f"as an int32, 255 << 24 is {np.int32(255) << np.int32(24)}")
assert 2**31 // (510 << 20) == 4 and 510 << 23 > 2**31  # question 2

# %% [markdown]
# 20 has a factor of 8 in hand, 23 is the edge, and at 24 the steps turn negative. On the seed's grids a step count reaches 130, and 24 is too much
# already: `tinyq` refuses to build such an add. What follows stays below that: both ratios of (8.1) are at most one half, so $u_a + u_b$ is at most
# $255 \cdot 2^l$ too. That is why $t$ has the factor 2.
#
# Is 20 enough? There are 65,536 pairs of codes. Add them all under each left_shift, against the yardstick.

# %% mystnb={"image": {"alt": "Number of wrong sums out of 65,536 over the left_shift from 2 to 25, on a logarithmic scale: 7,447 at 2 and 8,894 at 3, then about half as many with each bit, 1 at 18 and 0 from 19 to 23. In the shaded part, 982 sums are wrong at 24 and 43,134 at 25."}, "figure": {"caption": "Sums that are not the nearest code, among all 65,536 pairs on the seed's three grids. Dotted: the left_shift that runtimes use.", "name": "fig-left-shift"}}
def shifted_by(shift):
    """Return the add with any left_shift, even one that overflows."""
    last = Requantizer(t / (2**shift * out.scale))
    return UnprovedAdd(add.in_grids, out, shift, add.rescale_a, add.rescale_b, last)


codes = np.arange(-128, 128).astype(np.int8)
every = [side.reshape(1, -1) for side in np.meshgrid(codes, codes)]
want = nearest(*every, *grids)
sums = {n: shifted_by(n).forward(*every) for n in range(2, 26)}
misses = {n: int((codes != want).sum()) for n, codes in sums.items()}
assert [misses[n] for n in (2, 18, 19, 23, 24)] == [7447, 1, 0, 0, 982]
assert t / (2 * out.scale) >= 1 > t / (4 * out.scale)
plots.left_shifts(misses, most=23)

# %% [markdown]
# Each bit roughly halves the misses. From 19 on there are none left on these grids, so 20 loses nothing and 23 would gain nothing. Below 2 the last ratio
# of (8.2) reaches 1: `tinyq` refuses that, and TensorFlow Lite aborts.
#
# Balance an add yourself. The square is all pairs of codes, and the mark is the pair 48 and 68.

# %%
AddBalancer()

# %% [markdown]
# 1. Press "4, too few". Now 4,517 sums miss the nearest code, in stripes across the square. The pair at hand is not among them.
# 2. Type 0.1 into all three scales. With left_shift still at 4 no sum is missed: on equal scales nothing has to be rounded early.
# 3. Press Reset, then "24, too many". Drag `code a` up. At 124, which is 127 steps, the sum has code 127 still; at 125 it falls to -128.

# %%
even = dict(scale_a=0.1, scale_b=0.1, scale_out=0.1)
few, none = AddBalancer(left_shift=4), AddBalancer(left_shift=4, **even)
assert (few.value["missed"], few.value["code"]) == (4517, 16)
assert none.value["missed"] == 0
ends = [AddBalancer(left_shift=24, code_a=c).value["code"] for c in (124, 125)]
assert ends == [127, -128]

# %% [markdown]
# At 24 few sums go wrong, because few codes are more than 127 steps from 0. That makes it a nasty bug. See it on the seed's own tensors.

# %%
bad = shifted_by(24).forward(a, b)
wrong = bad != ours
print(f"{wrong.sum()} of {a.size} sums are wrong, of codes", ours[wrong])
furthest = np.maximum(abs(steps(a, a_grid)), abs(steps(b, b_grid)))
assert (bad[wrong] == -128).all() and (furthest[wrong] > 127).all()

# %% [markdown]
# All seven have an input of more than 127 steps, and all seven fall to code -128. A test with small numbers never sees this.
#
# ## Share a grid, or keep two
#
# A compiler could give both inputs of an add one grid, with scale $s$ and zero_point $z$. Then a single requantizer does:
#
# $$ y = \operatorname{clamp}\!\left(\left\lfloor (q_a + q_b - 2z)\, \frac{s}{s_{\text{out}}} \right\rceil + z_{\text{out}}\right) \tag{8.4} $$
#
# The shared grid must hold both ranges. The convolution's range, -11.453 to 11.868, holds the stem's, -7.907 to 7.913. So let the stem observe the
# convolution.

# %%
def rewire(old, name, **new):
    """Return the network with the fields `new` of a node changed."""
    nodes = {n.name: n for n in old.nodes}
    nodes[name] = replace(nodes[name], **new)
    return replace(old, nodes=tuple(nodes.values()))


stem, conv = "stem_conv7x7_s2", "block_conv3x3_b"
seen, narrow = qnet.ranges[conv], qnet.ranges[stem]
assert seen.lo < narrow.lo and narrow.hi < seen.hi
shared = rewire(net, stem, observe=conv).quantize(seed.images)
one, grid = find_add(shared), shared.grids[conv]
single = Requantizer(grid.scale / out.scale)
total = steps(every[0], grid) + steps(every[1], grid)
assert one.in_grids == (grid, grid) and one.out_grid == out
assert np.array_equal(single.requantize(total, out), one.forward(*every))
names = "stem_maxpool2x2", "block_relu_b"  # the skip, the sum

# %% [markdown]
# One rescaling in place of three, and no left_shift: on equal scales the early sum loses nothing. The price is paid before the add, on the skip, whose steps are now
# half as wide again. Measure it as SQNR, as in [chapter 3](03_choose_one_scale_or_many.ipynb), for the seed and for the network trained on digits.

# %%
def decibels(net, qnet, images):
    """Return the SQNR at the skip and at the sum, as text."""
    x, q, grids = net.trace(images), qnet.trace(images), qnet.grids
    db = [parity.sqnr_db(x[n], grids[n].dequantize(q[n])) for n in names]
    return f"skip {db[0]:.2f} dB, sum {db[1]:.2f} dB"


# %%
data = digits.load()
test, labels = data.images[data.test], data.labels[data.test]
dnet, calibration = data.net, data.images[data.calibration]
dqnet = dnet.quantize(calibration)
dshared = rewire(dnet, stem, observe=conv).quantize(calibration)
for name, q in {"two grids": qnet, "one grid": shared}.items():
    print(f"seed,   {name:9}: {decibels(net, q, seed.images)}")
for name, q in {"two grids": dqnet, "one grid": dshared}.items():
    read = (q(test).argmax(axis=1) == labels).sum()
    print(f"digits, {name:9}: {decibels(dnet, q, test)}, {read} read")

# %% [markdown]
# The skip loses 3.37 dB in the seed and 6.61 dB in the trained network, where the ranges differ more. The sum loses 0.88 and 3.05 dB. The
# digits are read as before. So two grids cost a few instructions in the add, and one grid costs half a bit or a whole one on everything that reads the
# skip.
#
# ## Calibrate after the ReLU
#
# The add's own grid is free to choose, for it requantizes anyway. A ReLU follows, so the seed calibrates the add on what comes out of
# the ReLU. Compare with a calibration on the raw sums.

# %%
raw = rewire(net, "block_add", observe="block_add").quantize(seed.images)
for when, q in {"before": raw, "after": qnet}.items():
    used = len(np.unique(q.trace(seed.images)["block_relu_b"]))
    z, db = q.grids["block_add"].zero_point, decibels(net, q, seed.images)
    print(f"{when:6} ReLU: zero_point {z:4}, {used} codes, {db}")

# %% [markdown]
# A line has the zero_point, the number of codes in use, and the SQNR. Calibrated before, 102 codes below the zero_point -26 stand for sums that the ReLU removes. Calibrated after, the clamp at -128 in (8.2) is the ReLU, and the
# layer that follows finds nothing to do. That is worth 1.59 dB, with no
# instruction more.
#
# ## Compare the runtimes
#
# Six runtimes add by five rules:
#
# | runtime | rule |
# |---|---|
# | TFLite Micro, LiteRT's reference kernels | (8.1) and (8.2), each rounded by DOUBLE |
# | LiteRT's optimized kernels | (8.1) rounded by SINGLE, (8.2) by DOUBLE, 16 codes at a time in int16 |
# | XNNPACK (LiteRT's default) | integers: a multiplier of at most 21 bits a side, one shift, ties up |
# | ONNX Runtime | float32, the zero_points in one constant, ties to even |
# | PyTorch | dequantize, add in float32, quantize, ties to even |
#
# `tinyq.runtimes` has each rule. Try them on all pairs, first on the seed's grids, then on scales that make ties.

# %%
def differences(q, runtime):
    """Count the pairs on which a runtime's sum is not the layer's."""
    theirs = forward(q, *every, runtime=runtime)
    return int((theirs != q.forward(*every)).sum())


ties = layers.QAdd.from_float(Grid(0.5, 0), Grid(0.25, 0), Grid(1.0, 0))
half = np.int8([[1, -1]]), np.int8([[0, 0]])  # 0.5 + 0 and -0.5 + 0
for name, r in RUNTIMES.items():
    seeds, tied = differences(add, r), differences(ties, r)
    up, down = forward(ties, *half, runtime=r)[0]
    print(f"{name:16} {seeds} and {tied:4}; 0.5, -0.5: {up}, {down}")

# %% [markdown]
# The first two numbers say on how many pairs a runtime differs from `tinyq`. On the seed's grids all six agree on all 65,536. With ties three differ on 8,256. 0.5 is halfway between the codes 0
# and 1: DOUBLE goes away from zero on both sides, XNNPACK goes up, ONNX Runtime and PyTorch go to the even code. Calibrated scales seldom make
# ties, scales that are powers of two make many.
#
# ## Exercises
#
# ### Exercise 1: Find the edge
#
# **Goal.** Write (8.3) as a function: the largest left_shift that is safe for two input grids. Mind narrow grids: `grid.qmin` and `grid.qmax` need not be -128 and 127.

# %% tags=["stub"]
def largest_shift(*grids):
    """Return the largest left_shift that is safe for the grids."""
    return ...


# %% tags=["check"]
low, mid = (Grid(0.5, z, qmin=-7, qmax=7) for z in (-7, 0))
cases = [(a_grid, b_grid), (Grid(1.0, 127), mid), (low, mid), (mid, mid)]
want = 23, 23, 27, 28
got = tuple(largest_shift(*case) for case in cases)
_ = check(got, want, "which code is furthest from z?")

# %% tags=["solution", "hide-cell"]
def largest_shift(*grids):
    """Return the largest left_shift that is safe for the grids."""
    far = max(abs(e - g.zero_point) for g in grids for e in (g.qmin, g.qmax))
    return max(n for n in range(31) if far << n < 2**31)


assert check(tuple(largest_shift(*case) for case in cases), want)

# %% [markdown]
# ### Exercise 2: Add without a requantizer
#
# **Goal.** Let all three scales be equal. Find the sum's codes with additions and a clamp alone; the three zero_points may differ.

# %% tags=["stub"]
def plain_add(a, b, zero_points):
    """Return the int8 sum of int8 codes; zero_points: of a, b, sum."""
    return ...


# %% tags=["check"]
equal = Grid(0.1, -3), Grid(0.1, 40), Grid(0.1, -128)
zeros = tuple(grid.zero_point for grid in equal)
want = layers.QAdd.from_float(*equal).forward(*every)
_ = check(plain_add(*every, zeros), want, "add steps, and not in int8.")

# %% tags=["solution", "hide-cell"]
def plain_add(a, b, zero_points):
    """Return the int8 sum of int8 codes; zero_points: of a, b, sum."""
    constant = zero_points[2] - zero_points[0] - zero_points[1]
    return np.clip(a.astype(int) + b + constant, -128, 127).astype(np.int8)


assert check(plain_add(*every, zeros), want)

# %% [markdown]
# ### Exercise 3: Break it by a cast
#
# **Goal.** In 2023 [Apache TVM](https://github.com/apache/tvm/pull/15529) cast the int32 sum of a quantized ResNet's skip to int8, without rescaling or clamping. The [bug gallery](bug_gallery.ipynb) has it as `sum_cast_to_int8`. Write that add.

# %% tags=["stub"]
def cast_add(a, b):
    """Return int8 codes: the sum of the codes, its low 8 bits."""
    return ...


# %% tags=["check"]
want = (np.add(*every, dtype=int) + 128) % 256 - 128
_ = check(cast_add(*every), want.astype(np.int8), "what does a cast keep?")

# %% tags=["solution", "hide-cell"]
def cast_add(a, b):
    """Return int8 codes: the sum of the codes, its low 8 bits."""
    return (a.astype(np.int32) + b).astype(np.int8)


def with_rule(q, rule):
    old = find_add(q)
    zeros = [grid.zero_point for grid in (*old.in_grids, old.out_grid)]
    new = type("Ruled", (layers.QAdd,), {"forward": lambda _, *ab: rule(*ab, zeros)})
    return rewire(q, "block_add", layer=new(**vars(old)))


assert check(cast_add(*every), want.astype(np.int8))
rules = {"cast": lambda a, b, _: cast_add(a, b), "plain": plain_add}
for name, rule in rules.items():
    result = parity.compare(net, with_rule(qnet, rule), seed.images[:4])
    read = with_rule(dqnet, rule)(test).argmax(axis=1) == labels
    share = result.worst / result.logit_range
    print(f"{name}: seed {share:.1%} off, digits {read.mean():.1%} right")

# %% [markdown]
# :::{dropdown} How you would notice
# The cast fails loudly: large sums change sign. The solution also puts the plain add of exercise 2 where the scales differ. That one is quiet. The seed
# passes its mark, an error of 40 % of the logits' range, and the digits lose less than a point. Only the bytes of the add show it, so compare them on a few pairs with the yardstick.
# :::
#
# ## Check yourself
#
# 1. All three grids of an add have one scale. How many requantizers does it need?
#
#    :::{dropdown} Answer
#    None. A sum of whole steps is a whole number of the same steps, so only zero_points and a clamp are left: exercise 2.
#    :::
#
# 2. Someone takes $t = \max(s_a, s_b)$, without the 2. Is left_shift 20 still safe, and 23?
#
#    :::{dropdown} Answer
#    The larger input now keeps its size, so $u_a + u_b$ can reach $2 \cdot 255 \cdot 2^l$. At 20 that is still 4 times below
#    $2^{31}$. At 23 it overflows.
#    :::
#
# 3. Two runtimes give equal bytes in every add of your network. Do they follow one rule?
#
#    :::{dropdown} Answer
#    Not necessarily. On the seed's grids six runtimes with five rules agree on every pair of codes. Ties tell them apart, so test with scales that make some.
#    :::

# %% [markdown]
# ## What we built
#
# `add_codes` is `tinyq.layers.QAdd`. The last cell compares them on random grids, at the ends of the codes, and under other left_shifts. Its
# output is the refusal of 24.

# %%
rng = np.random.default_rng(8)
for shift in (16, 20, 23):
    scales = rng.uniform(0.01, 1.0, 2).tolist()
    scales.append(sum(scales))
    three = [Grid(s, int(rng.integers(-128, 128))) for s in scales]
    codes = rng.integers(-128, 128, (2, 1, 500)).astype(np.int8)
    codes[:, 0, :2] = -128, 127
    pairs = loops.add_multipliers(*(g.scale for g in three), shift)
    layer = layers.QAdd.from_float(*three, left_shift=shift)
    ours = add_codes(*codes, three, pairs, shift)
    assert np.array_equal(ours, layer.forward(*codes))
try:
    layers.QAdd.from_float(*grids, left_shift=24)
except ValueError as error:
    print("ValueError:", error)
