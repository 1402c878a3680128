"""Images at the door: what is no image is refused under its name, and a file is not read whole."""

import tracemalloc
from collections import deque
from typing import Any

import numpy as np
import pytest
from reference import random_network

from tinyq.layers.images import BATCH, batches, check_images, to_codes
from tinyq.models import resnet

WEIGHTS, BIASES, IMAGES = random_network(seed=5, filters=2, inner=2, size=(6, 6), count=40)
NET = resnet.stem_block(WEIGHTS, BIASES)
QNET = NET.quantize(IMAGES)
CODES = QNET.grids["input"].quantize(IMAGES)
MASKED = np.ma.array(IMAGES, mask=np.zeros_like(IMAGES, bool))
# What is no array of images, in whatever door it is handed.
NO_IMAGES: dict[str, Any] = {
    "masked": MASKED,
    "masked codes": np.ma.array(CODES, mask=False),
    "bools": IMAGES > 0,
    "complex": IMAGES.astype(np.complex64),
    "objects": IMAGES.astype(object),
    "texts": IMAGES.astype(str),
    "dates": IMAGES.astype(int).astype("M8[s]"),
    "unsigned": IMAGES.astype(np.uint8),
    "wide codes": CODES.astype(np.int32),
    "0-d": np.array(0.5),
    "a number": 0.5,
    "None": None,
    "text": "images",
    "bytes": b"images",
    "NaN": np.where(np.arange(40)[:, None, None, None] == 39, np.float32(np.nan), IMAGES),
}
# As many batches: of these, only an iterable of float arrays is one.
NO_BATCHES: dict[str, Any] = {
    "lists of codes": CODES.tolist(),
    "lists of reals": IMAGES.tolist(),
    "a dictionary": {"images": IMAGES},
    "codes": [IMAGES, CODES],
    "a generator of codes": lambda: (CODES[at : at + 8] for at in range(0, 40, 8)),
    "masked": [IMAGES, MASKED],
    "single images": [IMAGES[0], IMAGES[1]],
    "texts": ["a", "b"],
    "Nones": [None],
}


@pytest.mark.parametrize("name", NO_IMAGES)
def test_what_is_no_image_is_refused_everywhere(name):
    wrong = NO_IMAGES[name]
    for call in (NET, NET.trace, NET.quantize, NET.calibrate, QNET, QNET.trace):
        with pytest.raises((TypeError, ValueError), match="images|batch 0"):
            call(wrong)
    for check in (check_images, lambda x, sizes: to_codes(x, QNET.grids["input"], sizes)):
        with pytest.raises((TypeError, ValueError), match="images"):
            check(wrong, (6, 6, 3))


@pytest.mark.parametrize("name", NO_BATCHES)
def test_what_is_no_batch_is_refused_by_its_number(name):
    wrong = NO_BATCHES[name]
    fresh = wrong if callable(wrong) else lambda: wrong
    for call in (NET.quantize, NET.calibrate, lambda x: list(batches(x, 3))):
        with pytest.raises((TypeError, ValueError), match=r"batch [01]: images must "):
            call(fresh())


@pytest.mark.parametrize("wrap", [list, tuple, iter, deque, lambda x: (b for b in x)])
@pytest.mark.parametrize("width", [np.float16, np.float32, np.float64, np.longdouble, ">f4"])
def test_floats_of_every_width_are_images(width, wrap):
    wide = np.round(IMAGES * 64) / 64  # float16 holds them
    want = [batch.tolist() for _, batch in batches(wide, 3)]
    whole, parts = wide.astype(width), [wide[:BATCH].astype(width), wide[BATCH:].astype(width)]
    for given in (whole, wrap(parts)):
        got = [batch for _, batch in batches(given, 3)]
        assert [batch.tolist() for batch in got] == want
        assert {batch.dtype for batch in got} == {np.dtype(np.float32)}
    assert np.array_equal(QNET(whole), QNET(wide.astype(np.float32)))


def test_a_memory_mapped_file_is_read_a_batch_at_a_time(tmp_path):
    shape = (2048, 16, 16, 3)
    np.memmap(tmp_path / "images", np.float32, "w+", shape=shape).flush()
    mapped = np.memmap(tmp_path / "images", np.float32, "r", shape=shape)
    tracemalloc.start()
    count = sum(len(batch) for _, batch in batches(mapped, 3))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 2048 and peak < 4 * BATCH * 16 * 16 * 3 * 4 < mapped.nbytes / 10, peak
