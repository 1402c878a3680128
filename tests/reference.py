"""The numbers that must come out, and a second road to them that shares no code with tinyq.

Floats: NumPy float64 and einsum.  Integers: the oracle's loop nests.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from test_affine import exact_round

from tinyq import loops

GOLDEN = """\
# resnet18_block_int8 golden output
# samples=4 classes=4
sample 0: -8 102 89 -41
sample 1: -20 71 55 -60
sample 2: -16 89 78 -44
sample 3: 5 124 109 -34
"""

# scale and zero_point to five decimals, by the layer that owns the grid
GRIDS = {
    "input": ("0.00784", -1),
    "stem_conv7x7_s2": ("0.06204", -1),
    "block_conv3x3_a": ("0.07934", -1),
    "block_conv3x3_b": ("0.09146", -3),
    "block_add": ("0.06212", -128),
    "dense_8x4": ("0.01920", -128),
}

RANGES = {
    "input": "-1.000..1.000",
    "stem_conv7x7_s2": "-7.907..7.913",
    "stem_maxpool2x2": "0.000..7.913",
    "block_conv3x3_a": "-10.058..10.174",
    "block_conv3x3_b": "-11.453..11.868",
    "block_relu_b": "0.000..15.840",
    "dense_8x4": "1.305..4.895",
}


def random_network(seed, filters=8, inner=8, classes=4, channels=3, size=(16, 16), count=6):
    """Return weights, biases and images that no sinusoid made; biases are not zero."""
    rng = np.random.default_rng(seed)
    shapes = {
        "stem": (filters, 7, 7, channels),
        "block1": (inner, 3, 3, filters),
        "block2": (filters, 3, 3, inner),
        "dense": (classes, filters),
    }
    weights = {
        name: (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        for name, shape in shapes.items()
    }
    biases = {
        name: rng.normal(scale=0.3, size=shape[0]).astype(np.float32)
        for name, shape in shapes.items()
    }
    return weights, biases, rng.normal(size=(count, *size, channels)).astype(np.float32)


def conv64(x, w, b, pad, stride):
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(padded, w.shape[1:3], (1, 2))[:, ::stride, ::stride]
    return np.einsum("nyxchw,ohwc->nyxo", windows, w.astype(float)) + b


def float64_tensors(w, b, images):
    """Return the tensors that calibration watches, and the logits, in float64."""
    stem = conv64(images.astype(float), w["stem"], b["stem"], 3, 2)
    height, width = stem.shape[1] // 2 * 2, stem.shape[2] // 2 * 2
    even = np.maximum(stem, 0)[:, :height, :width]
    pool = sliding_window_view(even, (2, 2), (1, 2))[:, ::2, ::2].max((4, 5))
    conv1 = conv64(pool, w["block1"], b["block1"], 1, 1)
    conv2 = conv64(np.maximum(conv1, 0), w["block2"], b["block2"], 1, 1)
    added = np.maximum(conv2 + pool, 0)
    logits = added.mean((1, 2)) @ w["dense"].T.astype(float) + b["dense"]
    return {
        "input": images,
        "stem_conv7x7_s2": stem,
        "stem_maxpool2x2": pool,
        "block_conv3x3_a": conv1,
        "block_conv3x3_b": conv2,
        "block_relu_b": added,
        f"dense_{w['dense'].shape[1]}x{len(w['dense'])}": logits,
    }


def grid_from(lo, hi):
    """Return (scale, zero_point) of a float32 range, by the reference's formula."""
    lo, hi = np.float32(min(lo, 0)), np.float32(max(hi, 0))
    scale = (hi - lo) / np.float32(255)
    return float(scale), min(max(exact_round_float(-128 - float(lo) / float(scale)), -128), 127)


def exact_round_float(x):
    from fractions import Fraction

    return exact_round(Fraction(x))


def weighted(w, b, s_in, s_out, per_tensor=False, largest=127):
    """Return weight codes, bias codes, multipliers and shifts, one element at a time.

    largest: the largest weight code, by (3.2).
    """
    peaks = [np.abs(w if per_tensor else row).max() for row in w]
    scales = [float(peak / np.float32(largest)) if peak else 1.0 for peak in peaks]
    codes = [
        np.array([exact_round_float(float(v) / s) for v in row.ravel()]).reshape(row.shape)
        for row, s in zip(w, scales, strict=True)
    ]
    biases = [exact_round_float(float(v) / (s_in * s)) for v, s in zip(b, scales, strict=True)]
    pairs = [loops.quantize_multiplier(s_in * s / s_out) for s in scales]
    return codes, biases, *zip(*pairs, strict=True)


def oracle_trace(w, b, grids, image):
    """Return the codes of every layer for one float image, from loop nests alone.

    grids: (scale, zero_point) by the name of the layer that owns it.
    """
    (s0, z0), (s1, z1), (s2, z2), (s3, z3), (s4, z4), (s5, z5) = grids.values()
    x = [
        [
            [min(max(exact_round_float(float(v) / s0) + z0, -128), 127) for v in pixel]
            for pixel in row
        ]
        for row in image
    ]
    t = {"input": x}

    def conv(source, key, z_in, z_out, scales, stride):
        codes, biases, multipliers, shifts = weighted(w[key], b[key], *scales)
        return loops.conv2d(
            source, codes, biases, (stride, stride), z_in, multipliers, shifts, z_out
        )

    t["stem_pad"] = loops.pad2d(x, (3, 3, 3, 3), z0)
    t["stem_conv7x7_s2"] = conv(t["stem_pad"], "stem", z0, z1, (s0, s1), 2)
    t["stem_relu"] = loops.relu(t["stem_conv7x7_s2"], z1)
    t["stem_maxpool2x2"] = loops.max_pool2d(t["stem_relu"], (2, 2), (2, 2))
    t["block_pad1"] = loops.pad2d(t["stem_maxpool2x2"], (1, 1, 1, 1), z1)
    t["block_conv3x3_a"] = conv(t["block_pad1"], "block1", z1, z2, (s1, s2), 1)
    t["block_relu_a"] = loops.relu(t["block_conv3x3_a"], z2)
    t["block_pad2"] = loops.pad2d(t["block_relu_a"], (1, 1, 1, 1), z2)
    t["block_conv3x3_b"] = conv(t["block_pad2"], "block2", z2, z3, (s2, s3), 1)
    t["block_add"] = loops.add(
        t["block_conv3x3_b"], t["stem_maxpool2x2"], (z3, z1, z4), loops.add_multipliers(s3, s1, s4)
    )
    t["block_relu_b"] = loops.relu(t["block_add"], z4)
    t["global_avgpool"] = loops.global_avg_pool2d(t["block_relu_b"])
    codes, biases, multipliers, shifts = weighted(w["dense"], b["dense"], s4, s5, per_tensor=True)
    t["logits"] = loops.dense(t["global_avgpool"], codes, biases, z4, multipliers[0], shifts[0], z5)
    return t
