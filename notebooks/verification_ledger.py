# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Verification ledger
#
# The kernels of this book were held against the runtimes that people deploy. `make agreement` makes random layers, runs
# each in `tinyq` and in the runtime, and compares every byte. What it counted stands in `book/agreement.json`, and this page
# reads that file.
#
# A third of the layers are calibrated: their scales fit their data, as in a real network. In another third these scales are
# rounded up to powers of two, which makes many exact ties. The last third is wild, with scales from 0.0001 to 10 that fit
# nothing. So rules which agree in practice are told apart.

# %%
import json
from functools import partial
from pathlib import Path
from textwrap import fill, indent

import numpy as np

from tinyq import Grid, Requantizer, Rounding, plots
from tinyq.layers import QAdd, QAvgPool2D, QConv2D, QDense, QGlobalAvgPool2D
from tinyq.plots.agreement import share
from tinyq.runtimes import RUNTIMES, QMean, finish

ledger = json.loads(Path("../book/agreement.json").read_text())
pairs, networks = ledger["pairs"], ledger["networks"]

# %%
print(f"measured {ledger['date']}, seed {ledger['seed']}, {ledger['python']}")
print(f"on {ledger['machine']}")
for runtime, version in ledger["versions"].items():
    print(f"{runtime:17}{version}")
print(f"{sum(pair['cases'] for pair in pairs)} cases in all")

# %% [markdown]
# ## Each runtime under its own rule
#
# There is no single right answer to compare with, because runtimes round by different rules. `tinyq.runtimes` writes down the rule of
# each. A cell is a runtime and an operator: the share of its cases in which every byte is equal.

# %% mystnb={"image": {"alt": "A table with a row for each operator and a column for each runtime. Each cell gives the share of cases in which tinyq, set to that runtime's rule, gave every byte. The next cell prints the same in words."}, "figure": {"caption": "Cases with every byte equal, tinyq set to the runtime's own rule.", "name": "fig-ledger-own"}}
plots.agreement(pairs, "own")

# %%
def in_words(rule):
    """Print the figure's rows: the runtimes that share a number stand together."""
    for operator in dict.fromkeys(pair["operator"] for pair in pairs):
        told = {}
        for pair in pairs:
            if pair["operator"] == operator and rule in pair["rules"]:
                number = share(pair["cases"], pair["rules"][rule]["equal"])
                told.setdefault(number, []).append(pair["runtime"])
        print(f"{operator}:", "; ".join(f"{n} {', '.join(r)}" for n, r in told.items()))


in_words("own")

# %%
for pair in pairs:
    if pair["cases"] and not pair["exact"]:
        missed = pair["cases"] - pair["rules"]["own"]["equal"]
        print(f"{pair['operator']} on {pair['runtime']}: {missed} of {pair['cases']} differ,")
        print(f"  by at most {pair['rules']['own']['largest']}: {pair['reason']}")
exact = sum(pair["exact"] for pair in pairs)
print(f"{exact} of {sum(pair['cases'] > 0 for pair in pairs)} pairs are equal in every byte")

# %% [markdown]
# A runtime may refuse a case, say a ratio that its fixed point cannot hold. Such cases are left out. These are the first reasons given.

# %%
for pair in pairs:
    if pair["refused"]:
        print(f"{pair['operator']} on {pair['runtime']}: {pair['refused']} refused,")
        print(f"  {pair['refusal']}")

# %% [markdown]
# ## Every runtime under the book's rule
#
# Now the same cases with `tinyq` as the book leaves it: DOUBLE, and the average pool of the raw sum. TFLite Micro follows these rules in every
# operator. The ties and the wild cases make the others look farther away than they are in a calibrated network, where the rules disagree in
# a few codes of ten thousand.

# %% mystnb={"image": {"alt": "The same table under DOUBLE. The column of tflite-micro is all equal. In the other columns convolutions, dense, add and mean fall below 100 percent; pads, ReLUs and max pool stay equal. The next cell prints the same in words."}, "figure": {"caption": "Cases with every byte equal, tinyq set to DOUBLE.", "name": "fig-ledger-double"}}
plots.agreement(pairs, "DOUBLE")

# %%
in_words("DOUBLE")
micro = [pair for pair in pairs if pair["runtime"] == "tflite-micro"]
assert len(micro) == 11
for pair in micro:
    assert pair["rules"]["DOUBLE"]["equal"] == pair["cases"] > 0, pair["operator"]

# %% [markdown]
# For the three operators that requantize, here are all five roundings of chapter 5.

# %% mystnb={"image": {"alt": "A table with fifteen rows, conv, dense and add under each of the five roundings, and a column for each runtime. One rounding of conv and one of dense is equal in all cases for four runtimes, for litert-xnnpack and pytorch none; FLOAT32 comes closest there, with 98.8 to 99.8 percent. In add DOUBLE is equal for tflite-micro and litert-reference, nothing else."}, "figure": {"caption": "Cases with every byte equal, for each rounding.", "name": "fig-ledger-roundings"}}
rows = [
    {**pair, "operator": f"{pair['operator']} {rule.name}",
     "rules": {"own": pair["rules"][rule.name]}}
    for operator in ("conv", "dense", "add")
    for rule in Rounding
    for pair in pairs
    if pair["operator"] == operator and rule.name in pair["rules"]]
whole = [row["runtime"] for row in rows if row["rules"]["own"]["equal"] == row["cases"]]
assert len(whole) == 10 and not {"litert-xnnpack", "pytorch"} & {*whole}
plots.agreement(rows, "own")

# %% [markdown]
# XNNPACK and PyTorch follow FLOAT32, but not to the end: where a product leaves int32 they do something else, and PyTorch keeps the
# bias a real number. For the add four of the six have rules of their own. The next section prints each rule in a line.
#
# ## Replay the first difference
#
# Where a runtime and DOUBLE differ, the ledger keeps the first code that does, with all that it takes to compute it again. The
# cell computes it twice, by DOUBLE and by the runtime's rule, and demands both recorded bytes.

# %%
def layer_of(first, operator):
    """Return a layer with the recorded bias, scales and grid, and one weight of 0."""
    in_grid, out_grid = Grid(first["in_scale"], 0), Grid(*first["out_grid"])
    kind, form = (QDense, (1, 1)) if operator == "dense" else (QConv2D, (1, 1, 1, 1))
    scale = np.float32([first["weight_scale"]])
    requantizer = Requantizer.from_scales(in_grid.scale, scale, out_grid.scale)
    weight, bias = np.zeros(form, np.int8), np.int32([first["bias"]])
    return kind(in_grid, out_grid, weight, bias, scale, requantizer)


def add_of(first):
    """Return the add of a recorded pair of codes, and tensors that hold them everywhere."""
    grids = (Grid(*first[name]) for name in ("a_grid", "b_grid", "out_grid"))
    inputs = [np.full(first["shape"], first[name], np.int8) for name in "ab"]
    return QAdd.from_float(*grids), inputs, tuple(first["place"])


def pool_of(first, operator):
    """Return the pool of a recorded window, and an image that holds it in every channel."""
    window = np.int8(first["window"])[None, :, :, None]
    window = np.repeat(window, first["shape"][3], axis=3)
    kernel, place = window.shape[1:3], first["place"]
    if operator == "mean":
        grids = Grid(*first["in_grid"]), Grid(*first["out_grid"])
        layer = QMean(*grids, keep_dims=first["keep_dims"])
    elif operator == "global_average_pool":
        layer = QGlobalAvgPool2D(Grid(*first["grid"]))
    else:
        layer = QAvgPool2D(Grid(*first["grid"]), kernel, (1, 1))
        if tuple(first["shape"][1:3]) != kernel:  # the window was a part of the image
            window = np.pad(window, ((0, 0), (0, 1), (0, 1), (0, 0)))
    return layer, [window], (0,) * (len(place) - 1) + (place[-1],)


# %% [markdown]
# Some rules look at the shape of the tensor, so the recorded code stands in a tensor of that shape.

# %%
def replay(pair, first):
    """Return the code by DOUBLE and by the runtime's own rule."""
    own, operator = RUNTIMES[pair["runtime"]], pair["operator"]
    if "acc" in first:
        layer, acc = layer_of(first, operator), np.int32([first["acc"]])
        codes = layer.requantizer.requantize(acc, layer.out_grid), finish(layer, acc, own)
        return [int(code[0]) for code in codes]
    made = add_of(first) if operator == "add" else pool_of(first, operator)
    layer, inputs, place = made
    rule = getattr(own, operator.removeprefix("global_"))
    return [int(run(*inputs)[place]) for run in (layer.forward, partial(rule, layer))]


# %%
def why(pair):
    """Return the runtime's rule in a line: its formula, or the first line of its docstring."""
    rule = pair["setting"]
    if rule in Rounding.__members__:
        return f"{rule}: {Rounding[rule].value}"
    function = getattr(RUNTIMES[pair["runtime"]], rule.split(".")[0])
    return f"{rule}: {function.__doc__.splitlines()[0]}"


for pair in pairs:
    tally = pair["rules"].get("DOUBLE")
    if pair["exact"] and tally["first"]:
        double, own = replay(pair, tally["first"])
        assert (double, own) == (tally["first"]["tinyq"], tally["first"]["runtime"])
        print(f"{pair['operator']} on {pair['runtime']}: {own}, not {double};",
              f"largest difference {tally['largest']}")
        print(indent(fill(why(pair), 74), "  "))

# %% [markdown]
# A largest difference of 255 is a wild case: a sum that wraps under one rule and saturates under the other.
#
# ## Whole networks
#
# Last, networks of the seed's shape with random weights and biases, and random images. A converter may write ReLU as an operator or fuse it, a pad
# as PAD or inside a SAME convolution, the global pool as AVERAGE_POOL_2D or as MEAN. The table counts images whose
# logits are all equal.

# %%
print("runtime           written as                     images  own rule  DOUBLE")
for whole in networks:
    print(f"{whole['runtime']:18}{whole['variant']:30}{whole['images']:7}",
          f"{whole['own']:9}{whole['double']:8}")
    if whole["runtime"] == "tflite-micro":
        assert whole["double"] == whole["images"] >= 2000

# %% [markdown]
# A code that is off by one in a convolution mostly vanishes on the way to the logits. With MEAN in place of the average pool it does not: the pool is
# followed by the dense layer alone, whose grid is finer.
#
# ## The ONNX backend's own tests
#
# The `onnx` package ships tests for backends. These use operators that `tinyq` has.

# %%
nodes = ledger["onnx_node_tests"]
print(f"{sum(nodes.values())} of {len(nodes)} pass:", *sorted(nodes), sep="\n  ")
assert all(nodes.values())

# %% [markdown]
# One of them by hand: the QLinearConv, on unsigned codes. Its input has zero_point 132, its one weight code 0 with zero_point 255, its output
# zero_point 123. The three scales give a ratio of 1/255, so the first code, 255, becomes $(255 - 132)(0 - 255)/255 + 123 = 0$. To `tinyq` an unsigned
# code is a signed one plus 128.

# %%
acc = (np.int32([255, 174, 162, 25, 203, 168, 58]) - 132) * (0 - 255)
scales = 0.003692046971991658, [0.0017279457533732057], 0.001626812620088458
q = Requantizer.from_scales(*scales, Rounding.FLOAT32)
row = q.requantize(acc[:, None], Grid(scales[2], 123 - 128))[:, 0].astype(int)
assert (row + 128).tolist() == [0, 81, 93, 230, 52, 87, 197]

# %% [markdown]
# `make agreement` repeats all this, with `COUNT=` cases an operator and runtime, from any `SEED=`. It fails if a pair
# that this page calls equal is not.
