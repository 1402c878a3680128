# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 13 · Prove it and ship it
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** plant 55 bugs and see which checks notice. Then write the network as C and as .tflite, and compare the bytes.
#
# **Learn:** what golden bytes, a second program, laws and other people's runtimes can prove, and what each of them misses. Which files fix
# the rounding, and which leave it to the runtime.
#
# **Need:** the roundings of [chapter 5](05_come_back_to_8_bits.ipynb), and the whole block of
# [chapter 10](10_run_the_whole_block.ipynb).
#
# **Time:** 55 minutes
# :::

# %%
import json
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import tinyq
from tinyq import Grid, Requantizer, export, layers, loops, plots, runtimes
from tinyq.exercise import check
from tinyq.mutants import MUTANTS
from tinyq.widgets import AgreementMatrix

seed = tinyq.resnet.seed()
net = tinyq.resnet.stem_block(seed.weights, seed.biases)
qnet, images = net.quantize(seed.images), seed.images[:4]

# %% [markdown]
# ## Ask what sixteen bytes prove
#
# [Chapter 10](10_run_the_whole_block.ipynb) ended with sixteen golden bytes, and `tinyq` gives every one of them. [Chapter 5](05_come_back_to_8_bits.ipynb) had an accumulator, 7984, that
# becomes 12 by DOUBLE and 11 by SINGLE.

# %%
golden = np.int8([[-8, 102, 89, -41], [-20, 71, 55, -60],
                  [-16, 89, 78, -44], [5, 124, 109, -34]])
disputed = Requantizer(1583594044 / 2**40)
assert np.array_equal(qnet(images), golden)
assert disputed.rescale(7984) == 12

# %% [markdown]
# Now put the wrong rule, SINGLE, into the whole network. `tinyq.mutants` has it ready. A **mutant** is a small bug, planted on
# purpose: inside the `with`, a wrong function stands in the place of a right one.

# %%
bugs = {mutant.name: mutant for mutant in MUTANTS}
with bugs["single_rounding"].planted():
    wrong, answer = (qnet(images) != golden).sum(), disputed.rescale(7984)[0]
print(f"SINGLE: {wrong} golden bytes wrong; 7984 becomes {answer}, not 12")
assert (wrong, answer) == (0, 11)

# %% [markdown]
# The rule is wrong and all sixteen bytes are right. The pair of 7984 and 12 sees it at once.
#
# A stored input with its stored answer is called a **golden vector**. It proves that the program is right where
# this input leads it, and says nothing about the rest. The seed's images are all square, and its biases are all 0. A program that forgets
# the bias, or takes the height for the width, still gives the golden bytes.
#
# ## Write it twice
#
# For other inputs somebody must know the answers. So write the program a second time, so plainly that each line can be
# compared with the specification by eye. `tinyq.loops` is that second program: loop nests over Python integers, which share no line with
# `tinyq.layers`. Such a program is an **oracle**. Here is its convolution on the seed's stem.

# %%
stem, dense, codes = qnet.nodes[1].layer, qnet.nodes[-1].layer, qnet.trace(images)
rest = stem.requantizer.multiplier.tolist(), stem.requantizer.shift.tolist(), -1
padded, weights = codes["stem_pad"][0], (stem.weight, stem.bias)
nest = loops.conv2d(padded, *weights, (2, 2), -1, *rest)
assert np.array_equal(nest, codes["stem_conv7x7_s2"][0])

# %% [markdown]
# `runtimes.oracle.forward` does the same for any layer. A layer and its loop nest are twins, and with twins inputs can be drawn at random, as many as you
# like. Draw them where the seed never goes: with biases, on oblong images, with a stride that differs down and across. Scales that are powers of two make ties.

# %%
def random_layers(rng):
    """Yield a layer of each kind, on random grids."""
    scales, zeros = 2.0 ** rng.integers(-8, -2, 3), rng.integers(-90, 128, 3)
    a, b, c = map(Grid, scales.tolist(), zeros.tolist())

    def parts(*shape):
        weights, bias = rng.uniform(-1, 1, shape), rng.uniform(-1, 1, shape[0])
        return weights.astype(np.float32), bias.astype(np.float32)

    yield layers.QConv2DPerChannel.from_float(*parts(3, 3, 2, 4), a, b, (2, 1))
    yield layers.QConv2D.from_float(*parts(3, 1, 2, 4), b, c, (1, 2))
    yield layers.QDense.from_float(*parts(3, 30), a, c)
    yield from (layers.QAdd.from_float(a, b, c), layers.QPad2D(a, (1, 2, 3, 0)))
    yield from (layers.qrelu(a), layers.QClamp(b, low=-95, high=107))
    yield layers.QMaxPool2D(a, (2, 3), (2, 2))
    yield from (layers.QAvgPool2D(b, (2, 2), (1, 2)), layers.QGlobalAvgPool2D(c))


# %%
def twins_agree():
    """Whether 40 random layers give the codes of the oracle."""
    for number in range(4):
        rng = np.random.default_rng(number)
        for layer in random_layers(rng):
            shape = (30,) if isinstance(layer, layers.QDense) else (5, 6, 4)
            count = 1 + isinstance(layer, layers.QAdd)
            codes = rng.integers(-128, 128, (count, *shape)).astype(np.int8)
            fast = layer.forward(*codes[:, None])[0].tolist()
            if fast != runtimes.oracle.forward(layer, *codes):
                return False
    return True


assert twins_agree()
missed = ("bias_forgotten", "global_mean_of_a_square")
assert not any(bugs[name].caught_by_golden for name in missed)

# %% [markdown]
# Forty layers, every byte equal. But the oracle was handed the weight codes, the int32 biases and the scales. Had the host made
# those wrongly, both programs would go wrong together.
#
# ## State what must hold
#
# Some sentences are true for every input, and checking them takes no second program. Call them laws.
# [Chapter 1](01_put_numbers_on_a_grid.ipynb) has one: rounding costs half a step at most. And 0 comes back as 0, and what is beyond the range is held at its ends.

# %%
def grids_hold():
    """Whether grids keep (1.5), return 0 as 0, and hold what is beyond."""
    held = True
    for lo, hi in ((-1, 1), (-7.9, 7.91), (1.3, 4.9), (-0.3, 9.1), (-5, -2)):
        grid, x = Grid.from_range(lo, hi), np.linspace(lo, hi, 1001)
        back = grid.dequantize(grid.quantize(x)).astype(float)
        held &= bool(np.abs(back - x).max() <= 0.5001 * grid.scale)
        held &= grid.dequantize(grid.quantize(0.0)) == 0
        held &= grid.quantize([-1000.0, 1000.0]).tolist() == [-128, 127]
    return held

# %% [markdown]
# (0.5001 leaves room for the float32 of `dequantize`.) The host rounds weights, biases and multipliers too. None of them may be
# more than half a step away from what it stands for.

# %%
def host_holds():
    """Whether weights, biases and multipliers stand for their floats."""
    rng, loud = np.random.default_rng(5), np.float32([1, 0.1, 9])
    weights = np.float32(rng.uniform(-1, 1, (3, 3, 2, 5)) * loud[:, None, None, None])
    bias, a, b = np.float32([-1.5, 0.2, 2]), Grid(0.02, -100), Grid(0.3, 5)
    held = Requantizer(1 - 2**-33).multiplier.item() > 0  # 2**31 would wrap
    for kind in (layers.QConv2D, layers.QConv2DPerChannel):
        layer = kind.from_float(weights, bias, a, b)
        scale, q = layer.weight_scale.astype(float), layer.requantizer
        step = a.scale * scale
        pairs = [(layer.weight, weights / scale.reshape(-1, 1, 1, 1))]
        pairs += [(layer.bias, bias / step)]
        pairs += [(q.multiplier, step / b.scale * 2.0 ** (31 + q.shift))]
        held &= all(np.abs(got - want).max() <= 0.5001 for got, want in pairs)
    return held


# %% [markdown]
# ## Plant every bug
#
# Who tests the tests? The mutants. There are 55, and the [bug gallery](bug_gallery.ipynb) names threads in which 26 of
# them bit someone. Plant one after the other and ask four checks whether they notice: the seed's pass mark, its golden bytes, the twins, the laws.

# %% mystnb={"image": {"alt": "Four rows of 55 bars, in six groups: grids, weights, sums, rescale, passing, add. The pass mark notices 11 bugs, scattered over the groups. The golden bytes notice 32. The twins notice none in grids and weights and all but one of the others. The laws notice all but two in grids and weights and none elsewhere. Triangles under three columns mark bugs that no row notices."}, "figure": {"caption": "A column is a planted bug, blue where the check notices it. The number counts the blue ones. A triangle marks a bug that none of the four notices.", "name": "fig-sieve"}}
def requantized():
    return net.quantize(seed.images)


checks = {
    "pass mark": lambda: tinyq.parity.compare(net, requantized(), images).passed,
    "golden bytes": lambda: np.array_equal(requantized()(images), golden),
    "twins": twins_agree,
    "laws": lambda: grids_hold() and host_holds(),
}
caught = {name: [] for name in checks}
for mutant in MUTANTS:
    with mutant.planted():
        for name, holds in checks.items():
            caught[name].append(not holds())
groups = [mutant.wrong.__module__.split(".")[-1] for mutant in MUTANTS]
plots.sieve(groups, caught)

# %% [markdown]
# The pass mark lets 44 of 55 bugs through, the golden bytes 23. The twins see nearly everything at run time and nothing
# of the host. The laws see the host and nothing else. No row can stand in for another, and three bugs escape all four.

# %%
answers = list(zip(*caught.values(), strict=True))
print(*(bug for bug, row in zip(bugs, answers, strict=True) if not any(row)))
assert np.sum(answers, axis=0).tolist() == [11, 32, 38, 14]
assert len(answers) == 55
assert all(holds() for holds in checks.values())

# %% [markdown]
# The last line: without a bug, every check holds. Each of the three escapes for a reason. A law of half a step allows both neighbours of a tie. No weight of ours was -128. No ratio
# of ours was above 1, and only those shift to the left. Each asks for one more golden vector, at an edge that chance does not find. The package's own tests have twenty
# checks, and no mutant passes them all.
#
# ## Ask the runtimes
#
# Twins have a parent in common. Whoever misreads the specification misreads it twice. Against that helps only a program
# that other people wrote. `make agreement` asks six runtimes about 2,500 random layers of each kind. The answers stand in
# `book/agreement.json`, and the [verification ledger](verification_ledger.ipynb) shows them all. Here is `tinyq` as the book leaves it, under DOUBLE.
# Two thirds of the cases are made to be hard. Pick a cell with the mouse or the arrow keys: below it stands the first code that differs, as the runtime
# gave it and as it comes out here.

# %%
ledger = json.loads(Path("../book/agreement.json").read_text())
assert len(ledger["pairs"]) == 66 and all(p["exact"] for p in ledger["pairs"])
AgreementMatrix()

# %% [markdown]
# TFLite Micro agrees in every byte. The others follow rules of their own, which `tinyq.runtimes` writes down. The assert says that `tinyq`, set to the
# runtime's own rule, gives every byte of all 66 pairs of an operator and a runtime.
#
# 1. The cell that is chosen has LiteRT's optimized convolution: 2,426 of 2,500 cases equal. The first that differs is -75 there and -76 by DOUBLE. By UP it is
#    -75, computed in the page.
# 2. Set `rule` to UP. That column reads "all" for both convolutions and the dense layer, and 83.8 % for the add, which has a rule of its own.
# 3. Set `rule` to SINGLE. No cell reads "all". Set it to each runtime's own rule: every cell does.
#
# ## Replay the first byte that differs
#
# Where a runtime and DOUBLE differ, the ledger keeps the first code, with all that it takes to compute it again. Take XNNPACK's
# convolution: accumulator 2367, ratio 1/128, zero_point -123. The exact result is 18.4922 steps. XNNPACK rounds
# it to 18, and 18 - 123 is -105. For DOUBLE 1/128 is a multiplier, which halves, and a shift, which divides by 64. Half of 2367 is 1183.5, rounded 1184. 1184/64 is 18.5.
# That is a tie, it goes away from zero, and 19 - 123 is -104.

# %%
up = AgreementMatrix(rule="UP").value["matrix"]
assert [row[2] for row in up[:4]] == [2500, 2500, 2500, 2097]
for pair in (p for p in ledger["pairs"] if "SINGLE" in p["rules"]):
    assert pair["rules"]["SINGLE"]["equal"] < pair["cases"]
assert AgreementMatrix().value["own_replayed"] == -75
pairs = {(p["operator"], p["runtime"]): p for p in ledger["pairs"]}
case = pairs["conv", "litert-xnnpack"]["rules"]["DOUBLE"]["first"]
acc, (out_scale, zero_point) = case["acc"], case["out_grid"]
ratio = case["in_scale"] * case["weight_scale"] / out_scale
m, n = loops.quantize_multiplier(ratio)
high = loops.saturating_rounding_doubling_high_mul(acc, m)
print(f"exact {acc * ratio:.4f}; by DOUBLE {high} / {2**n} = {high / 2**n}")
assert loops.requantize(acc, m, n, zero_point) == case["tinyq"] == -104
assert round(acc * ratio) + zero_point == case["runtime"] == -105

# %% [markdown]
# The first rounding made a tie of what was none, as it did with 7984. The ledger replays the first difference of every pair, and
# runs the tests that the `onnx` package has for those who write a backend.
#
# ## Ship one file
#
# What you ship must arrive as it was. `export.npz` writes layers, grids and a checksum into one file, and `export.load` reads it. It refuses a file that was
# damaged on the way, with the error that stands in [Ship a network](../book/shipping.md).

# %%
temporary, codes = TemporaryDirectory(), qnet.trace(seed.images)
folder = Path(temporary.name)
export.npz(qnet, folder / "seed.npz")
back = export.load(folder / "seed.npz").trace(seed.images)
assert all(np.array_equal(back[name], codes[name]) for name in codes)

# %% [markdown]
# Every tensor of 32 images is the same.
#
# ## Ship it as C
#
# A microcontroller has no Python, and perhaps no floats. `export.c` writes integer functions and constants. Here are the constants of the last layer.

# %%
export.c(qnet, folder, images=images)
text = (folder / "network_data.h").read_text()
dense_at = text.index("static const struct ratio n12")
constants = text[dense_at : text.index("static const struct conv2d n12")]
print(constants.strip())

# %% [markdown]
# No scale is left. The ratio stands there as multiplier and shift, and nobody can round it in another way. Read the numbers
# back from the text, and compute the golden bytes with them. Where there is a C compiler, the cell also builds the program, and demands the same bytes from it. It prints
# nothing about that, so that the page is the same on every machine.

# %%
arrays = re.findall("= {(.*?)};", constants, re.S)
(m, n), weight, bias = (
    [int(number) for number in re.findall(r"-?\d+", array)]
    for array in arrays)
steps = codes["global_avgpool"][:4].astype(int) + 128
accs = steps @ np.reshape(weight, (4, 8)).T + bias
acc = accs[0, 0]
print(f"{acc} * {m} / 2**{31 + n} = {acc * m / 2 ** (31 + n):.2f}")
logits = [loops.requantize(int(a), m, n, -128) for a in accs.flat]
assert logits == golden.ravel().tolist()
if compiler := shutil.which("cc"):
    subprocess.run([compiler, "network.c", "main.c"], cwd=folder, check=True)
    printed = subprocess.check_output("./a.out", cwd=folder, text=True)
    rows = [line.split(": ")[1].split() for line in printed.splitlines()]
    assert np.array_equal(np.array(rows).astype(int), golden)

# %% [markdown]
# 119.92 is rounded to 120, and 120 - 128 is -8. On a Cortex-M4 all of it fits into 5 kB of ROM and 2 kB of RAM, and
# [Ship a network](../book/shipping.md) has the exact bytes.
#
# ## Ship it to a runtime
#
# `export.tflite` and `export.onnx` write files for runtimes. These hold scales and no multiplier: each runtime derives its own
# and rounds as it does. Here are answers of two runtimes for one image, as `python -m tools.agreement --vectors` stored them.

# %%
meta = json.loads(np.load("../tests/data/agreement_vectors.npz")["meta"].item())
answers = {name: np.int8(a[0]) for name, a in meta["logits"].items()}
print(f"{'tinyq':33}", *codes["dense_8x4"][25])
for name in ("tflite-micro", "onnxruntime"):
    print(f"{meta['versions'][name]:33}", *answers[name][25])

# %% [markdown]
# TFLite Micro gives the bytes of `tinyq`. ONNX Runtime, which rounds by FLOAT32, is one higher in two logits. Where TFLite Micro and LiteRT are installed, the
# next cell writes the file and hands it to TFLite Micro. The logits of all 32 images must be the stored ones.

# %%
try:
    export.tflite(qnet, folder / "seed.tflite", count=32)
    from tflite_micro.python.tflite_micro.runtime import Interpreter
except ImportError:
    pass  # without the wheel the stored answer stands alone
else:
    model = (folder / "seed.tflite").read_bytes()
    micro = Interpreter.from_bytes(model, arena_size=2**22)
    micro.set_input(codes["input"], 0)
    micro.invoke()
    assert np.array_equal(micro.get_output(0), answers["tflite-micro"])
assert np.array_equal(answers["tflite-micro"], codes["dense_8x4"])
same = [np.array_equal(a[:4], golden) for a in answers.values()]
assert all(same) and len(same) == 6

# %% [markdown]
# A converter's choice matters as much. The ledger has 2,000 images of random networks. With the last pool written as AVERAGE_POOL_2D, XNNPACK's logits
# are all DOUBLE's on 1,771 of them, with MEAN on 895. A code that is off by one often vanishes in a later layer. After a MEAN it cannot: only the dense
# layer follows, and its grid is finer.
#
# ## Ship it with its proof
#
# When a network leaves your hands, it runs on machines that you do not see. Send golden vectors along, and store every tensor, not the logits alone. Then
# whoever gets other bytes can name the first layer that differs. This cell prints that layer for the rules of six runtimes, on all 32 images. It also
# holds the logits of each rule against the answers of the runtime itself.

# %%
for name, runtime in runtimes.RUNTIMES.items():
    theirs = runtimes.trace(qnet, seed.images, runtime)
    differs = (key for key in codes if (codes[key] != theirs[key]).any())
    print(f"{name:17}{next(differs, 'none')}")
    assert np.array_equal(theirs["dense_8x4"], answers[name])

# %% [markdown]
# Yet all six give the sixteen golden bytes. The seed's own vectors cannot tell TFLite Micro from PyTorch. The inner
# tensors can tell it from four of the five others. For LiteRT's reference kernels you need one more vector, in the dense layer.
#
# ## Exercises
#
# ### Exercise 1: Saturate in pairs
#
# **Goal.** Break it: a fast x86 kernel adds the products two by two in int16, and what leaves -32768..32767 is held at the end. This bit users of
# [ONNX Runtime](https://github.com/microsoft/onnxruntime/issues/16105). Write that sum for one output of the dense layer: the pairs (0, 1), (2, 3) and so on,
# each held in int16, then all added up. `steps` are the codes minus the zero_point. There is no bias.

# %% tags=["stub"]
def paired_sum(weights, steps):
    """Return the sum of products of two lists of ints of even length."""
    return ...


# %% tags=["check"]
loud = np.where(dense.weight[:1] > 0, 127, -128).astype(np.int8)
with bugs["pairs_saturate_at_16_bits"].planted():
    want = int(dense.accumulate(loud)[0, 0])
steps, hint = (loud[0].astype(int) + 128).tolist(), "hold each pair, not the total."
_ = check(paired_sum(dense.weight[0].tolist(), steps), want, hint)

# %% tags=["solution", "hide-cell"]
def paired_sum(weights, steps):
    """Return the sum of products of two lists of ints of even length."""
    products = [w * step for w, step in zip(weights, steps, strict=True)]
    pairs = map(sum, zip(products[::2], products[1::2], strict=True))
    return sum(min(max(pair, -(2**15)), 2**15 - 1) for pair in pairs)


assert check(paired_sum(dense.weight[0].tolist(), steps), want)
right, code = int(dense.accumulate(loud)[0, 0]), dense.forward(loud)[0, 0]
print(f"right {right}, in pairs {want}; the code is {code} by both")
products = dense.weight * (codes["global_avgpool"][:, None, :] + 128.0)
assert (products[..., ::2] + products[..., 1::2]).max() == 29300
with bugs["pairs_saturate_at_16_bits"].planted():
    assert dense.forward(loud)[0, 0] == code == 127

# %% [markdown]
# :::{dropdown} How you would notice
# Not from the seed: on its 32 images no pair exceeds 29,300. Not from loud inputs alone either: both sums are
# clamped to code 127. Compare the accumulators, or give the test an output grid wide enough not to clamp. The twins did notice: 30 random codes
# and weights are loud, and their sums cancel.
# :::
#
# ### Exercise 2: Count the RAM
#
# **Goal.** The C keeps the tensors between input and output in one array. A tensor needs its bytes from the step that makes it until the last step that
# reads it has run. Input and output are the caller's, so `sizes` leaves them out. Return the most bytes that are needed at once. The first example has a skip: `a` must stay until `d` is made of it.

# %% tags=["stub"]
def peak_bytes(steps, sizes):
    """Return the peak. steps: {made: read}; sizes: {name: bytes}."""
    return ...


# %% tags=["check"]
skip = {"a": ["input"], "b": ["a"], "c": ["b"], "d": ["a", "c"], "e": ["d"]}
small, hint = dict(a=100, b=100, c=100, d=10), "count what is read, made, or waits."
steps = {node.name: node.inputs for node in qnet.nodes}
sizes = {name: codes[name][0].size for name in list(steps)[:-1]}
_ = check((peak_bytes(skip, small), peak_bytes(steps, sizes)), (300, 1964), hint)

# %% tags=["solution", "hide-cell"]
def peak_bytes(steps, sizes):
    """Return the peak. steps: {made: read}; sizes: {name: bytes}."""
    made = {name: i for i, name in enumerate(steps)}
    read = {name: made[reader] for reader in steps for name in steps[reader]}
    return max(
        sum(sizes[name] for name in sizes if made[name] <= i <= read[name])
        for i in made.values())


peak = peak_bytes(steps, sizes)
assert check((peak_bytes(skip, small), peak), (300, 1964))
print(f"{peak} bytes at once, {sum(sizes.values())} one after another")
assert f"int8_t arena[{peak}];" in (folder / "network.c").read_text()
assert (sizes["stem_pad"], sizes["stem_conv7x7_s2"]) == (1452, 512)

# %% [markdown]
# The peak is in the stem: 1,452 bytes of padded image, and the 512 that are made of it. The exporter finds the same number.
#
# ## Check yourself
#
# 1. Every twin agrees, on a million random layers. What can still be wrong?
#
#    :::{dropdown} Answer
#    The specification, or the way you read it: both programs came from one reading. And everything that both were handed, such as the
#    weight codes. Another's program answers the first, a law the second.
#    :::
#
# 2. A test compares each layer with a runtime and allows a difference of one code. Which bugs does it let through?
#
#    :::{dropdown} Answer
#    Every wrong rounding rule. On the seed's convolutions they are off by one code at most. A tolerance of one code is a decision not to test the rounding.
#    :::
#
# 3. The same .tflite gives another byte on another runtime. Which of the two is wrong?
#
#    :::{dropdown} Answer
#    Perhaps neither. The file holds scales, and each runtime derives the multiplier and rounds by its own rule. Hold each against `tinyq` under that
#    rule. Who needs the same bytes everywhere ships the C, in which multiplier and rule are written down.
#    :::

# %% [markdown]
# ## What we built
#
# `runtimes.oracle.forward` runs a layer through its loop nest, as you did with the stem by hand. This cell runs the whole network so, on the last image, and
# demands all fourteen tensors. Then it checks what the prose above has claimed.

# %%
slow = runtimes.oracle.trace(qnet, codes["input"][31])
assert list(slow) == list(codes) and len(slow) == 14
assert all(np.array_equal(slow[name], codes[name][31]) for name in slow)

with bugs["ties_up"].planted():
    moved = stem.forward(codes["stem_pad"]) - codes["stem_conv7x7_s2"]
assert np.abs(moved).max() == 1
tallies = [p["rules"]["DOUBLE"] for key, p in pairs.items() if key[1] == "tflite-micro"]
assert all(tally["equal"] == 2500 for tally in tallies)
assert all(n["images"] == n["own"] == 2000 for n in ledger["networks"])
xnnpack = [n["double"] for n in ledger["networks"] if n["runtime"] == "litert-xnnpack"]
assert xnnpack[:2] == [1771, 895]
assert len(json.loads(Path("../book/bug_threads.json").read_text())) == 26
