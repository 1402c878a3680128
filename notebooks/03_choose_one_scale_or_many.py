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
# # 3 · Choose one scale or many
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** quantize the weights of a trained network, first with one scale for a whole tensor, then with one for each output channel.
#
# **Learn:** why weights have zero_point 0 and no code -128, how to predict in decibels what a scale for each channel is worth, and why activations cannot have one.
#
# **Need:** [chapter 1](01_put_numbers_on_a_grid.ipynb): code, scale, zero_point, half a step.
#
# **Time:** 35 minutes
# :::

# %%
import numpy as np

from tinyq import Grid, Scheme, digits, parity, plots, resnet
from tinyq.affine import round_half_away
from tinyq.exercise import check
from tinyq.mutants.weights import weight_scales_of_the_wrong_axis
from tinyq.weights import quantize_weights, weight_scales
from tinyq.widgets import ChannelBars

# %% [markdown]
# ## Put weights on a grid
#
# The seed's weights are sine waves, so its filters are all alike. For this chapter you need weights that training made. `digits` holds a
# network of the seed's shape that reads handwritten digits, with 8×8 scans of 1,797 of them. Its weights have the shape `(O, H, W, I)`: the first
# axis counts filters, that is, output channels.

# %%
def weights_of(net):
    """Return the float weights of each layer that has some, by name."""
    some = (node for node in net.nodes if hasattr(node.layer, "weights"))
    return {node.name: node.layer.weights for node in some}


data, seed = digits.load(), resnet.seed()
seed_net = resnet.stem_block(seed.weights, seed.biases)
trained = weights_of(data.net)
w = trained["block_conv3x3_a"]
x, largest = float(w[0, 0, 0, 0]), float(np.abs(w).max())
scale = largest / 127
print(f"{w.shape}: first weight {x:.5f}, largest {largest:.5f}")
print(f"scale {scale:.6f}; {x / scale:.2f} steps: code {round(x / scale)}")

# %% [markdown]
# [Chapter 1](01_put_numbers_on_a_grid.ipynb) would have asked for the smallest and the largest weight. Here only the size of the largest one counts, $\max |w|$. It gets code 127, its opposite gets -127, and 0 is in
# the middle: the zero_point is 0. Such a grid is **symmetric**. For a set of weights that share a scale, with $c$ for the number of the set,
#
# $$s_{w,c} = \frac{\max |w_c|}{127} \tag{3.1}$$
#
# $$q = \operatorname{clamp}\!\left(\left\lfloor \frac{w}{s_{w,c}} \right\rceil,\; -127,\; 127\right) \tag{3.2}$$
#
# With $b$ bits the 127 is $2^{b-1} - 1$, so 7 with 4 bits. If the set is the whole tensor, there is one scale, and the layer is quantized **per tensor**. Here it is as a loop, and in the package.

# %%
def codes_of(weights, scale):
    """Return the codes of weights that share a scale: equation (3.2)."""
    steps = (x / scale for x in weights.ravel().tolist())
    return [min(max(int(round_half_away(t)), -127), 127) for t in steps]


scales = weight_scales(w, per_channel=False)
codes = quantize_weights(w, scales)
assert scales == np.abs(w).max() / np.float32(127)
assert codes_of(w, float(scales[0])) == codes.ravel().tolist()
assert codes[0, 0, 0, 0] == 30 and np.abs(codes.astype(int)).max() == 127

# %% [markdown]
# The 576 codes are the same. As in [chapter 1](01_put_numbers_on_a_grid.ipynb), the scale is kept in float32.
#
# ## Leave -128 out
#
# An int8 could also be -128. Equation (3.2) never gives it, even if you take the clamp away: no weight is larger than the largest. So the code costs nothing to forbid.
# What would it cost to allow it? Some fast kernels multiply two pairs of int8 and add the products in an int16, which ends
# at 32767. Take the worst pairs.

# %%
for least in (-128, -127):
    product = -128 * least
    pair = np.array([2 * product]).astype(np.int16)[0]
    print(f"-128 * {least} twice: {2 * product}, in int16 {pair}")
assert f"{255 / 254 - 1:.1%}" == "0.4%"

# %% [markdown]
# One more than fits, and the sum of two positive products comes out negative. Without -128 among the weights the largest sum is 32512, and the
# kernel is safe. Jacob et al. (2018) leave the code out for this reason, and TensorFlow Lite's specification demands weights in -127..127. `tinyq` refuses
# any other. It even costs next to nothing in precision: 254 steps instead of 255, a step 0.4 % wider.
#
# ## Weigh symmetric against asymmetric
#
# A symmetric grid wastes codes when the weights are not symmetric. How many decibels would an asymmetric one gain, with a
# zero_point as in [chapter 1](01_put_numbers_on_a_grid.ipynb)? The signal-to-noise ratio (SQNR) compares the weights $w$ with their rounding errors $e$. It is
# $10 \log_{10} \bigl(\sum w^2 / \sum e^2\bigr)$ decibels, so 6.02 dB more is half the error.

# %%
def quality(weights, per_channel):
    """Return the SQNR of quantized weights in dB."""
    scales = weight_scales(weights, per_channel)
    steps = quantize_weights(weights, scales)
    back = steps * scales.reshape(-1, *[1] * (weights.ndim - 1))
    return parity.sqnr_db(weights, back)


def quality_asymmetric(weights):
    """The same on the grid from the smallest to the largest weight."""
    grid = Grid.from_range(weights.min(), weights.max())
    back = grid.dequantize(grid.quantize(weights))
    return parity.sqnr_db(weights, back)


tensors = {**trained, "seed's dense": seed.weights["dense"]}
for name, v in tensors.items():
    gain = quality_asymmetric(v) - quality(v, per_channel=False)
    print(f"{name:15} {v.min():6.3f} to {v.max():5.3f}: {gain:.2f} dB")

# %% [markdown]
# The trained layers would gain half a decibel to a decibel and a half. The seed's dense layer has positive weights only, so half of its symmetric
# codes are idle, and it would gain 4.49. But a weight zero_point $z_w$ has a price at run time. It adds $-z_w \sum q$ to each sum of products. The
# inputs $q$ are new each time, so this term has to be computed anew for every window ([chapter 4](04_accumulate_in_int32.ipynb)). TensorFlow Lite's specification demands
# $z_w = 0$. ONNX leaves the choice to you: `QLinearConv` has an input `w_zero_point`.
#
# ## Meet a quiet channel
#
# There is more to gain elsewhere. In `data.wide_net` each channel between the block's two convolutions is multiplied by a power of two, from 1 to 64, and divided
# again in the next layer. The float logits keep every bit. (The factors were found by trial, to make a network that is hard to
# quantize. Nagel et al. (2021) show a MobileNetV2 that is like this from training.)

# %%
wide = weights_of(data.wide_net)["block_conv3x3_a"]
peaks = np.abs(wide).max(axis=(1, 2, 3))
scale = float(peaks.max()) / 127
print(f"scale {scale:.4f}; channel 7 reaches {peaks[7] / scale:.3f} steps")
print("codes of channel 7:", *sorted(set(codes_of(wide[7], scale))))

# %% [markdown]
# Channel 0 sets the scale for all. In its steps, the largest weight of channel 7 is not even one. All 72 weights of this filter become -1, 0 or 1.

# %% mystnb={"image": {"alt": "Two bar charts of the largest code of each of eight channels, under one scale for the tensor. Left, the network as trained: 127, 111, 94, 92, 77, 100, 76, 59. Right, the wide network: 127, then 7, 1, 6, 5, 6, 5, 1."}, "figure": {"caption": "The first convolution of the block with one scale for the tensor: the largest code that each output channel uses. The line is at 127, which every channel reaches when it has its own scale.", "name": "fig-channel-codes"}}
reach = {}
for title, v in (("as trained", w), ("wide", wide)):
    codes = quantize_weights(v, weight_scales(v, per_channel=False))
    reach[title] = np.abs(codes.astype(int)).max(axis=(1, 2, 3))
plots.channel_codes(reach)

# %% [markdown]
# As trained, the quietest channel still uses 59 of its 127 steps. In the wide network seven of eight get by on 7 or fewer.
#
# The remedy is in (3.1) already: let the set be one output channel. Now there are $O$ scales, and the layer is
# quantized **per channel**, which TensorFlow Lite calls per axis.

# %%
codes = quantize_weights(wide, weight_scales(wide, per_channel=True))
own = (peaks / np.float32(127)).tolist()
loop = [codes_of(wide[c], own[c]) for c in range(8)]
assert loop == codes.reshape(8, -1).tolist()
assert all(max(map(abs, channel)) == 127 for channel in loop)

# %% [markdown]
# Now every channel reaches 127: the last line asserts it.
#
# ## Predict what it is worth
#
# The rounding error of a weight is half a step at most, in both directions, and about evenly spread. So the noise of a channel is
# proportional to its step, and going from the tensor's step $s_w$ to the channel's own $s_{w,c}$ gains
#
# $$g_c = 20 \log_{10} \frac{s_w}{s_{w,c}} \quad \text{dB} \tag{3.3}$$
#
# By (3.1) the ratio is $\max |w| / \max |w_c|$. A channel ten times quieter than the loudest gains 20 dB. The loudest itself gains 0. You need the maxima only; nothing
# has to be quantized. Is it true?

# %%
def worth(weights):
    """Return each channel's gain in dB, predicted (3.3) and measured."""
    one = weight_scales(weights, per_channel=False)
    many = weight_scales(weights, per_channel=True)
    measured = []
    for channel, own in zip(weights, many, strict=True):
        back = [s * quantize_weights(channel, s) for s in (one, own[None])]
        tensor, alone = (parity.sqnr_db(channel, b) for b in back)
        measured.append(alone - tensor)
    return 20 * np.log10(one / many), np.array(measured)


predicted, measured = worth(wide)
for c in (0, 1, 7):
    print(f"{c}: {predicted[c]:4.1f} dB predicted, {measured[c]:4.1f} measured")
assert measured[0] == 0 and (measured[1:] > 20).all()

# %% [markdown]
# In one and the same tensor, a scale of its own is worth nothing to channel 0 and more than 20 dB to each of the others. Here are all
# channels of the block's convolutions, in three networks.

# %% mystnb={"image": {"alt": "Measured gain against predicted gain in decibels, one mark a channel. The marks lie along the dashed diagonal within about three decibels. The seed's and the trained network's channels crowd between 0 and 7; those of the wide network reach from 0 to 43."}, "figure": {"caption": "What its own scale is worth to a channel: both convolutions of the block, eight channels each.", "name": "fig-channel-worth"}}
nets = {"seed": seed_net, "digits": data.net, "wide": data.wide_net}
points = {}
for name, net in nets.items():
    found = [worth(weights_of(net)[f"block_conv3x3_{ab}"]) for ab in "ab"]
    points[name] = np.concatenate(found, axis=1)
    assert np.abs(points[name][0] - points[name][1]).max() < 3
assert max(points["seed"][0].max(), points["digits"][0].max()) < 7
plots.channel_worth(points)

# %% [markdown]
# The prediction holds within 3 dB. It cannot be exact, because 72 rounding errors are few and do not spread evenly. In the seed and in the trained network no
# channel has more than 7 dB to gain.
#
# ## Listen to one channel
#
# Here is the wide convolution with one scale for its tensor. A bar is a channel: its weights, and what it gets. Channel 7 is magnified below. Pick another
# with the slider or with a click.

# %%
ChannelBars()

# %% [markdown]
# 1. Press "A scale for each". The 72 weights of channel 7 spread from three codes to 66, and its SQNR rises from 3.27 to 46.28 dB.
# 2. Set `channel` to 0 and press the first two buttons in turn. It has 41.82 dB under both, because its own scale is the tensor's.
# 3. Press "One scale for all" and set `bits` to 4. All other channels are down to the one code 0: 0 dB, and 504 weights lost.

# %%
each, four = ChannelBars(per_channel=True).value, ChannelBars(bits=4).value
assert len(each["channel_codes"]) == 66 and each["own_sqnr"] == 46.28
assert ChannelBars(channel=0).value["sqnr"][0] == each["sqnr"][0] == 41.82
assert four["first"][1:] == four["last"][1:] == [0] * 7

# %% [markdown]
# ## Follow it to the logits
#
# What arrives at the other end? A `Scheme` says how the layers of a network are quantized. `Scheme(per_channel=False)` gives each convolution one weight
# scale. The dense layer has one for its tensor in any case, and the grids of the activations stay as they are. The seed runs on its 32
# images. The two others calibrate on 200 scans, which means that their activations get their ranges from these, and are tested on 500 that they have not seen.

# %%
calibration, test = data.images[data.calibration], data.images[data.test]


def accuracy(model):
    """Return the share of the test scans that a network reads right."""
    return (model(test).argmax(axis=1) == data.labels[data.test]).mean()


for name, net in nets.items():
    fit, run = (calibration, test) if name != "seed" else [seed.images] * 2
    for many in (False, True):
        qnet = net.quantize(fit, scheme=Scheme(per_channel=many))
        db = parity.sqnr_db(net(run), qnet.dequantize(qnet(run)))
        right = f"{accuracy(qnet):.1%} right" if name != "seed" else "no labels"
        print(f"{name:6} per_channel={many!s:5} {db:5.2f} dB, {right}")
assert accuracy(data.net) == 0.992
assert np.array_equal(data.net(test), data.wide_net(test))

# %% [markdown]
# In the seed and in the trained network the choice hardly shows at the logits: 0.25 and 0.03 dB, one of 500
# scans. In the wide network it is 11.5 dB, and the difference between 62.8 % and 96.2 % of all scans. Both are worth knowing before you choose,
# and (3.3) tells you from the float weights alone.
#
# The price is small: a multiplier and a shift for each output channel instead of one pair ([chapter 5](05_come_back_to_8_bits.ipynb)). TensorFlow Lite's convolutions take
# per-channel weights. So do ONNX's `QLinearConv`, if you give it a vector of scales, and PyTorch's.
#
# ## Ask which axis may have scales
#
# 96.2 % is still below the 99.2 % of the float network. If many scales help weights, why not activations? Write out one
# output, with a real weight as $s_{w,c}\, w_k$ and a real input as $s_{\text{in}} (q_k - z)$:
#
# $$\sum_k s_{w,c}\, w_k \cdot s_{\text{in}}\, (q_k - z) = s_{\text{in}}\, s_{w,c} \sum_k w_k\, (q_k - z) \tag{3.4}$$
#
# The scales leave the sum, because they are the same for every $k$. What stays inside is integers. The output channel $c$ is the same for all terms of
# a sum. The input channel is not. Suppose it had scales of its own, 0.5 for the first and 0.125 for the second. Take two sums of two products.

# %%
scales = (0.5, 0.125)
for products in ((3, 4), (4, 3)):
    real = scales[0] * products[0] + scales[1] * products[1]
    print(f"products {products}: sum {sum(products)}, real {real}")

# %% [markdown]
# Both integer sums are 7, but the real sums are 2.0 and 2.375. No factor can turn 7 into both. A scale for each input channel would have to go into
# every product, before the sum, and the integers would be gone.
#
# The output channels of one layer are the input channels of the next. So an activation tensor has one scale. In the wide network its channels
# differ as much as the weights do, and there no weight scale can help:

# %%
name = "block_conv3x3_a"
codes, real = qnet.trace(test)[name], data.wide_net.trace(test)[name]
back = qnet.grids[name].dequantize(codes)
for c in (0, 7):
    used, db = np.unique(codes[..., c]), parity.sqnr_db(real[..., c], back[..., c])
    print(f"channel {c}: {len(used)} codes in use, {db:.2f} dB")

# %% [markdown]
# Channel 7 has to live on very few codes. [Chapter 9](09_fold_the_batch_norm.ipynb) removes the cause: it moves the factors back.
#
# ## Exercises
#
# ### Exercise 1: Quantize each channel
#
# **Goal.** Write (3.1) and (3.2) for all channels at once, of a convolution, `(O, H, W, I)`, or a dense layer, `(O, I)`. A channel whose weights are all zero would get scale 0; give it scale 1.

# %% tags=["stub"]
def quantized(weights):
    """Return (scales, codes): float32 (O,), int8 of the weights' shape."""
    return ...


# %% tags=["check"]
tries = [w.copy(), seed.weights["dense"].copy()]
tries[0][3] = 0
pairs = ((v, weight_scales(v, per_channel=True)) for v in tries)
want = tuple((s, quantize_weights(v, s)) for v, s in pairs)
_ = check(tuple(map(quantized, tries)), want, "max |w|; 1 for zeros only.")

# %% tags=["solution", "hide-cell"]
def quantized(weights):
    """Return (scales, codes): float32 (O,), int8 of the weights' shape."""
    rows = weights.reshape(len(weights), -1)
    scales = np.abs(rows).max(axis=1) / np.float32(127)
    scales[scales == 0] = 1
    codes = round_half_away(rows / scales.astype(float)[:, None])
    return scales, codes.astype(np.int8).reshape(weights.shape)


assert check(tuple(map(quantized, tries)), want)

# %% [markdown]
# ### Exercise 2: Count the losers
#
# **Goal.** Under one scale for the tensor, a channel loses a bit for each halving of its largest weight against the tensor's. Count the channels that lose `bits` or more. Quantize nothing.

# %% tags=["stub"]
def losers(weights, bits):
    """Return how many output channels lose at least that many bits."""
    return ...


# %% tags=["check"]
tries = [(wide, 1), (wide, 4), (wide, 5), (wide, 7), (w, 1), (w, 2)]
tries += [(np.float32([-8, 4, 1]).reshape(3, 1, 1, 1), n) for n in (1, 3)]
want = (7, 7, 2, 1, 1, 0, 2, 1)
got = tuple(losers(*each) for each in tries)
_ = check(got, want, "sizes; 3 bits are a factor of 8, and just 8 counts.")

# %% tags=["solution", "hide-cell"]
def losers(weights, bits):
    """Return how many output channels lose at least that many bits."""
    peaks = np.abs(weights).reshape(len(weights), -1).max(axis=1)
    return int((peaks * 2**bits <= peaks.max()).sum())


assert check(tuple(losers(*each) for each in tries), want)

# %% [markdown]
# One channel of the wide convolution loses all seven bits of its size.
#
# ### Exercise 3: Break it with the wrong axis
#
# **Goal.** A tool that expects the layout `(H, W, I, O)` takes one maximum for each index of the *last* axis. With our layout that is the input channel. `w` has eight
# of each, so nothing complains. Return these scales for `w`.

# %% tags=["stub"]
def scales_of_last_axis(weights):
    """Return float32 scales, one for each index of the last axis."""
    return ...


# %% tags=["check"]
want = np.abs(w).max(axis=(0, 1, 2)) / np.float32(127)
_ = check(scales_of_last_axis(w), want, "which axes go into the maximum?")

# %% tags=["solution", "hide-cell"]
def scales_of_last_axis(weights):
    """Return float32 scales, one for each index of the last axis."""
    return np.abs(weights).max(axis=(0, 1, 2)) / np.float32(127)


assert check(scales_of_last_axis(w), want)
with weight_scales_of_the_wrong_axis.planted():
    broken = data.net.quantize(calibration)
result = parity.compare(data.net, broken, test)
share = result.worst / result.logit_range
print(f"error {share:.0%} of the range; {accuracy(broken):.1%} right")
layer = next(n.layer for n in broken.nodes if n.name == "block_conv3x3_a")
print("largest codes", *np.abs(layer.weight.astype(int)).max(axis=(1, 2, 3)))
assert result.passed and accuracy(broken) == 0.98

# %% [markdown]
# How would you notice? The network still reads 98.0 % of the scans. The pass mark of the seed's author, an error of 40 % of the logits' range, lets it through. Look at the
# largest code of each output channel. With the right axis it is 127 in every one, by (3.1). Here only three channels reach 127, and they do because they were clamped. A public
# quantizer had [this bug](https://github.com/OpenPPL/ppq/pull/382).

# %% [markdown]
# ## Check yourself
#
# 1. A tensor's largest weight is 2.54, the largest of one of its channels 0.1. Which codes does this channel use under one scale, and what would a scale of its own gain?
#
#    :::{dropdown} Answer
#    The scale is 2.54/127 = 0.02, so 0.1 has code 5 and the channel uses -5..5. By (3.3) it would gain $20 \log_{10} 25.4 = 28.1$ dB.
#    :::
#
# 2. Inputs may be -128 and weights may not. Why is it enough to forbid one of them?
#
#    :::{dropdown} Answer
#    The one product that is too large is -128 times -128. With weights from -127 on, no product is larger than 128 · 127 = 16256 in size, and two of them are
#    32512, which fits an int16.
#    :::
#
# 3. Why may a scale depend on the output channel and not on the input channel?
#
#    :::{dropdown} Answer
#    One sum belongs to one output channel, so its scale is a common factor of all terms and can wait until after the sum. The terms of the sum
#    come from different input channels. Their scales are no common factor, so the products could not be added as integers.
#    :::

# %% [markdown]
# ## What we built
#
# `codes_of` and the solution `quantized` are `tinyq.weights`. The last cell compares them on all layers of the seed and of the wide network, and with the codes inside
# the two int8 networks. It also settles the numbers of question 1.

# %%
for net, fit in ((seed_net, seed.images), (data.wide_net, calibration)):
    inside = {n.name: n.layer for n in net.quantize(fit).nodes}
    for name, v in weights_of(net).items():
        many, codes = quantized(v)
        assert np.array_equal(many, weight_scales(v, per_channel=True))
        assert np.array_equal(codes, quantize_weights(v, many))
        if "dense" in name:
            (s,) = weight_scales(v, per_channel=False)
            codes = np.int8(codes_of(v, float(s))).reshape(v.shape)
        assert np.array_equal(inside[name].weight, codes)
assert codes_of(np.float32([0.1, -0.1]), 2.54 / 127) == [5, -5]
assert f"{20 * np.log10(2.54 / 0.1):.1f}" == "28.1"
