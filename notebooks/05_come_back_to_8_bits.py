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
# # 5 · Come back to 8 bits
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** bring a 32-bit sum back to 8 bits with one integer multiplication and one shift, and replay two public disputes about the last bit.
#
# **Learn:** what multiplier and shift are, which five rounding rules the runtimes use, and how far apart they can be.
#
# **Need:** [chapter 1](01_put_numbers_on_a_grid.ipynb) (scale, zero_point, `lround`) and binary numbers.
#
# **Time:** 45 minutes
# :::

# %%
import math
from fractions import Fraction
from itertools import count

import numpy as np

import tinyq
from tinyq import Requantizer, Rounding, fixedpoint, plots
from tinyq.affine import round_half_away
from tinyq.exercise import check
from tinyq.widgets import RoundingMuseum

# %% [markdown]
# ## Meet an accumulator
#
# A convolution multiplies weight codes with input codes, zero_point removed, and adds up: $a = b + \sum w\,(q - z_{\text{in}})$. The products
# do not fit 8 bits, so the sum $a$, the **accumulator**, is an int32. [Chapter 4](04_accumulate_in_int32.ipynb) derives it. Here are those of the seed's three
# convolutions, over all 32 images.

# %%
seed = tinyq.resnet.seed()
net = tinyq.resnet.stem_block(seed.weights, seed.biases)
qnet = net.quantize(seed.images)
tensors = qnet.trace(seed.images)
convs = [node for node in qnet.nodes if "conv" in node.name]
sums = {c.name: c.layer.accumulate(tensors[c.inputs[0]]) for c in convs}
for name, acc in sums.items():
    print(f"{name:15} {acc.size:5} {acc.dtype}, {acc.min()} to {acc.max()}")
stem, acc = convs[0].layer, sums["stem_conv7x7_s2"]
a = int(acc[0, 0, 0, 0])
print("the first of all:", a)

# %% [markdown]
# The next layer multiplies again, and its sums are int32 too, so its inputs must be 8-bit codes: 192620 has to come back. What is it worth? A weight code counts steps of $s_w$, an
# input code counts steps of $s_{\text{in}}$, so $a$ counts steps of $s_{\text{in}} s_w$. To count steps of the output grid instead, multiply by the
# **ratio** $r = s_{\text{in}}\, s_w / s_{\text{out}}$.

# %%
s_in, s_out = stem.in_grid.scale, stem.out_grid.scale
s_w = float(stem.weight_scale[0])
r = s_in * s_w / s_out
print(f"ratio {s_in:.6f} * {s_w:.8f} / {s_out:.6f} = {r:.10f}")
print(f"{a} * ratio = {a * r:.4f} output steps")

# %% [markdown]
# 12.65 steps round to 13, and counted from the zero_point -1 that is code 12. But this took a float multiplication, and an integer-only
# runtime has none. It must reach 13 with integers.
#
# ## Write the ratio as two integers
#
# Double the ratio until it lies between ½ and 1: 13 times, $0.0000657 = 0.538 \cdot 2^{-13}$. That is `frexp`. Then keep 31 bits of the 0.538.

# %%
fraction, exponent = math.frexp(r)
m, n = math.floor(fraction * 2**31 + 0.5), -exponent
print(f"{fraction:.6f} * 2**{exponent}: multiplier {m}, shift {n}")
lost = float(Fraction(m, 2 ** (31 + n)) / Fraction(r) - 1)
print(f"in binary {m:b}; relative error {lost * 2**31:.3f} / 2**31")

# %% [markdown]
# The **multiplier** $m$ is an integer of 31 bits, the first of them 1. The **shift** $n$ says how far to go right. For $r = f \cdot 2^{e}$ with $\tfrac12 \le f < 1$:
#
# $$m = \lfloor f \cdot 2^{31} \rceil, \quad n = -e, \quad r \approx \frac{m}{2^{31+n}} \tag{5.1}$$
#
# Little is lost. Rounding changes $m$ by ½ at most and $m$ is at least $2^{30}$, so the ratio is off by one part in $2^{31}$ at most.
#
# A ratio of 1 or more has a negative $n$, which shifts left: $3 = 0.75 \cdot 2^2$ has $n = -2$. TensorFlow Lite and CMSIS-NN write the shift with the other sign: -13 for this
# channel, +2 for the 3. CMSIS-NN's documentation [gave a formula](https://github.com/ARM-software/CMSIS-NN/issues/108) for the opposite sign, so
# look at an example before you trust one.
#
# ## Multiply and keep the high half
#
# The product $a m$ needs 64 bits. To divide it by $2^{31}$ is to keep the upper half of $2am$, hence the name that gemmlowp gave this
# function: `SaturatingRoundingDoublingHighMul`. It adds a nudge of about a half, then cuts toward zero as C's division does.

# %%
def high_mul(a, m):
    """Return a * m / 2**31 to the nearest integer: equation (5.2)."""
    product = a * m
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    return nudged // 2**31 if nudged >= 0 else -(-nudged // 2**31)


print(f"{a} * {m} / 2**31 = {a * m / 2**31:.4f}")
print(f"{a * m / 2**31:.4f} becomes {high_mul(a, m)}")
for t in (3, -3):
    print(f"{t / 2} becomes {high_mul(t, 2**30)}")

# %% [markdown]
# Both ties went up, toward plus infinity. The lopsided nudge sees to that, so the function comes to
#
# $$h = \left\lfloor \frac{a m}{2^{31}} + \frac12 \right\rfloor \tag{5.2}$$
#
# (One product leaves int32, $-2^{31}$ times itself, and the real function saturates there. A multiplier is never negative, so you will not meet it.)
#
# ## Shift with rounding
#
# Now divide $h$ by $2^n$. `h >> n` drops the low $n$ bits. If they are more than half of $2^n$, one is missing.

# %%
def rounding_shift(h, n):
    """Return h / 2**n to the nearest integer: equation (5.3)."""
    mask = 2**n - 1
    threshold = (mask >> 1) + (h < 0)
    return (h >> n) + ((h & mask) > threshold)


h = high_mul(a, m)
print(f"{h} >> {n} = {h >> n}, low bits {h & (2**n - 1)} of {2**n}")
print(f"{h / 2**n:.4f} becomes {rounding_shift(h, n)}")
for t in (3, -3):
    print(f"{t / 2} becomes {rounding_shift(t, 1)}")

# %% [markdown]
# 5352 of 8192 is more than half, so 12 becomes 13. Ties go away from zero here. The `+ (h < 0)` in the threshold does it:
#
# $$\left\lfloor \frac{h}{2^n} \right\rceil \tag{5.3}$$
#
# Both steps together round twice. This book calls the rule DOUBLE:
#
# $$\left\lfloor \frac{1}{2^n} \left\lfloor \frac{a m}{2^{31}} + \frac12 \right\rfloor \right\rceil \tag{5.4}$$

# %%
def double(a, m, n):
    """Return a * m / 2**(31 + n), rounded twice: equation (5.4)."""
    return rounding_shift(high_mul(a << max(-n, 0), m), max(n, 0))


assert double(5, *fixedpoint.quantize_multiplier(3.0)) == 15
# %% [markdown]
# For a ratio of 1 or more the left shift comes first. In int32 it can overflow. TensorFlow Lite then wraps, so that $2^{30}$ times 1.5 is -1610612736;
# TinyMind's helper saturates. No calibrated network gets there.
#
# NumPy does all the stem's accumulators at once, with a multiplier and a shift for each channel. The scalar loop
# and the package agree with it.

# %%
q = stem.requantizer
product = acc * q.multiplier.astype(np.int64)
high = (product + 2**30) >> 31  # >> goes down: equation (5.2)
mask = (1 << q.shift) - 1
fast = (high >> q.shift) + ((high & mask) > (mask >> 1) + (high < 0))

slow = np.empty_like(fast)
for *at, c in np.ndindex(*acc.shape):
    pair = int(q.multiplier[c]), int(q.shift[c])
    slow[*at, c] = double(int(acc[*at, c]), *pair)
assert np.array_equal(slow, fast) and np.array_equal(q.rescale(acc), fast)
assert fast[0, 0, 0, 0] == 13
wide = fixedpoint.multiply_by_quantized_multiplier
assert wide(2**30, *fixedpoint.quantize_multiplier(1.5)) == -1610612736

# %% [markdown]
# ## Know the five roundings
#
# DOUBLE is one of five rules that runtimes ship. UP takes ties up in both steps:
#
# $$\left\lfloor \frac{1}{2^n} \left\lfloor \frac{a m}{2^{31}} + \frac12 \right\rfloor + \frac12 \right\rfloor \tag{5.5}$$
#
# SINGLE shifts the 64-bit product once:
#
# $$\left\lfloor \frac{a m}{2^{31+n}} + \frac12 \right\rfloor \tag{5.6}$$
#
# FLOAT32 multiplies in float32, and in a tie `rint` takes the even neighbour:
#
# $$\operatorname{rint}\bigl(\mathrm{float32}(a) \cdot \mathrm{float32}(r)\bigr) \tag{5.7}$$
#
# FLOAT64 multiplies in float64, and a tie goes away from zero:
#
# $$\bigl\lfloor \mathrm{float64}(a) \cdot r \bigr\rceil \tag{5.8}$$

# %%
def ratio(m, n):
    """Return the real number that multiplier and shift stand for."""
    return m / 2 ** (31 + n)


rules = {
    "DOUBLE": double,
    "UP": lambda a, m, n: (high_mul(a, m) + (1 << n >> 1)) >> n,
    "SINGLE": lambda a, m, n: (a * m + (1 << (30 + n))) >> (31 + n),
    "FLOAT32": lambda a, m, n: np.rint(np.float32(a) * np.float32(ratio(m, n))),
    "FLOAT64": lambda a, m, n: round_half_away(a * ratio(m, n)),
}
for name, rule in rules.items():
    results = [int(rule(a, 2**30, 1)) for a in (6, 10, -10)]
    print(f"{name:8} 1.5, 2.5 and -2.5 become", *results)

# %% [markdown]
# Ties already tell three groups apart. This is who follows which rule in convolutions and fully connected layers:
#
# | rule | ties | used by |
# |---|---|---|
# | DOUBLE | up, then away from zero | TFLite Micro, LiteRT's reference kernels, CMSIS-NN, TinyMind |
# | UP | up, then up | LiteRT's optimized kernels (ruy), Arm MVE |
# | SINGLE | up | TensorFlow Lite, if built with that option |
# | FLOAT32 | to even | XNNPACK (LiteRT's default), ONNX Runtime, PyTorch |
# | FLOAT64 | away from zero | LiteRT's reference fully connected layer, since 1.4 |
#
# So there is no single "TensorFlow Lite answer".
#
# ## Settle two disputes
#
# [TensorFlow issue 25087](https://github.com/tensorflow/tensorflow/issues/25087) is about the accumulator 7984 with multiplier 1583594044 and shift 9.

# %%
a, m, n = 7984, 1583594044, 9
h = high_mul(a, m)
print(f"exact {a * ratio(m, n):.4f}")
print(f"{a * m / 2**31:.4f} becomes {h}, and {h} / 2**{n} = {h / 2**n}")
print({name: int(rule(a, m, n)) for name, rule in rules.items()})

# %% [markdown]
# The first rounding lifts 5887.55 to 5888. That makes a tie out of a number below the half, and the second rounding lifts it again. The exact
# value is nearer to 11, yet 12 is the right byte for a runtime that follows DOUBLE.
#
# In [issue 102943](https://github.com/tensorflow/tensorflow/issues/102943) it is -119 against -120. The accumulator is 585 with multiplier 1527099593, shift 6
# and zero_point -126. FLOAT32 starts from the scales, so here are scales of input, weights and output that give this multiplier.

# %%
scales = 0.05296124517917633, [0.024093778803944588], 0.11484327912330627
five = {rule: Requantizer.from_scales(*scales, rule) for rule in Rounding}
print({rule.name: int(q.rescale(585)[0]) - 126 for rule, q in five.items()})
float32 = np.float32(585) * np.float32(five[Rounding.FLOAT32].ratio[0])
print(f"exact {585 * ratio(1527099593, 6):.8f}, in float32 {float32:.8f}")

# %% [markdown]
# The exact value is a hair above 6.5 and rounds to 7. In float32 the hair is lost: the product is 6.5, and the even neighbour is 6. Neither side has a bug.
# They follow different rules.
#
# ## Step through them
#
# The museum has all five rules side by side, and the chosen one bit by bit. It begins with the first dispute.

# %%
for acc, five_codes in ((7983, {11}), (7984, {11, 12}), (7985, {12})):
    assert set(RoundingMuseum(acc=acc).value["codes"].values()) == five_codes
tie = RoundingMuseum(acc=-10, multiplier=2**30, shift=1).value["results"]
assert list(tie.values()) == [-3, -2, -2, -2, -3]
RoundingMuseum()

# %% [markdown]
# 1. The first rounding of DOUBLE leaves 11.5. Set `acc` to 7983: all rules give 11. At 7985 all give 12. Of the three, only 7984 is in dispute.
# 2. Press "A tie, −2.5". DOUBLE and FLOAT64 give -3, the others -2. "A tie, 2.5" leaves only FLOAT32 alone, with 2.
# 3. Press "Issue 102943". FLOAT32 gives code -120. Then set "float32 ratio off by" to 0, so that its ratio is the nearest float32: now all five give -119.
#    One last bit of the ratio decides.
#
# ## Finish the code
#
# What is left is what you did by hand at the start: add the output's zero_point, clamp. With $R$ for one of the five rules,
#
# $$q = \operatorname{clamp}\bigl(R(a) + z_{\text{out}},\; q_{\min},\; q_{\max}\bigr) \tag{5.9}$$
#
# Each output channel $c$ has a ratio of its own, because its weights have their own scale:
#
# $$r_c = \frac{s_{\text{in}}\, s_{w,c}}{s_{\text{out}}} \tag{5.10}$$
#
# FLOAT32 runtimes divide these in float32, the others in float64. To *requantize* is this whole step. How often does the rule show in the result? Requantize every convolution sum of the seed by all five.

# %%
differ = {"UP": 0, "SINGLE": 0, "FLOAT32": 0, "FLOAT64": 0}
for conv in convs:
    layer, acc, grid = conv.layer, sums[conv.name], conv.layer.out_grid
    scales = layer.in_grid.scale, layer.weight_scale, grid.scale
    codes = layer.requantizer.requantize(acc, grid).astype(int)
    for name in differ:
        q = Requantizer.from_scales(*scales, Rounding[name])
        other = q.requantize(acc, grid)
        assert np.abs(other - codes).max() <= 1
        differ[name] += int((other != codes).sum())
print("differ from DOUBLE:", differ)
assert sum(acc.size for acc in sums.values()) == 24_576

# %% [markdown]
# One code of 24,576 each, and by one. Other calibrated networks were measured at 0.035 to 0.045 % of convolution outputs; it depends on the shifts. To see where, take one
# channel of the last convolution and rescale every accumulator from -320,000 to 320,000.

# %% mystnb={"image": {"alt": "Left: results around 54.5. Both rules give 54 below and 55 above; a single accumulator just below 54.5, in a thin grey strip, gets 55 from DOUBLE and 54 from SINGLE. Right: all 298 disagreements, as distance from the nearest half against exact value. All lie in a grey band between -1 and 1: SINGLE below the half for positive and above it for negative values, UP on both sides for negative values only."}, "figure": {"caption": "One channel of the last convolution. Left: the accumulator 132972, the one of the seed's 24,576 on which SINGLE differs. Right: every accumulator on which a rule differs from DOUBLE. The grey bound is $2^{-(n+1)}$.", "name": "fig-roundings"}}
q = convs[2].layer.requantizer
m, n, r = int(q.multiplier[0]), int(q.shift[0]), q.ratio[0]
every = np.arange(-320_000, 320_001)
three = Rounding.DOUBLE, Rounding.SINGLE, Rounding.UP
results = {rule.name: Requantizer(r, rule).rescale(every) for rule in three}
exact, bound = every * ratio(m, n), 2.0 ** -(n + 1)
for rule in ("SINGLE", "UP"):
    value = exact[results[rule] != results["DOUBLE"]]
    assert (np.abs(value - np.floor(value) - 0.5) <= bound).all()
    print(f"{rule}: {value.size} differ, {value.size / every.size:.4%}")
plots.roundings(exact, results, bound, tie=54.5)

# %% [markdown]
# They sit in a narrow band around the halves, where the first rounding makes a tie of what was none. The band has a width of $2^{-(n+1)}$ on each side, here 1/4096. It narrows by half with each bit of shift.
#
# ## Bound the two roundings
#
# The first rounding errs by ½ at most, and the shift divides that by $2^n$. The second adds ½ at most. The multiplier adds one part in $2^{31}$. So for
# $n \ge 1$
#
# $$|\text{DOUBLE}(a) - a r| \le \frac12 + \frac{1}{2^{n+1}} + \frac{|a r|}{2^{31}} \tag{5.11}$$
#
# Exact fractions check it on every sum of the seed.

# %%
worst = 0, 0
for conv in convs:
    q, acc = conv.layer.requantizer, sums[conv.name]
    for c, r in enumerate(q.ratio.tolist()):
        m, n = int(q.multiplier[c]), int(q.shift[c])
        for a in acc[..., c].ravel().tolist():
            exact = a * Fraction(r)
            error = abs(double(a, m, n) - exact)
            both = Fraction(1, 2) + Fraction(1, 2 ** (n + 1))
            assert error <= both + abs(exact) / 2**31
            worst = max(worst, (error, a))
print(f"largest error {float(worst[0]):.6f}, of accumulator {worst[1]}")

# %% [markdown]
# It is the accumulator in the figure. Its error crosses ½ and stays under the bound, 0.500244. SINGLE rounds once and stays at ½, apart from the
# multiplier's share.
#
# ## Exercises
#
# ### Exercise 1: Derive multiplier and shift
#
# **Goal.** Write (5.1) for any positive ratio. Mind the ratio just below 1: its 31 bits round up to $2^{31}$, which is one bit too many.

# %% tags=["stub"]
def fixed_point(ratio):
    """Return (multiplier, shift), multiplier in 2**30..2**31 - 1."""
    return ...

# %% tags=["check"]
tries = [0.375, 3.0, five[Rounding.DOUBLE].ratio[0], 1 - 2**-40]
want = tuple(fixedpoint.quantize_multiplier(t) for t in tries)
hint = "n is -e; where m is 2**31, halve it and shift one less."
_ = check(tuple(fixed_point(t) for t in tries), want, hint)

# %% tags=["solution", "hide-cell"]
def fixed_point(ratio):
    """Return (multiplier, shift), multiplier in 2**30..2**31 - 1."""
    fraction, exponent = math.frexp(ratio)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, exponent = 2**30, exponent + 1
    return multiplier, -exponent


assert check(tuple(fixed_point(t) for t in tries), want)
assert fixed_point(0.375) == (1610612736, 1)
assert fixed_point(tries[2]) == (1527099593, 6)  # the second dispute

# %% [markdown]
# ### Exercise 2: Find the next dispute
#
# **Goal.** For a given multiplier and shift, find the smallest positive accumulator on which DOUBLE and SINGLE disagree. All five rules are in `rules`.

# %% tags=["stub"]
def first_dispute(m, n):
    """Return the smallest a > 0 on which DOUBLE and SINGLE disagree."""
    return ...

# %% tags=["check"]
cases = [(1583594044, 9), (1155645315, 13)]
_ = check(tuple(first_dispute(*case) for case in cases), (347, 7611))

# %% tags=["solution", "hide-cell"]
def first_dispute(m, n):
    """Return the smallest a > 0 on which DOUBLE and SINGLE disagree."""
    single = rules["SINGLE"]
    return next(a for a in count(1) if double(a, m, n) != single(a, m, n))


assert check(tuple(first_dispute(*case) for case in cases), (347, 7611))

# %% [markdown]
# 347 and 7611: at shift 13 the band is sixteen times narrower than at shift 9, so disputes are rarer, roughly in that proportion.
#
# ### Exercise 3: Break it by cutting
#
# **Goal.** Forget to round. Requantize the stem's accumulators with a plain `>> (31 + n)` of the product, add the zero_point and clamp.

# %% tags=["stub"]
def cut_codes(acc, requantizer, grid):
    """Return int8 codes (N, H, W, C) of int32 acc, rounded down."""
    return ...

# %% tags=["check"]
acc, q, grid = sums["stem_conv7x7_s2"], stem.requantizer, stem.out_grid
exact = acc * (q.multiplier / 2.0 ** (31 + q.shift))
want = np.clip(np.floor(exact) + grid.zero_point, -128, 127).astype(np.int8)
hint = "int64 for the product, >> to cut down, clamp, and only then int8."
_ = check(cut_codes(acc, q, grid), want, hint)

# %% tags=["solution", "hide-cell"]
def cut_codes(acc, requantizer, grid):
    """Return int8 codes (N, H, W, C) of int32 acc, rounded down."""
    product = acc * requantizer.multiplier.astype(np.int64)
    steps = product >> (31 + requantizer.shift.astype(np.int64))
    return np.clip(steps + grid.zero_point, -128, 127).astype(np.int8)


assert check(cut_codes(acc, q, grid), want)
good, bad = stem.forward(tensors["stem_pad"]).astype(int), want.astype(int)
print(f"{np.mean(bad != good):.1%} of the codes are wrong")
assert set(np.unique(bad - good)) == {-1, 0}
for name, codes in (("rounded", good), ("cut", bad)):
    error = codes - grid.zero_point - exact
    print(f"{name}: mean error {error.mean():+.4f} steps")

# %% [markdown]
# The package has this as the mutant `truncating_shift`. How would you notice? No code is off by more than one. But the errors no longer cancel: their mean is half a step below
# zero, and the next convolution adds up 72 codes. So look at the mean error of a layer, not only at the largest.

# %% [markdown]
# ## Check yourself
#
# 1. A ratio is 0.375. What are multiplier and shift, and what does a TensorFlow Lite kernel call the shift?
#
#    :::{dropdown} Answer
#    $0.375 = 0.75 \cdot 2^{-1}$, so the multiplier is $0.75 \cdot 2^{31} = 1610612736$ and the shift 1. TensorFlow Lite says -1, because there
#    positive means left.
#    :::
#
# 2. For 7984 one runtime answers 12, another 11. Which one has a bug?
#
#    :::{dropdown} Answer
#    Neither. The exact value is 11.4991. DOUBLE must give 12, because its first rounding makes a tie of it, and SINGLE must give 11. Before you
#    report a bug, find out which rule the runtime follows, and compare it with that rule.
#    :::
#
# 3. The result has 8 bits. Why does the multiplier have 31?
#
#    :::{dropdown} Answer
#    Its relative error is multiplied by the result. A multiplier of 8 bits could be off by one part in 256, and a result of 127 steps would then
#    be off by 127/256, half a step more. With 31 bits the share is $127/2^{31}$, too small to matter.
#    :::

# %% [markdown]
# ## What we built
#
# `high_mul`, `rounding_shift` and `double` are `tinyq.fixedpoint` for one number, and `rules` is `tinyq.Rounding`. The last cell compares them at the ends of
# int32, for each shift, on ties, and on the seed.

# %%
rng = np.random.default_rng(5)
some = rng.integers(-(2**31), 2**31, 400).tolist()
some += [-(2**31), -1, 0, 1, 2**31 - 1]
for n in range(32):
    want = fixedpoint.rounding_divide_by_pot(some, n).tolist()
    assert [rounding_shift(x, n) for x in some] == want
for m in (2**30, 1155645315, 2**31 - 1):
    want = fixedpoint.saturating_rounding_doubling_high_mul(some, m)
    assert [high_mul(x, m) for x in some] == want.tolist()
few = every[::99].tolist()
for name, rule in rules.items():
    for m, n in ((2**30, 1), (1155645315, 13)):  # many ties, and none
        q = Requantizer(ratio(m, n), Rounding[name])
        assert [rule(x, m, n) for x in few] == q.rescale(few).tolist()
assert np.array_equal(np.clip(fast - 1, -128, 127), tensors[convs[0].name])
