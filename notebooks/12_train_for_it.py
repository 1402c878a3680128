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
# # 12 · Train for it
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** train a network through its own rounding, and round weights up or down by what comes out.
#
# **Learn:** why a staircase has no slope to follow, what the straight-through estimator puts in its place, how AdaRound chooses, and where training helps and where it does not.
#
# **Need:** weight scales from [chapter 3](03_choose_one_scale_or_many.ipynb), bias correction from
# [chapter 9](09_fold_the_batch_norm.ipynb), and what a gradient is.
#
# **Time:** 50 minutes
# :::

# %%
import itertools
import math

import numpy as np

from tinyq import MSE, Grid, Scheme, analysis, digits, plots
from tinyq.affine import round_half_away
from tinyq.exercise import check
from tinyq.floatref import Dense
from tinyq.methods import fakequant
from tinyq.methods.adam import Adam
from tinyq.methods.adaround import adaround, errors, round_up_or_down
from tinyq.methods.correction import correct_biases
from tinyq.methods.finetune import cross_entropy, finetune
from tinyq.methods.gradients import weight_slopes
from tinyq.mutants.weights import weights_truncated
from tinyq.widgets import Staircase

# %% [markdown]
# ## Take bits away
#
# With 8 bits the digits network has nothing left to win. So take bits away, from weights and activations. With $b$ bits a
# weight code lies in $-(2^{b-1}-1) \dots 2^{b-1}-1$. For 3 bits these are the codes -3 to 3, and where (3.1) and (3.2) say 127,
# now stands 3. An activation has $2^b$ codes, for 3 bits -4 to 3. The observer `MSE` gives each activation the range with the smallest squared error. The weights of a layer share one scale.

# %%
d = digits.load()
net, calibration, test = d.net, d.images[d.calibration], d.images[d.test]
images, labels = d.images[d.train], d.labels[d.train]


def given(*bits):
    """Return how to quantize to bits of weights and of activations."""
    return {"observer": MSE, "scheme": Scheme(*bits, per_channel=False)}


def right(model):
    """Return which share of the 500 test scans a network reads right."""
    return analysis.accuracy(model(test), d.labels[d.test])


for bits in (8, 4, 3):
    share = right(net.quantize(calibration, **given(bits, bits)))
    print(f"{bits} bits: {share:.1%} right")

# %% [markdown]
# The float network reads 99.2 %. With 3 bits 58.6 % are left. Nobody had told the weights that they would be rounded. Training could.
#
# ## Round, and stay a real number
#
# Take one weight of the last layer: how logit 3 depends on the mean of channel 5.

# %%
dense = net.nodes[-1].layer
w = float(dense.weights[3, 5])
scale = float(np.abs(dense.weights).max() / np.float32(3))
code = round(w / scale)
print(f"{w:.4f}: {w / scale:.2f} steps, code {code}, for {code * scale:.4f}")

# %% [markdown]
# The integers see 0.6942, not 0.9653. Training must see it too, and it works with real numbers. So round to the code and come straight back:
#
# $$\hat x = \operatorname{dequantize}(\operatorname{quantize}(x)) \tag{12.1}$$
#
# This is called **fake quantization**: the numbers are real, and only those are left that have a code. ONNX writes it as a pair of nodes, QuantizeLinear and DequantizeLinear.

# %%
def fake(x, grid):
    """Round one number to the grid and take it back: equation (12.1)."""
    code = int(round_half_away(x / grid.scale)) + grid.zero_point
    code = min(max(code, grid.qmin), grid.qmax)
    return np.float32(grid.scale) * np.float32(code - grid.zero_point)


grid = Grid(scale, 0, -3, 3)
rounded = [[fake(x, grid) for x in row] for row in dense.weights.tolist()]
rounded = np.array(rounded)
assert np.array_equal(rounded, fakequant.fake_quantize(dense.weights, grid))

# %% [markdown]
# ## Look for a slope
#
# Training asks each weight the same question: if you grow a little, does the loss fall? The loss measures how wrong a
# network is: the mean of $-\log p_t$, with $p_t$ the probability that it gives to the right answer. Round the whole dense layer and move our weight.

# %%
pooled = net.trace(images)["global_avgpool"]


def logits_at(value):
    """Return the logits, all weights rounded, the one at a value."""
    weights = rounded.copy()
    weights[3, 5] = value
    return Dense(weights, dense.bias).forward(pooled)


def loss_at(value):
    """Return the loss of these logits."""
    return cross_entropy(logits_at(value), labels)[0]


for x in (w, w + 0.01, w + 0.07, w + 0.08):
    print(f"{x / scale:.3f} steps: loss {loss_at(fake(x, grid)):.4f}")

# %% [markdown]
# Nothing, to the last bit. Then, at one and a half steps, a jump to less than half the loss. The slope is 0 wherever there is one, so a weight that follows it
# never moves.

# %% mystnb={"image": {"alt": "Loss on a logarithmic axis against the weight, from -3.4 to 3.4 steps. A dashed smooth curve falls from 1.8 to 0.04 near 2.2 steps and rises to 0.09. A blue staircase is flat around each code and jumps halfway between two; at each code it meets the smooth curve. The weight stands at 1.39 steps, on the flat of code 1; the flat of code 2 is less than half as high."}, "figure": {"caption": "The loss of 1,097 training scans against one weight of the dense layer, the rest of the layer rounded to 3 bits.", "name": "fig-loss-stairs"}}
steps = np.linspace(-3.4, 3.4, 273)
smooth = [loss_at(t * scale) for t in steps]
stairs = [loss_at(fake(t * scale, grid)) for t in steps]
assert len(set(stairs)) == 7  # to the last bit
plots.loss_stairs(steps, smooth, stairs, w / scale)

# %% [markdown]
# Seven codes, seven losses. At each code the staircase meets the smooth curve.
#
# ## Go straight through
#
# The chain rule wants $\frac{\partial L}{\partial x} = \frac{\partial L}{\partial \hat x} \cdot \frac{\partial \hat x}{\partial x}$. The first factor is the slope of the dashed curve where it meets the staircase, and it is fine.
# The second is the slope of rounding: 0 on the flats, infinite at the jumps. But seen from afar, rounding climbs one step for each step to the right,
# so its mean slope is 1. Beyond the last code it never climbs again: there it is 0. Put these in:
#
# $$\frac{\partial L}{\partial x} = \frac{\partial L}{\partial \hat x}\, \Bigl[ x_{\min} - \tfrac{s}{2} \le x \le x_{\max} + \tfrac{s}{2} \Bigr] \tag{12.2}$$
#
# The bracket is 1 where it holds and 0 elsewhere; $x_{\min}$ and $x_{\max}$ are the numbers of the first and the last code. This is the **straight-through estimator** of
# [Bengio et al. (2013)](https://arxiv.org/abs/1308.3432). It is no derivative of anything, and it works. PyTorch's `fake_quantize_per_tensor_affine` has the same two equations, with ties to even.
#
# Weights never lie beyond the end, because the largest sets the scale. Sums do.

# %%
few = given(3, 3)
model = fakequant.round_weights(net, few["scheme"])
grids = model.quantize(calibration, **few).grids
run = fakequant.fake_forward(model, grids, images[:32])
x, own = run.raw["block_add"], grids["block_add"]  # raw: before (12.1)
half = own.scale / 2
lo, hi = own.lo - half, own.hi + half
passes = [lo <= v <= hi for v in x.ravel().tolist()]
assert np.array_equal(passes, fakequant.reached(x, own).ravel())
print(f"{1 - np.mean(passes):.1%} of the sums at the add get no slope")
assert np.sum(x < lo) > 0.95 * passes.count(False)

# %% [markdown]
# They lie beyond the grid, nearly all of them below 0, where the ReLU that follows would stop the slope anyway.
#
# ## Find the slope of the loss
#
# What is $\partial L / \partial \hat x$ for our weight? Begin at the logits. The softmax turns logits $y$ into probabilities, $p_c = e^{y_c} / \sum_j e^{y_j}$, so $-\log p_t = \log \sum_j e^{y_j} - y_t$. Its
# slope by $y_c$ is $p_c$, minus 1 if $c$ is the right answer $t$. The loss is the mean of $N$ images:
#
# $$\frac{\partial L}{\partial y_c} = \frac{p_c - [c = t]}{N} \tag{12.3}$$

# %%
def slope_of_loss(logits, labels):
    """Return the slope of the loss by each logit: equation (12.3)."""
    slopes = np.empty(logits.shape)
    for n, row in enumerate(logits.tolist()):
        lifted = [math.exp(y - max(row)) for y in row]
        for c, e in enumerate(lifted):
            slopes[n, c] = e / sum(lifted) - (c == labels[n])
    return slopes / len(labels)


logits = logits_at(fake(w, grid))
theirs = cross_entropy(logits, labels)[1]  # from p in float32
far = np.abs(slope_of_loss(logits, labels) - theirs).max()
assert far < 1e-10

# %% [markdown]
# A logit is $\sum_k w_{ck} x_k$ plus a bias, so it grows by $x_5$ when $w_{35}$ grows by 1. Multiply, and add over the images. The dashed curve can confirm
# it: go a thousandth to both sides.

# %%
def slope_at(value):
    """Return the slope of the loss by the one weight."""
    return slope_of_loss(logits_at(value), labels)[:, 3] @ pooled[:, 5]


curve = (loss_at(scale + 1e-3) - loss_at(scale - 1e-3)) / 2e-3
print(f"slope at code 1: {slope_at(scale):.3f}, by the curve {curve:.3f}")

# %% [markdown]
# Now go downhill, each time by twice the slope. The weight stays a real number, and only its code is shown to the network.

# %%
path = [w]
for _ in range(19):
    path.append(path[-1] - 2 * slope_at(fake(path[-1], grid)))
for part in (path[:10], path[10:]):  # steps: code
    print(*(f"{x / scale:.2f}:{grid.quantize(x)}" for x in part))

# %% [markdown]
# On code 1 the slope is steep, and one move is enough for code 2, which is almost flat. The weight crawls on, because small moves add up in the
# real number. Past 2.5 it tries code 3, finds the slope turned, and goes back. This hopping would never end. In training the moves get smaller from epoch to epoch, and it dies down.
#
# Below, all eight weights of digit 9's neuron move. Its loss is how far its outputs are from those in float, squared. Three steps are done, and weight 1 is drawn.

# %%
Staircase()

# %% [markdown]
# 1. Press Step. The weight passes -1.5 steps, its code becomes -2, and the loss falls from 1.57 to 0.406.
# 2. Choose the slope "the staircase's own". Step as often as you like: nothing moves.
# 3. Press Reset and set `nudge` to 3. The weight stands beyond the last code. Step: by (12.2) it stays there for ever.

# %%
after = Staircase(steps=4).value
assert after["codes"][1] == -2
assert [f"{after['losses'][k]:.3g}" for k in (0, -1)] == ["1.57", "0.406"]
for stuck in ({"slope": "true"}, {"nudge": 3.0}):
    assert len(set(Staircase(steps=100, **stuck).value["path"])) == 1

# %% [markdown]
# ## Train every weight
#
# Every weight of the dense layer has such a sum. The slope goes on to the layer's inputs and back through the network: a ReLU passes it where its input was above 0, a max pool to the
# winner, an add to both sides, and each grid applies (12.2). `tinyq.methods.gradients` has a function a layer. `finetune` moves all weights and biases by the rule of Adam
# ([Kingma and Ba 2015](https://arxiv.org/abs/1412.6980)): moves of about one size, however small the slope. A round through the scans is an
# epoch. Here are three, through 600 of the scans, to keep the page quick.

# %%
def report(epoch, loss):
    print(f"epoch {epoch}: loss {loss:.2f}")


def train(*bits, **more):
    """Return net, trained for some bits: 600 scans, three epochs."""
    some = images[:600], labels[:600], calibration
    return finetune(net, *some, epochs=3, **given(*bits), **more)


three = train(3, 3, progress=report)
trained = three.quantize(calibration, **few)
print(f"3 bits: {right(trained):.1%} right")

# %% [markdown]
# From 58.6 % to 76.8 %. The result is an ordinary float network, whose weights happen to lie on codes. No runtime notices that it was trained for it.
#
# ## Round up or down
#
# Training needs labels, and it changes everything. Is there a gentler way? Rounding to nearest makes the error of each weight small. But what counts
# is the error of the sum. Take weights of 0.45 and 0.4 steps whose inputs are always equal. Nearest rounds both to 0 and loses 0.85 of their input. Round one up: the
# weights are now 1 and 0, and the sum is off by 0.15. Errors of neighbours can cancel.
#
# Let $d_{ok} = \hat w_{ok} - w_{ok}$ be the rounding errors of row $o$, in steps. Their mean squared effect on the output is a double sum over the weights. The data enter only
# through $G_{jk} = \overline{x_j x_k}$, the mean product of two inputs:
#
# $$\overline{\Bigl(\sum_k d_{ok}\, x_k\Bigr)^2} = d_o^{\mathsf T} G\, d_o \tag{12.4}$$
#
# A row of the dense layer has 8 weights, so there are $2^8 = 256$ ways to round it. Try them all, on the codes that really reach the layer.

# %%
qnet = net.quantize(calibration, **few)
layer = qnet.nodes[-1].layer
exact = dense.weights.astype(float) / layer.weight_scale  # in steps
codes = qnet.trace(calibration)["global_avgpool"]
inputs = codes.astype(int) - layer.in_grid.zero_point
gram = inputs.T @ inputs / len(inputs)  # of integers: exact
nearest = errors(layer.weight - exact, gram)  # (12.4), row by row
squares = [sum((layer.weight - exact)[3] * x) ** 2 for x in inputs]
assert math.isclose(sum(squares) / len(inputs), nearest[3], rel_tol=1e-12)

low, high = (np.clip(np.floor(exact) + up, -3, 3) for up in (0, 1))
ways = itertools.product((False, True), repeat=8)
tried = (np.where(way, high, low) for way in ways)
every = np.array([errors(row - exact, gram) for row in tried])
best = every.min(axis=0)
print(f"row 3: nearest {nearest[3]:.2f}, best of 256 {best[3]:.2f}")

# %% [markdown]
# In row 3 nearest is 5.7 times as wrong as the best. But the stem has 147 weights in a row, and $2^{147}$ ways cannot be tried. **AdaRound**
# ([Nagel et al. 2020](https://arxiv.org/abs/2004.10568)) makes a slope where there was none. Between the two codes it puts a slider $h$ from 0 to 1, and
# each slider is driven by a number $v$ without bounds:
#
# $$h(v) = \operatorname{clamp}\!\left(\frac{1.2}{1 + e^{-v}} - 0.1,\; 0,\; 1\right) \tag{12.5}$$
#
# All start where the error is 0, at the weights themselves. Then (12.4) keeps the output right, while a growing push drives each slider to an end. The push is
# the slope of $1 - |2h - 1|^\beta$, with $\beta$ falling from 20 to 2: first it is felt near the ends only, at last everywhere.

# %%
def choose(exact, gram):
    """Round a row up or down, by gradient descent on (12.4) and (12.5)."""
    low, unit = np.floor(exact), gram / np.diag(gram).mean()
    v = -np.log(1.2 / (np.clip(exact - low, 0.01, 0.99) + 0.1) - 1)
    adam = Adam([v], 0.02)
    for step in range(1000):
        sigmoid = 1 / (1 + np.exp(-v))
        h = np.clip(1.2 * sigmoid - 0.1, 0, 1)
        slope = 2 * unit @ (low + h - exact)
        if step >= 200:
            beta = 20 - 2 * ((step - 200) // 80)
            slope -= 0.2 * 2 * beta * (2 * h - 1) ** (beta - 1)
        slope *= ((h > 0) & (h < 1)) * 1.2 * sigmoid * (1 - sigmoid)
        adam.step([slope])
    return low + (h > 0.5)

# %% mystnb={"image": {"alt": "Mean squared error of the 256 ways to round each of ten rows, on a logarithmic axis, as grey dots up to about 100. A green line marks the best way of each row, a blue circle AdaRound, an orange cross nearest. The circle stands on the line in six rows and a little above it in rows 0, 3, 6 and 9; the cross is far above the circle in rows 3, 6, 7 and 8."}, "figure": {"caption": "The dense layer at 3 bits: every way to round each row up or down, and which of them three methods choose.", "name": "fig-ways-to-round"}}
codes = adaround(dense.weights, layer.weight_scale, inputs, weight_bits=3)
assert np.array_equal([choose(row, gram) for row in exact], codes)
ada = errors(codes - exact, gram)
assert (ada <= nearest).all() and np.isclose(ada, best).sum() == 6
plots.ways_to_round(every, dict(nearest=nearest, AdaRound=ada, best=best))

# %% [markdown]
# AdaRound finds the best way in six of ten rows, and one at least as good as nearest in all. `round_up_or_down` does it for each layer in turn, on the codes that reach it, and corrects its biases with
# (9.6). It asks for images, not for labels.
#
# ## See where training helps
#
# Compare bias correction and AdaRound with training: 3 bits for everything, then for weights or activations only.

# %%
def repaired(*bits):
    """Return what nearest, bias correction and AdaRound read right."""
    qnet = net.quantize(calibration, **given(*bits))
    fixes = correct_biases, round_up_or_down
    fixed = (fix(net, qnet, calibration) for fix in fixes)
    return [right(q) for q in (qnet, *fixed)]


print("weights, activations  nearest    bias  AdaRound")
for bits in ((3, 3), (3, 8), (8, 3)):
    shares = (f"{share:9.1%}" for share in repaired(*bits))
    print("{:7} {:12}".format(*bits), *shares)
for seed in (0, 2):
    tuned = train(8, 3, seed=seed).quantize(calibration, **given(8, 3))
    print(f"8 and 3, trained in order {seed}: {right(tuned):.1%}")
assert f"{math.sqrt(0.9 * 0.1 / 500):.1%}" == "1.3%"  # (11.3): luck

# %% [markdown]
# Read this coarsely. By [chapter 11](11_find_the_error.ipynb)'s (11.3) luck moves a share of 90 % by 1.3 points.
#
# Coarse weights are AdaRound's own field: 97.0 %. With 3 bits everywhere it reads 83.8 %, more than the 76.8 % of our short training, and it needs no labels. Nothing
# gets near 99.2 % there. With coarse activations there is nothing to round better, and the repairs gain nothing. Training may choose other weights, whose sums suit the few codes. In one order of the scans it
# won 1.4 points, in another it lost 0.6. You cannot count on it.
#
# So repair first, and train if that is not enough. And before all look for a cause: [chapter 9](09_fold_the_batch_norm.ipynb) cured its spoiled network by equalization, without training.
#
# ## Let the integers have the last word
#
# Training saw fake quantization. Does the integer network really compute the same? Compare the answers on the test scans.

# %%
run = fakequant.fake_forward(three, trained.grids, test)
same = run.tensors["dense_8x10"].argmax(1) == trained(test).argmax(1)
q = trained.nodes[8].layer.requantizer
print(f"the same answer on {same.mean():.1%}; shift {q.shift[0]}")
print(f"sum 4: {4 * q.ratio[0]:.3f} steps, by DOUBLE {q.rescale(4)[0]}")

# %% [markdown]
# On nearly a quarter of the scans they differ. Fake quantization rounds a real number once. DOUBLE rounds twice, and by (5.11) of
# [chapter 5](05_come_back_to_8_bits.ipynb) it may err by
# $\tfrac12 + 2^{-(n+1)}$ of a step. With 8 bits the shift $n$ is large, and you never see it. With 3 bits it is 1 in the block's second convolution: the sum 4 is 1.336 steps, the first rounding makes 3 halves of it, and
# the tie becomes 2. Biases are rounded too, and ties of the average pool fall elsewhere. So measure what you ship: every accuracy in this chapter is one of integers.
#
# ## Exercises
#
# ### Exercise 1: Find the slope by the scale
#
# **Goal.** A scale can be trained too. Let $\hat x = s \operatorname{clamp}(\lfloor x/s \rceil, -m, m)$, with `most` for $m$. Find $\partial \hat x / \partial s$ by the product rule, with rounding straight through: the slope of
# $\lfloor x/s \rceil$ by $s$ is that of $x/s$, and a clamped code has none.

# %% tags=["stub"]
def slope_by_scale(x, s, most):
    """Return the slope by s of each number of the array x: float64."""
    return ...


# %% tags=["check"]
tries = np.array([0.3125, 0.4375, -0.6875, 0.625, 5.0, -9.0])
want = np.array([-0.25, 0.25, -0.25, 0.5, 7.0, -7.0])
hint = "the product rule gives code + s * (-x / s**2); 2.5 rounds to 3."
_ = check(slope_by_scale(tries, 0.25, 7), want, hint)

# %% tags=["solution", "hide-cell"]
def slope_by_scale(x, s, most):
    """Return the slope by s of each number of the array x: float64."""
    codes = round_half_away(x / s)
    return np.where(np.abs(codes) <= most, codes - x / s, most * np.sign(codes))


assert check(slope_by_scale(tries, 0.25, 7), want)

# %% [markdown]
# ### Exercise 2: Hide a bug by training
#
# **Goal.** Break it: `weights_truncated` casts weights to int8 without rounding, as [BitMat](https://github.com/astramind-ai/BitMat/pull/13) did. Count the weight codes that
# change when the mutant is planted: of `net`, and of the trained network `three`. Quantize with `few`; the codes are `layer.weight`, in the layers that have one.

# %% tags=["stub"]
def changed(net):
    """Return how many weight codes the mutant changes, an int."""
    return ...


# %% tags=["check"]
hint = "quantize with `few`, inside `weights_truncated.planted()` and outside."
_ = check((changed(net), changed(three)), (913, 0), hint)

# %% tags=["solution", "hide-cell"]
def codes_of(qnet):
    layers = [node.layer for node in qnet.nodes if hasattr(node.layer, "weight")]
    return np.concatenate([layer.weight.ravel() for layer in layers])


def changed(net):
    """Return how many weight codes the mutant changes, an int."""
    with weights_truncated.planted():
        wrong = codes_of(net.quantize(calibration, **few))
    return int((wrong != codes_of(net.quantize(calibration, **few))).sum())


assert check((changed(net), changed(three)), (913, 0))
with weights_truncated.planted():
    shares = [right(n.quantize(calibration, **few)) for n in (net, three)]
assert shares == [0.212, 0.768]

# %% [markdown]
# :::{dropdown} How you would notice
# Not on a trained network: its weights lie on their codes already, so there is nothing to round, and it still reads 76.8 %. The network that was not trained falls from 58.6 % to 21.2 %. Test a
# quantizer on weights between the codes.
# :::
#
# ## Check yourself
#
# 1. Training rounds each weight to its code in every batch. Why must it keep the real number too?
#
#    :::{dropdown} Answer
#    One move is mostly much smaller than a step. Rounded at once it would be lost. In the real number small moves add up, until the code changes: our weight took 13 moves
#    from 1.92 to 2.54 steps.
#    :::
#
# 2. A clipped sum has slope 0. Which other sums teach nothing, and why is that no fault of the estimator?
#
#    :::{dropdown} Answer
#    Those that a ReLU cuts off, and those that lose in a max pool. There the float network's own slope is 0 too: the output does not depend on them.
#    :::
#
# 3. You get a network without its training data or labels, and 3-bit weights with 8-bit activations. What do you do?
#
#    :::{dropdown} Answer
#    AdaRound. A few images without labels are enough for $G$. Here it reads 97.0 %.
#    :::

# %% [markdown]
# ## What we built
#
# `fake` and `passes` are `tinyq.methods.fakequant`'s (12.1) and (12.2), `slope_of_loss` is the slope of `tinyq.methods.finetune`, `choose` is `tinyq.methods.adaround`. This cell closes the circle: what was trained in
# real numbers is what the integers hold, weight by weight.

# %%
for node, q in zip(three.nodes, trained.nodes, strict=True):
    if hasattr(node.layer, "weights"):
        back = q.layer.weight * q.layer.weight_scale[0]
        assert np.array_equal(back, node.layer.weights)
_, slopes = cross_entropy(logits_at(scale), labels)
theirs, _ = weight_slopes(dense, pooled, slopes)  # sums in float32
assert np.isclose(theirs[3, 5], slope_at(scale), rtol=1e-4)
