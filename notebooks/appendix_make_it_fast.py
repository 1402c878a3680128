# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A · Make it fast
#
# :::{admonition} In this chapter
# :class: chapter-box
# **Do:** take one convolution from loops to the int8 instructions of the processor, and hold each step against the same bytes.
#
# **Learn:** why int8 is fast, when a product of codes in floats is exact, and what takes the time once the products do not.
#
# **Need:** the folded bias (4.5) of [chapter 4](04_accumulate_in_int32.ipynb), the rescaling of [chapter 5](05_come_back_to_8_bits.ipynb), the max pool
# of [chapter 7](07_pass_for_free.ipynb).
#
# **Time:** 40 minutes
# :::
#
# The layers of this book are written to be read. Here one of them becomes thousands of times as fast as its loops, and no byte changes.

# %%
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core, like the loops

import json
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinyq import Grid, layers, plots, resnet
from tinyq.engines import ENGINES
from tinyq.engines.fuse import Op, fuse
from tinyq.engines.linear import spec_of
from tinyq.exercise import check

# %% [markdown]
# ## Count the products
#
# Take a 3×3 layer like those of a ResNet: 64 channels in, 64 out, on 28×28 pixels with their border. Weights and codes are random.

# %%
rng = np.random.default_rng(7)
weights, bias = rng.uniform(-0.1, 0.1, (64, 3, 3, 64)), rng.uniform(-1, 1, 64)
parts = np.float32(weights), np.float32(bias), Grid(0.02, -5), Grid(0.05, -8)
layer = layers.QConv2DPerChannel.from_float(*parts)
codes = rng.integers(-128, 128, (1, 30, 30, 64)).astype(np.int8)
want, z = layer.accumulate(codes), layer.in_grid.zero_point


def one_sum(window, filter, acc):
    for q, w in zip(window, filter, strict=True):
        acc += w * (q - z)
    return acc


lists = codes[0, 2:5, 3:6].ravel().tolist(), layer.weight[4].ravel().tolist()
assert one_sum(*lists, int(layer.bias[4])) == want[0, 2, 3, 4]
print(f"{want.size} sums of {len(lists[0])} products: {want.size * 576}")

# %% [markdown]
# `one_sum` is (4.1), the loop of chapter 4. It makes one sum of 50,176. The whole layer takes 29 million products, and each of the sixteen 3×3 layers of a ResNet-18 takes twice or four times as many.
#
# To compare two ways, let them take turns, several times, and keep the shortest time of each. What disturbs the machine then disturbs both. The page prints ratios. They are
# those of one machine, and no test compares them. What the tests compare is the bytes.

# %%
def race(calls, rounds=7):
    """Return the shortest time of each call, in seconds; they take turns."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = perf_counter()
            call()
            times[name].append(perf_counter() - start)
    return {name: min(taken) for name, taken in times.items()}


def tell(times):
    """Print how many times as fast each call is as the one before it."""
    for (a, slow), (b, fast) in pairwise(times.items()):
        print(f"{b}: {float(f'{slow / fast:.2g}'):g} times as fast as {a}")

# %% [markdown]
# ## Gather the windows
#
# Copy each window into a row of a matrix, and each filter into a column of another. Then every sum of the layer is a row times a column, and the layer is one
# product of two matrices. The copying is called **im2col**, the product **GEMM**, for general matrix multiply.

# %% mystnb={"image": {"alt": "Left a 4 by 4 image with the numbers 0 to 15, a window of 3 by 3 shaded in its lower left corner. Right a matrix of four rows and nine columns, its third row shaded: 4, 5, 6, 8, 9, 10, 12, 13, 14, the numbers of that window."}, "figure": {"caption": "An image of 4×4 pixels with one channel, and the matrix of its four 3×3 windows. The window that is shaded is the row that is shaded.", "name": "fig-im2col"}}
def gather(codes, kernel, stride=(1, 1)):
    """Return each window as a row: (N * OH * OW, KH * KW * C)."""
    view = sliding_window_view(codes, kernel, (1, 2))[:, :: stride[0], :: stride[1]]
    return np.moveaxis(view, 3, 5).reshape(-1, kernel[0] * kernel[1] * codes.shape[3])


image = np.arange(16).reshape(4, 4)
plots.gathered(image, gather(image[None, :, :, None], (3, 3)), 2, (3, 3))

# %% [markdown]
# The matrix is larger than the image: an inner pixel stands in it nine times. In return everything lies in the order in which it is read. The rows hold raw codes, so the zero_point goes into a constant
# a channel, by (4.5).

# %%
columns, matrix = gather(codes, (3, 3)), layer.weight.reshape(64, -1).T
constant = layer.bias - z * matrix.sum(axis=0, dtype=int)
integers = columns.astype(np.int32), matrix.astype(np.int32)
sums = integers[0] @ integers[1]
assert np.array_equal((sums + constant).reshape(want.shape), want)

# %% tags=["nbval-ignore-output"]
times = race({"loops": lambda: one_sum(*lists, 0),
              "int32 @": lambda: integers[0] @ integers[1],
              "einsum": lambda: np.einsum("mk,kn->mn", *integers)})
times["loops"] *= want.size  # one sum was timed
tell(times)

# %% [markdown]
# Most of the loop's time went into Python: each number is an object, each product a call. NumPy's `@` on integers is a plain loop in C. `einsum` is a loop too, one that the
# compiler could turn into instructions on several numbers. Neither is a GEMM that somebody has tuned.
#
# ## Borrow the float unit
#
# For floats there is one. Every NumPy comes with a **BLAS**, a library whose matrix product has been tuned for decades. It takes no integers. But a
# float32 has 24 significant bits, so it holds every integer up to $2^{24} = 16777216$. As long as no partial sum passes that, nothing is rounded:
#
# $$\max_c \sum_k |w_{k,c}| \cdot \max\bigl(|q_{\min}|, |q_{\max}|\bigr) < 2^{24} \tag{A.1}$$
#
# Each partial sum, in whatever order, adds some of these terms and leaves out others, so it obeys the bound as well. A product of two codes is 16,256 at most, and 1,032 of them fit for any
# weights. Ours has 576.

# %%
most = int(np.abs(matrix.astype(int)).sum(axis=0).max()) * 128
floats = columns.astype(np.float32), matrix.astype(np.float32)
assert most < 2**24 and np.array_equal(floats[0] @ floats[1], sums)
print(f"no partial sum passes {most}, of {2**24}; any weights: {2**24 // 16256} products")

# %% [markdown]
# Now step over the edge. 1,040 products of $127 \cdot 127$ stay below $2^{24}$, and 1,041 do not.

# %%
for count in (1040, 1041):
    row = np.full((1, count), 127, np.float32)
    exact, got = count * 127**2, int((row @ row.T)[0, 0])
    print(f"{count} products: {exact}, in float32 {got}")
    assert exact - got == (count > 1040)

# %% [markdown]
# Above $2^{24}$ the float32 numbers are 2 apart, and 16790289 is odd. Whatever the order, only the last addition passes the edge. It ends in a tie, which goes to the even neighbour. One off, and nobody
# is told. So the engine `"numpy"` computes (A.1) for the weights of each layer. Where it fails, the sum is cut into parts that keep to it, and the parts are added in float64, which holds integers up to $2^{53}$.

# %% tags=["nbval-ignore-output"]
doubles = columns.astype(float), matrix.astype(float)
tell(race({"einsum": lambda: np.einsum("mk,kn->mn", *integers),
           "float64": lambda: doubles[0] @ doubles[1],
           "float32": lambda: floats[0] @ floats[1]}))

# %% [markdown]
# A float64 is twice as wide, so an instruction takes half as many.
#
# ## Come back in place
#
# The sums still have to become codes. Let the layer be followed by a ReLU and a 2×2 max pool, as the stem is. By the layers, each step of (5.4) makes a new array of all sums. It can be done in
# one array. The ReLU needs no pass of its own: it raises the lower end of the clamp to the zero_point. And as it takes what is negative, DOUBLE may round ties up, as (5.5) does, without looking at signs.

# %%
requantizer, grid = layer.requantizer, layer.out_grid
m, n = (x.astype(np.int64) for x in (requantizer.multiplier, requantizer.shift))
relu, pool = layers.qrelu(grid), layers.QMaxPool2D(grid, (2, 2), (2, 2))
assert n.min() > 0  # all shifts go right


def rescale(acc):
    """Return the codes after a ReLU: (5.5) in one array of int64."""
    acc = acc * m  # the one array
    acc += 1 << 30
    acc >>= 31
    acc += 1 << (n - 1)
    acc >>= n
    np.clip(acc, 0, grid.qmax - grid.zero_point, out=acc)
    acc += grid.zero_point
    return acc.astype(np.int8)

# %% [markdown]
# The ratio is not negative, and every rounding keeps the order as long as nothing overflows. So a larger sum never gives a smaller code. As in (7.2), the largest sum of a window gives the largest code, and the pool may go first:
#
# $$\max_i R(a_i) = R\bigl(\max_i a_i\bigr) \tag{A.2}$$
#
# Then a quarter of the sums is rescaled, and the other three quarters are only compared.

# %% tags=["nbval-ignore-output"]
def pool_sums(acc):
    """Return the largest sum of each 2x2 window."""
    rows = np.maximum(acc[:, ::2], acc[:, 1::2])
    return np.maximum(rows[:, :, ::2], rows[:, :, 1::2])


made = pool.forward(relu.forward(layer.forward(codes)))
assert np.array_equal(pool.forward(rescale(want)), made)
assert np.array_equal(rescale(pool_sums(want)), made)
tell(race({"layers": lambda: pool.forward(relu.forward(requantizer.requantize(want, grid))),
           "one array": lambda: pool.forward(rescale(want)),
           "pool first": lambda: rescale(pool_sums(want))}))

# %% [markdown]
# An average pool must stay where it is. It rounds, and the mean of rounded codes is not the rounded mean.
#
# ## Multiply bytes
#
# A float32 spends 32 bits on a code of 8. Processors can do better. The instructions called VNNI take four pairs of bytes for each int32 of a register, multiply, and add the four products to it.

# %% mystnb={"image": {"alt": "Three rows. float32: 4 wide products, 4 sums. int8 in pairs: 16 narrow products, 8 sums, each under two of them. int8 with VNNI: 16 narrow products, 4 sums, each under four of them."}, "figure": {"caption": "16 bytes of a register, a quarter of the widest: what one instruction multiplies (blue) and the sums that it adds to (orange).", "name": "fig-lanes"}}
plots.lanes([("float32", 4, 1), ("int8, pairs", 1, 2), ("int8, VNNI", 1, 4)])

# %% [markdown]
# A register of 64 bytes takes 64 products instead of 16. AMX goes further: a tile of 16×64 bytes times one of 64×16 is 16,384 products in an instruction. NumPy uses neither. The operator
# MatMulInteger of ONNX Runtime uses what the processor has, and the extra `fast` installs it. The first factor is unsigned, so the codes get 128 more, and the constant takes it back, as for a zero_point of $z + 128$.

# %% tags=["nbval-ignore-output"]
try:
    from tinyq.engines.gemm import Product
except ImportError as missing:
    print("no u8 x s8 product here:", missing)
else:
    product, unsigned = Product(matrix), columns.view(np.uint8) ^ np.uint8(128)
    total = product(unsigned) - 128 * matrix.sum(axis=0, dtype=int)
    assert np.array_equal(total, sums) or not product.is_exact()
    both = {"float32": lambda: floats[0] @ floats[1]}
    tell(race(both | {"u8 x s8": lambda: product(unsigned)}))

# %% [markdown]
# How much of the promise is left depends on the processor and on the shape. A call has costs of its own, and the sums must be written. The engine saves some of that, for it hands the operator memory that is there already.
#
# Some processors have only the middle row of the figure, VPMADDUBSW of chapter 4, which adds two products in int16. There sums saturate. The engine `"vnni"` does not ask the
# processor for its name. It tries: `is_exact` multiplies each column by the codes that drive its pairs to their ends. A product that fails is left to BLAS. So a plan may be slower
# elsewhere, but its bytes are the same.
#
# ## Group the neighbours
#
# The seed's stem gains little so far. A row of its windows is $7 \cdot 3 = 21$ bytes, which is short for a copy, and a product with 8 filters fills only 8 of a tile's 16 columns. So let one window give several
# neighbours at once. It is wider by a stride for each, and each neighbour's weights stand in their own place, with zeros elsewhere.

# %%
def grouped(weight, step, group):
    """Return the matrix of windows that give `group` neighbours each."""
    filters, height, width, depth = weight.shape
    wide = width + (group - 1) * step
    matrix = np.zeros((height, wide, depth, group, filters), np.int8)
    for g in range(group):
        at = slice(g * step, g * step + width)
        matrix[:, at, :, g] = weight.transpose(1, 2, 3, 0)
    return matrix.reshape(-1, group * filters)


seed = resnet.seed()
qnet = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
stem, padded = qnet.nodes[1].layer, qnet.trace(seed.images)["stem_pad"]

# %% tags=["nbval-ignore-output"]
def stem_sums(group, matrix):
    rows = gather(padded, (7, 7 + 2 * (group - 1)), (2, 2 * group))
    return rows.astype(np.float32) @ matrix


groups = {g: grouped(stem.weight, 2, g).astype(np.float32) for g in (1, 2, 4)}
for g, wide in groups.items():
    acc = stem_sums(g, wide).reshape(32, 8, 8, 8)
    acc += stem.bias - stem.in_grid.zero_point * stem.weight.sum((1, 2, 3), int)
    assert np.array_equal(acc, stem.accumulate(padded))
    print(f"{g} at once: matrix {wide.shape}, {(wide != 0).mean():.0%} not zero")
tell(race({f"{g} at once": lambda g=g: stem_sums(g, groups[g]) for g in groups}))

# %% [markdown]
# Four at once means almost twice the products, nearly half of them with a zero. It pays as long as the width of the product is what is missing, and no longer.
#
# ## Make a plan
#
# `compile` does all this for a whole network and calls the result a **plan**. It fuses neighbours into one step, packs the weights, and allocates all memory once. The
# border of a tensor is filled with the zero_point once, so a pad is no step at all.

# %%
names = [node.name for node in qnet.nodes]
for number, op in enumerate(fuse(qnet.nodes), 1):
    last = names.index(op.name) + 1
    print(f"step {number}:", ", ".join(names[:last]))
    names = names[last:]

# %% [markdown]
# Thirteen layers became six steps. The logits must be the same, by either engine.

# %% tags=["nbval-ignore-output"]
plan = qnet.compile(engine="numpy", batch=32)
assert not names and np.array_equal(plan(seed.images), qnet(seed.images))
calls = {"layers": lambda: qnet(seed.images), "numpy": lambda: plan(seed.images)}
try:
    vnni = qnet.compile(engine="vnni", batch=32)
except ImportError as missing:
    print(missing)
else:
    assert np.array_equal(vnni(seed.images), qnet(seed.images))
    calls["vnni"] = lambda: vnni(seed.images)
tell(race(calls))

# %% [markdown]
# The seed is tiny. Here is a block of ResNet-18's own size beside the runtimes that people deploy, from the record that `make bench-engines` wrote.

# %% mystnb={"image": {"alt": "Nine rows, one a runner, with its time for one image on a logarithmic axis. The colour says who gives every byte of the layers. The page on speed has the same numbers as a table."}, "figure": {"caption": "One image through a stem and block of ResNet-18's size. Blue gives every byte of the layers; the rest rounds otherwise, or is in floats.", "name": "fig-block-speed"}}
record = json.loads(Path("../book/engines.json").read_text())
runs = [r for r in record["runs"] if r["network"] != "seed" and r["batch"] == 1]
ours = [r for r in runs if r["runner"] in ("layers", *ENGINES)]
assert len(ours) == 3 and all(r["equal_logits"] == r["logits"] for r in ours)
plots.speeds(runs)

# %% [markdown]
# [How fast it is](speed.ipynb) has all of the record: other sizes, memory, what was tried and lost.
#
# ## Exercises
#
# ### Exercise 1: Bound the fan-in
#
# **Goal.** Carry (A.1) over to other floats. A float with `bits` significant bits holds every integer up to $2^{bits}$. How many products fit, if each is `largest` at most in size? A float16 has 11
# bits, a bfloat16 8, a float64 53.

# %% tags=["stub"]
def products_that_fit(bits, largest):
    """Return how many products of at most `largest` may be added up."""
    return ...

# %% tags=["check"]
cases = [(24, 127 * 128), (11, 127 * 128), (11, 7 * 8), (8, 7 * 8), (53, 1 << 14)]
fit = (1032, 0, 36, 4, 549_755_813_888)
hint = "round down; a sum of 2**bits itself still fits."
_ = check(tuple(products_that_fit(*case) for case in cases), fit, hint)

# %% tags=["solution", "hide-cell"]
def products_that_fit(bits, largest):
    """Return how many products of at most `largest` may be added up."""
    return 2**bits // largest


assert check(tuple(products_that_fit(*case) for case in cases), fit)

# %% [markdown]
# A float16 cannot hold every product of two 8-bit codes: 127 · 127 = 16129 is odd and takes 14 bits. With 4-bit codes it holds 36 of them, a 3×3 window of four channels.
#
# ### Exercise 2: Break it in 16 bits
#
# **Goal.** A processor without VNNI adds the products of rows 0 and 1, 2 and 3, and so on, in int16, and holds what does not fit. The number of rows is even. The codes are 0 to 255. Say of a matrix of weights whether this can ever happen
# to it. One column is enough.

# %% tags=["stub"]
def pairs_fit(matrix):
    """Return whether no pair of products can leave -32768..32767."""
    return ...

# %% tags=["check"]
pairs = [(127, 1), (127, 2), (-127, -1), (-127, -2), (127, -127)]
safe = (True, False, True, False, True)
got = tuple(pairs_fit(np.int8(pair)[:, None]) for pair in pairs)
_ = check(got, safe, "which codes make a pair largest, which smallest?")

# %% tags=["solution", "hide-cell"]
def pairs_fit(matrix):
    """Return whether no pair of products can leave -32768..32767."""
    pairs = 255 * matrix.astype(int).reshape(len(matrix) // 2, 2, -1)
    high, low = np.maximum(pairs, 0).sum(axis=1), np.minimum(pairs, 0).sum(axis=1)
    return bool(high.max() < 2**15 and low.min() >= -(2**15))


assert check(tuple(pairs_fit(np.int8(pair)[:, None]) for pair in pairs), safe)
for bits in (8, 7):
    kind = layers.QConv2DPerChannel.from_float(*parts, weight_bits=bits)
    w = kind.weight.reshape(64, -1).T.astype(int)
    ends = 255 * (w.T > 0)  # the upper ends; the engine tries the lower ones too
    held = np.clip((ends[:, :, None] * w).reshape(64, -1, 2, 64).sum(axis=2), -(2**15), 2**15 - 1)
    wrong = (held.sum(axis=1) != ends @ w).diagonal()
    assert wrong.any() != pairs_fit(w)
    print(f"{bits}-bit weights: {wrong.sum()} of 64 channels go wrong at the ends")

# %% [markdown]
# Codes as they come can hide it, because most pairs of most images fit. The engine looks at the ends, where every pair is as large as it can get. There all products of a column have one sign, so what is lost in one pair no other gives back. What is right there is right
# for all codes. And with 7-bit weights the older processors are as exact as the others.
#
# ## Check yourself
#
# 1. A 3×3 layer with 512 channels adds up 4,608 products. May its product be done in float32?
#
#    :::{dropdown} Answer
#    Not for any weights: only 1,032 products fit. But (A.1) asks for the sum of the sizes of its own weights, and if they average below 28 it holds. Else the engine
#    cuts the sum into parts for which it does, five at most, and adds those.
#    :::
#
# 2. The product is now so fast that it takes no time. How much faster can the layer become?
#
#    :::{dropdown} Answer
#    As much as the rest allows. Gathering and rescaling touch each number once or twice, and they are bounded by memory, not by multiplications. This is why the pad goes into the border,
#    the ReLU into the clamp, and the pool in front.
#    :::
#
# 3. Why does the order of a sum not matter for the bytes here, when it does for a float network?
#
#    :::{dropdown} Answer
#    Sums of integers that fit are exact, in every order and tile. A float sum rounds at each addition, so another order gives other last bits.
#    That is why the engines can be compared by bytes, and why the float rows of the figure cannot.
#    :::

# %% [markdown]
# ## What we built
#
# The matrix, the constant and the bound are those of `tinyq.engines.linear`, with and without the 128, and `grouped` is its own. The plan for the four golden images is the last word.

# %%
op = Op("conv", layer, ("input",))
plain, shifted = (spec_of(op, 30, shift, widest=1, room=0) for shift in (0, 128))
assert np.array_equal(plain.matrix, matrix) and plain.largest(0) == most
assert np.array_equal(plain.constant, constant)
assert np.array_equal(shifted.constant, constant - 128 * matrix.sum(axis=0, dtype=int))
spec = spec_of(Op("stem", stem, ("input",)), 22, 0, widest=32, room=10**6)
assert np.array_equal(spec.matrix, grouped(stem.weight, 2, 4))
golden = [[-8, 102, 89, -41], [-20, 71, 55, -60], [-16, 89, 78, -44], [5, 124, 109, -34]]
assert np.array_equal(qnet.compile(batch=4)(seed.images[:4]), golden)
