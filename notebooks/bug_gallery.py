# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Bug gallery
#
# Here are the bugs that `tinyq.mutants` plants, all 55, with what each one does to a picture. They have one thing in common: nothing crashes. The network
# runs, the shapes fit, and out come numbers.
#
# The patient is the trained network of [chapter 9](09_fold_the_batch_norm.ipynb), which names 496 of 500 handwritten digits rightly in int8. A bug is planted,
# the network is calibrated and quantized again, and all 500 scans run through it. An entry gives the scans that are still named
# rightly and the first tensor with a wrong code.

# %% tags=["hide-input"]
import json
from pathlib import Path

import numpy as np
from IPython.display import Markdown

from tinyq import Grid, Requantizer, digits, plots
from tinyq.layers import QConv2D, QDense, QGlobalAvgPool2D, QMaxPool2D, linear, qrelu6
from tinyq.mutants import MUTANTS
from tinyq.plots.bugs import Bug

data = digits.load()
scans, labels = data.images[data.test], data.labels[data.test]


def run():
    """Calibrate, quantize, and return every tensor of the 500 scans."""
    return data.net.quantize(data.images[data.calibration]).trace(scans)


def score(tensors):
    """How many of the 500 scans are named rightly."""
    return int((tensors["dense_8x10"].argmax(axis=1) == labels).sum())


right = run()
wrong = {}
for mutant in MUTANTS:
    with mutant.planted():
        wrong[mutant.name] = run()
assert score(right) == 496

# %% [markdown]
# ## The accuracy does not tell
#
# Sort the bugs by what the accuracy makes of them.

# %%
scores = np.array([score(wrong[mutant.name]) for mutant in MUTANTS])
quiet = [m.name for m in MUTANTS if all(
    np.array_equal(wrong[m.name][name], codes) for name, codes in right.items())]
print(f"{np.sum(scores >= 490)} of {len(scores)} bugs leave at least 490 scans right,")
print(f"{len(quiet)} of these change no code at all;")
print(f"{np.sum(scores < 250)} leave fewer than 250")
assert scores.max() == 497
assert (len(scores), np.sum(scores >= 490), len(quiet), np.sum(scores < 250)) == (55, 34, 15, 15)

# %% [markdown]
# Three bugs in five cannot be seen in the accuracy, and one even raises it. A bug that changes no code here waits for other data: a value beyond the
# calibrated range, an oblong image, a ratio above 1. Such a bug gets a small case of its own, made to show it.

# %% tags=["hide-input"]
# name: (what is computed, a function that computes it)
codes = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
one = Grid(1.0, 0)


def dense(weight):
    """Return a dense layer of 16 inputs and 8 outputs with equal weights."""
    weights = np.full((8, 16), weight, np.int8)
    scale = np.float32([1])
    return QDense(Grid(1.0, -128), one, weights, np.zeros(8, np.int32), scale, Requantizer(2**-12))


beyond = np.float32(np.linspace(-1.4, -1.2, 8))[:, None]
ratios = np.linspace(0.01, 0.02, 16)
loud = np.int8(np.linspace(-128, 127, 8))[:, None] * np.ones(16, np.int8)
every_other = QConv2D.from_float(
    np.ones((1, 1, 1, 1), np.float32), np.float32([0]), one, one, stride=(1, 2))
cases = {
    "range_without_zero": lambda: Grid.from_range(1.3, 4.9).quantize(np.linspace(1.3, 4.9, 16)),
    "quantize_half_even": lambda: Grid(1.0, 0).quantize(np.arange(-3.5, 4.5)),
    "quantize_wraps": lambda: Grid(0.01, 0).quantize(np.linspace(-1.9, 1.9, 16)),
    "dequantize_without_zero_point": lambda: Grid(0.02, -100).dequantize(codes[0, :, :, 0]),
    "weight_minus_128_allowed": lambda: linear.quantize_weights(beyond, np.float32([0.01]), 8),
    "multiplier_truncated": lambda: Requantizer(ratios).multiplier % 16,
    "multiplier_overflows": lambda: Requantizer(1 - 2**-33).rescale(np.arange(-40, 41, 10)),
    "ratio_in_float32": lambda: Requantizer.from_scales(0.1, ratios, 0.3).multiplier % 512}

cases |= {
    "pairs_saturate_at_16_bits": lambda: dense(127).accumulate(loud),
    "stride_down_used_across": lambda: every_other.forward(codes)[0, :, :, 0],
    "left_shift_saturates":
        lambda: Requantizer(2.0**16).requantize(np.arange(8, dtype=np.int32)[:, None] * 9000, one),
    "relu6_at_code_six": lambda: qrelu6(Grid(0.1, -3)).forward(codes)[0, :, :, 0],
    "max_pool_starts_at_code_zero":
        lambda: QMaxPool2D(one, (2, 2), (2, 2)).forward(codes)[0, :, :, 0],
    "max_pool_keeps_partial_windows":
        lambda: QMaxPool2D(one, (3, 3), (3, 3)).forward(codes)[0, :, :, 0],
    "global_mean_of_a_square": lambda: QGlobalAvgPool2D(one).forward(codes.reshape(1, 4, 8, 8))}
assert sorted(cases) == sorted(quiet)

# %% [markdown]
# ## How to read an entry
#
# A picture shows the first tensor that differs, of the scan and the channel in which it differs most. The two pictures of a row share one scale, from dark for
# small numbers to bright for large ones. The third shows the difference: orange is too small, purple too large, and the number is the largest one.
#
# "Found by" names the checks that notice the bug: the seed's pass mark of 40 %, its golden bytes, and eighteen comparisons of single functions and layers
# with exact numbers or loop nests. Where a bug is known to have bitten someone, the thread is named, with what happened there.

# %% tags=["hide-input"]
threads = json.loads(Path("../book/bug_threads.json").read_text())


def first_wrong(tensors):
    """Return the name of the first tensor that is not as it should be, None if all are."""
    differ = (name for name in right if not np.array_equal(right[name], tensors[name]))
    return next(differ, None)


def worst(a, b):
    """Return the two pictures of the scan and channel that differ most."""
    a, b = (np.expand_dims(x, (1, 3)) if x.ndim == 2 else x for x in (a, b))
    if a.shape != b.shape:
        return a[0, :, :, 0], b[0, :, :, 0]
    total = np.abs(a.astype(int) - b).sum(axis=(1, 2))
    scan, channel = np.unravel_index(total.argmax(), total.shape)
    return a[scan, :, :, channel], b[scan, :, :, channel]


def picture(mutant):
    """Return the mutant's row of the figure."""
    name = first_wrong(wrong[mutant.name])
    if name:
        note = f"{name}\n{score(wrong[mutant.name])} of 500"
        return Bug(mutant.name, note, *worst(right[name], wrong[mutant.name][name]))
    healthy = np.atleast_2d(cases[mutant.name]())
    with mutant.planted():
        return Bug(mutant.name, "a case of its own", healthy, np.atleast_2d(cases[mutant.name]()))


def family(title):
    """Return the mutants of a module of tinyq.mutants, and their figure's rows."""
    members = [m for m in MUTANTS if m.wrong.__module__.endswith(f".{title}")]
    rows = [picture(mutant) for mutant in members]
    assert not any(np.array_equal(row.right, row.wrong) for row in rows)
    return members, rows


def entry(mutant):
    """Return what there is to say of a mutant, as Markdown."""
    tensors = wrong[mutant.name]
    first = first_wrong(tensors)
    where = f"first wrong in `{first}`" if first else "no code changes on these scans"
    lines = [f"**{mutant.name}** in `{mutant.where}`. {mutant.summary}", ""]
    lines += [f"- *How it shows:* {mutant.notice}"]
    lines += [f"- *Digits:* {score(tensors)} of 500 right, {where}."]
    lines += [f"- *Found by:* {', '.join(mutant.caught_by)}."]
    for link, what in threads.get(mutant.name, []):
        repository, _, number = link.removeprefix("https://github.com/").rsplit("/", 2)
        lines += [f"- *It bit someone:* [{repository} {number}]({link}). {what}"]
    return "\n".join([*lines, ""])


def entries(members):
    """Return the entries of a family as one text."""
    return Markdown("\n".join(map(entry, members)))


# %% [markdown]
# ## Grids
#
# The range, the zero_point, and the way to the codes and back. If these are wrong, the int8 network is a faithful image of another network.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Eight rows. In the pictures of digits, codes differ by one here and there, or all by one, and the eye sees no change. Only uint8 read as int8 is unmistakable: a 3 turns inside out, by 128. Range without zero and quantize wraps show ramps whose ends are flat or wrapped."}, "figure": {"caption": "Bugs in grids. Each row names the tensor that is shown and the scans still named rightly.", "name": "fig-bugs-grids"}}
grids, rows = family("grids")
plots.bugs(rows)

# %% tags=["hide-input"]
entries(grids)

# %% [markdown]
# ## Weights
#
# What the host makes of the float weights and biases. The kernels then compute the wrong thing without a fault. Most of these cost a few digits or none, and a network that was trained for 1,000 classes would feel them first.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Eight rows. Three stem pictures differ by one or two codes, in patches. With the bias on the output scale the picture of a digit keeps its shape and is 32 codes too bright everywhere. The other four rows are strips of small cases."}, "figure": {"caption": "Bugs in weights, biases and multipliers.", "name": "fig-bugs-weights"}}
weights, rows = family("weights")
plots.bugs(rows)

# %% tags=["hide-input"]
entries(weights)

# %% [markdown]
# ## Sums
#
# The accumulators of convolution and dense: what is subtracted, in how many bits, and in which order the bytes are read. Here the accuracy does fall: five of the eleven leave about what chance would, 50 of 500.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Eleven rows. The zero_point bugs shift a whole picture by 63 or 125 codes; the 16-bit accumulator leaves plain grey; swapped axes, a flipped kernel and channels first give other pictures altogether. Stride ignored across gives a picture twice as wide."}, "figure": {"caption": "Bugs in accumulators.", "name": "fig-bugs-sums"}}
sums, rows = family("sums")
plots.bugs(rows)

# %% tags=["hide-input"]
entries(sums)

# %% [markdown]
# ## Requantization
#
# The way back to 8 bits. Five of these bugs move one code of the stem in ten thousand by one, and no digit is lost. Five others lose from 68 digits to nearly
# all. Between them stands `truncating_shift`: it lowers half of all codes by one, and no digit is lost either.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Twelve rows. Single rounding, float32 to even, half even, ties up and the truncated high multiply each change one cell of 64 by one. The flipped shift gives cells of two colours only, the 32-bit product plain grey. Codes wrap turns the brightest cell into the darkest."}, "figure": {"caption": "Bugs in requantization.", "name": "fig-bugs-rescale"}}
rescale, rows = family("rescale")
plots.bugs(rows)

# %% tags=["hide-input"]
entries(rescale)

# %% [markdown]
# ## Layers that pass
#
# Pad, ReLU and the pools have no scale of their own, so their bugs are about codes: 0 in the place of the zero_point, or a mean that is rounded otherwise.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Eleven rows. Pad with code zero draws a bright frame around a 3. Padding split off by one moves a 0 by a pixel. The ReLU bugs raise or lower the background by 5 codes. The max pool bugs flatten the dark half of a ramp, or add a row and a column. Three mean bugs change some or all codes by one; the fourth, on an oblong image, by up to 4."}, "figure": {"caption": "Bugs in pads, ReLUs and pools.", "name": "fig-bugs-passing"}}
passing, rows = family("passing")
plots.bugs(rows)

# %% tags=["hide-input"]
entries(passing)

# %% [markdown]
# ## The skip
#
# Two grids must become one. If they do not, the network still sees something of both branches, and the accuracy can stay high.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Five rows of 4 by 4 pictures of the sum. Swapped zero_points shift everything by 26 codes. Swapped or missing scales change some cells by up to 86. The cast to int8 replaces the picture by another. Without the left shift cells move by up to 3."}, "figure": {"caption": "Bugs in the add.", "name": "fig-bugs-add"}}
add, rows = family("add")
plots.bugs(rows)

# %% tags=["hide-input"]
entries(add)

# %% [markdown]
# ## What the checks are worth
#
# The same 55 bugs stand in [chapter 13](13_prove_it_and_ship_it.ipynb), against whole kinds of tests. If you keep only one thing from this page, let it be
# this: compare bytes, with cases that were made to be hard.

# %%
shown = [*grids, *weights, *sums, *rescale, *passing, *add]
assert shown == list(MUTANTS)
assert set(threads) <= {mutant.name for mutant in MUTANTS}
bitten = {m.name for m in MUTANTS if m.thread}
assert bitten <= set(threads)
assert sorted(score(wrong[m.name]) for m in sums)[4:6] == [57, 117]
stem, digits_left = "stem_conv7x7_s2", [score(wrong[m.name]) for m in rescale]
assert sorted(digits_left) == [50, 50, 118, 363, 428] + 7 * [496]
moved = [np.mean(wrong[m.name][stem] != right[stem])
         for m, left in zip(rescale, digits_left, strict=True) if left == 496]
assert np.all(np.sort(moved)[1:6] < 1.3e-4) and f"{max(moved):.0%}" == "49%"
print(f"{len(threads)} of {len(shown)} bugs are known to have bitten someone in public")
