# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How fast it is
#
# The layers of `tinyq` are written to be read. `qnet.compile` makes a plan of them that is written to be fast, and gives the same bytes. There are two
# engines. `"numpy"` needs nothing but NumPy: it multiplies codes in float32 where that is exact. `"vnni"` multiplies bytes, by ONNX Runtime's product of matrices, and needs the extra
# `fast`. The [appendix](appendix_make_it_fast.ipynb) builds both from loops.
#
# `make bench-engines` times them beside the runtimes that people deploy, all in one run and each on one thread. What `make bench-engines RECORD=1` measured stands in `book/engines.json`, and this page reads that file. A new
# measurement needs `make sync` and no editing here.

# %%
import json
from pathlib import Path
from textwrap import fill

from tinyq import plots
from tinyq.engines import ENGINES
from tinyq.plots.speed import LINES

record = json.loads(Path("../book/engines.json").read_text())
machine, runs = record["machine"], record["runs"]

# %%
print(f"measured {record['date']}, {record['python']}")
print(f"on {machine['cores']} cores of {machine['processor']}, {machine['architecture']}:")
print(fill(" ".join(machine["features"]), 72, initial_indent="  ", subsequent_indent="  "))
for runner, version in record["versions"].items():
    print(f"{runner:20} {version}")
for runner, why in record["missing"].items():
    print(f"{runner:20} was not measured: {why}")
print()
print(fill(record["call"], 72))

# %% [markdown]
# ## The bytes first
#
# A time means little when the answer is another one. The layers' own answer is the measure here. The table counts the images whose logits are all the same as theirs, over all cases.

# %%
def equal_images(runner):
    """Return how many images have the layers' logits, of how many; None for floats."""
    of = [run for run in runs if run["runner"] == runner]
    if any(run["equal_images"] is None for run in of):
        return None
    return sum(run["equal_images"] for run in of), sum(run["images"] for run in of)


for runner in dict.fromkeys(run["runner"] for run in runs):
    found = equal_images(runner)
    print(f"{runner:20}", f"{found[0]:5} of {found[1]}" if found else "float, nothing to compare")

# %% [markdown]
# The engines miss none, and the next cell fails if they ever do. The same goes for every point of the growth below. What the runtimes miss are no bugs: they round by another rule, and the
# [verification ledger](verification_ledger.ipynb) shows that each keeps to its own. LiteRT's reference kernels round as `tinyq` does, but for the last dense layer, where they use float64.

# %%
exact = [row for row in (*runs, *record["growth"]) if row["runner"] in ("layers", *ENGINES)]
assert {row["runner"] for row in exact} == {"layers", *ENGINES}
for row in exact:
    assert row["equal_logits"] == row["logits"] > 0, row

# %% [markdown]
# ## Side by side
#
# There are two networks. The seed is the small one of this book. The other has the shape of the seed and the size of ResNet-18: images of 224×224, 64 channels, 1,000 classes. The times are
# milliseconds a call of the whole batch. Behind them stand billions of products a second, and by how much the peak of the process's memory rose. In that the runtimes' own code counts too, and for
# `"vnni"` the compiler of numba.

# %%
sizes = {one["network"]: one for one in record["networks"]}
for name, one in sizes.items():
    print(f"{name}: {one['mac']:,} products an image,")
    print(f"  {one['weight_bytes']:,} bytes of weights, {one['activation_bytes']:,} of activations")

# %%
def digits(x):
    """Return x in three digits or all before the point."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def table(network, batch):
    """Print a line a runner."""
    print(f"{network}, batch {batch}")
    print(f"  {'':20} {'ms':>9} {'GMAC/s':>7} {'MB':>5}  equal images")
    for run in runs:
        if (run["network"], run["batch"]) == (network, batch):
            same = run["equal_images"]
            same = "float" if same is None else f"{same} of {run['images']}"
            print(f"  {run['runner']:20} {digits(run['us'] / 1e3):>9}"
                  f" {digits(run['gmac_per_s']):>7} {digits(run['peak_bytes'] / 1e6):>5}  {same}")


cases = list(dict.fromkeys((run["network"], run["batch"]) for run in runs))
for case in cases:
    table(*case)
    print()

# %% [markdown]
# Who is first depends on the case, and on whether the bytes matter.

# %%
def runs_of(network, batch):
    return [run for run in runs if (run["network"], run["batch"]) == (network, batch)]


for case in cases:
    fastest = min(runs_of(*case), key=lambda run: run["us"])
    same = [run for run in runs_of(*case) if run["equal_logits"] == run["logits"]]
    first = min(same, key=lambda run: run["us"])
    print(f"{case[0]}, batch {case[1]}")
    for words, run in (("fastest", fastest), ("with every byte", first)):
        print(f"  {words:17}{run['runner']}, {digits(run['us'] / 1e3)} ms")

# %% [markdown]
# On a single image a runtime with another rounding may hit every byte by luck. The larger batches tell them apart. Here they are as figures.

# %% mystnb={"image": {"alt": "A row a runner: the time for the largest batch of the seed on a logarithmic axis, blue where every logit is that of the layers. The table above has the numbers."}, "figure": {"caption": "The seed, the larger batch. Blue gives every byte of the layers.", "name": "fig-speed-seed"}}
small, large = sorted(sizes, key=lambda name: sizes[name]["mac"])
plots.speeds(runs_of(*max(case for case in cases if case[0] == small)))

# %% mystnb={"image": {"alt": "The same for the network of ResNet-18's size. The table above has the numbers."}, "figure": {"caption": "The stem and block of ResNet-18's size, the larger batch.", "name": "fig-speed-block"}}
plots.speeds(runs_of(*max(case for case in cases if case[0] == large)))

# %% [markdown]
# ## In ratios
#
# A ratio says more than a time, because both halves of it saw the same machine. Each line has a runner's time as a multiple of the engines': below 1 it is faster than they are.

# %%
for case in cases:
    us = {run["runner"]: run["us"] for run in runs_of(*case)}
    print(f"{case[0] + ', batch ' + str(case[1]):28}", *(f"{name:>8}" for name in ENGINES))
    for runner in us:
        times = (f"{us[runner] / us[engine]:8.3g}" for engine in ENGINES)
        print(f"  {runner:26}", *times)
    print()

# %% [markdown]
# A plan is bought with memory: packed weights, tables, and the place where windows are gathered. The next table holds it against the activations and weights of the network, which any runner needs in some form. No plan takes three times as much, and this cell fails if one ever does.

# %%
held = {(r["runner"], r["network"], r["batch"]): r["plan_bytes"] for r in runs}
for (engine, network, batch), plan_bytes in held.items():
    if engine in ENGINES:
        whole = sizes[network]["weight_bytes"] + sizes[network]["activation_bytes"] * batch
        assert plan_bytes < 3 * whole
        print(f"{engine:6} {network}, batch {batch}: {digits(plan_bytes / 1e6)} MB,"
              f" {plan_bytes / whole:.2g} times activations and weights")

# %% [markdown]
# ## How cost grows
#
# The image's side and the channels grow in the large network, the number of images in the seed. A straight line in these figures is a power. Work grows with the square of the side, and with a
# power of the channels between the first and the second.

# %% mystnb={"image": {"alt": "Three rows of two panels, all axes logarithmic. Rows: side of the image, channels, images in a call. Left the milliseconds of a call for the layers, the two engines and XNNPACK, right the megabytes of a plan of the two engines. The engines' lines of time start flat and get steeper; those of the layers and of XNNPACK are nearly straight, but for XNNPACK over the channels. The next cell prints the numbers at their ends."}, "figure": {"caption": "Time of a call and memory of a plan.", "name": "fig-growth"}}
words = {"side": "side of the image", "channels": "channels", "batch": "images in a call"}
plots.growth(record["growth"], words)

# %%
for axis in words:
    rows = [row for row in record["growth"] if row["axis"] == axis]
    ends = min(r["value"] for r in rows), max(r["value"] for r in rows)
    first, last = ([r for r in rows if r["value"] == end] for end in ends)
    print(f"{words[axis]} {ends[0]} to {ends[1]}: {last[0]['mac'] / first[0]['mac']:,.0f} times the products")
    for a, b in zip(first, last, strict=True):
        memory = f"{b['plan_bytes'] / a['plan_bytes']:7.1f} times the plan" if a["plan_bytes"] else ""
        print(f"  {a['runner']:20} {b['us'] / a['us']:7.1f} times the time {memory}".rstrip())

# %% [markdown]
# Where a line is flat, the products are not what takes the time. A plan has a handful of steps, and each costs some microseconds of Python however small its tensors are. Below a certain size that is all one
# sees, and a runtime without Python is ahead. For the large network a plan takes less memory than its activations together, because the tensors inside a step are never written in full.
#
# ## The roofline
#
# Two things bound any program: the products that the processor can make, and the bytes that memory can bring. A **roofline** draws both. Along the axis stands how many products a network has for each byte that
# must move. On the left memory is the roof, a slope. On the right the products are, a level for each kind. The slope is that of the main memory, each byte read or written counted. What fits a cache may pass it.

# %% mystnb={"image": {"alt": "Both axes logarithmic: products a byte along, billions of products a second up. A slope for memory ends in two levels, a lower one for float32 products and a higher one for products of bytes. Below them, at the four cases, the marks of the layers, LiteRT's reference, the two engines and XNNPACK. The next cell prints the numbers."}, "figure": {"caption": "The roofs of this machine, and the cases below them.", "name": "fig-roofline"}}
under = [run for run in runs if run["runner"] in LINES]
plots.roofline(record["roofline"], under)

# %%
roof = {}
for row in record["roofline"]["rates"]:
    size = "x".join(map(str, row["product"]))
    print(f"{row['kernel']:12} {size:15} {digits(row['gmac_per_s']):>5} GMAC/s")
    roof[row["kernel"]] = max(roof.get(row["kernel"], 0), row["gmac_per_s"])
for row in record["roofline"]["copy"]:
    print(f"a copy: {digits(row['gb_per_s'])} GB/s")
for engine, kernel in (("numpy", "float32 BLAS"), ("vnni", "u8 x s8")):
    share = next(r for r in runs_of(*min(case for case in cases if case[0] == large))
                 if r["runner"] == engine)["gmac_per_s"] / roof[kernel]
    print(f"{engine}: {share:.0%} of the roof of {kernel}, on one image of {large}")

# %% [markdown]
# The engines stay below their roof because a layer is more than its product. Windows have to be gathered, sums have to become codes. The faster the product, the more of the time is spent
# there, and the farther `"vnni"` is from its roof.
#
# ## What was tried and lost
#
# **Requantization in float32.** One multiplication instead of six integer passes looked cheap. But DOUBLE decides on the exact product, of up to 62 bits. A float32 is off by up to $2^{-24}$ of the value, so sums close to a tie fall on the wrong side,
# fused multiply-add or not. In float64 every code that was tried was right, which is no proof, and it was no faster than int64. So the integers stayed: they are the book's own arithmetic.
#
# **Gathering pixel by pixel.** The first gather in numba had a loop for each pixel of a window. It copied three bytes at a time in the stem, and took many times as long as the product. Copying whole rows of the window
# from a view cured it, and grouping neighbours made the rows longer.
#
# **Pooling while requantizing.** A requantizer that looks for the largest of four sums in its inner loop reads each sum once. The compiler could not turn that loop into instructions on many
# numbers. Two plain loops, one after the other, were several times as fast.
#
# **More threads in Python.** `compile` could once share the rows of large layers among several threads. To wake a thread takes as long as a small layer, so two of them gained nothing on the seed. On one image of the large network they made
# `"vnni"` 1.1 times as fast, where they made XNNPACK 1.8 times as fast. A thread that waited for the others also never stopped waiting in a process that was forked meanwhile. One thread is simpler, and it is what this page measures.
#
# ## What the numbers do not say
#
# They are of one machine and one day, and both stand at the top of this page. Another processor has other roofs: without VNNI the engine `"vnni"` may find its product inexact, and then falls back to BLAS. The
# networks are a stem and a block, not a whole ResNet. The runtimes were used as their makers ship them in wheels, by a person who knows `tinyq` better than them. Their makers might do better. What carries
# over is the order of things: gather, multiply, rescale, and which of them takes the time.

# %%
assert all(held[engine, large, 1] < sizes[large]["activation_bytes"] for engine in ENGINES)
assert [*sizes] == list(dict.fromkeys(network for network, _ in cases))
for run in runs:
    rate = sizes[run["network"]]["mac"] * run["batch"] / run["us"] / 1e3
    assert abs(rate / run["gmac_per_s"] - 1) < 1e-3, run
    assert 0 < run["q1"] <= run["us"] <= run["q3"], run
