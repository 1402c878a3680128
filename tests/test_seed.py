"""The seed's numbers: six grids, worst error, the ledger.

tests/test_cli.py has its golden bytes and float ranges, as they are printed.
"""

import numpy as np
import pytest
from reference import GRIDS

from tinyq.analysis import parity
from tinyq.layers import QAdd
from tinyq.models import resnet
from tinyq.network.ledger import format_ledger

SEED = resnet.seed()
NET = resnet.stem_block(SEED.weights, SEED.biases)
QNET = NET.quantize(SEED.images)


def test_weights_images_and_biases_are_float32_and_of_the_seeds_shape():
    assert {name: w.shape for name, w in SEED.weights.items()} == {
        "stem": (8, 7, 7, 3),
        "block1": (8, 3, 3, 8),
        "block2": (8, 3, 3, 8),
        "dense": (4, 8),
    }
    assert SEED.images.shape == (32, 16, 16, 3)
    arrays = [*SEED.weights.values(), *SEED.biases.values(), SEED.images]
    assert all(array.dtype == np.float32 for array in arrays)
    assert not any(bias.any() for bias in SEED.biases.values())


@pytest.mark.parametrize("name", GRIDS)
def test_grids(name):
    grid = QNET.grids[name]
    assert (f"{grid.scale:.5f}", grid.zero_point) == GRIDS[name]


def test_there_are_six_grids_by_identity():
    owners = {}
    for name, grid in QNET.grids.items():
        owners.setdefault(id(grid), name)
    assert list(owners.values()) == list(GRIDS)


def test_worst_error():
    result = parity.compare(NET, QNET, SEED.images[:4])
    assert f"{result.worst:.5f}" == "0.01943"
    assert f"{result.worst / result.logit_range:.1%}" == "0.5%"
    assert result.error[0].max() < 0.01
    assert result.passed


def test_codes_in_give_the_same_logits_as_floats_in():
    codes = QNET.grids["input"].quantize(SEED.images[:4])
    assert QNET(codes).tolist() == QNET(SEED.images[:4]).tolist()


def test_one_image_at_a_time_gives_the_same_bytes_as_a_batch():
    batch = QNET(SEED.images)
    single = [QNET(SEED.images[i : i + 1])[0].tolist() for i in range(32)]
    assert batch.tolist() == single


def test_ledger_books_five_requantizers_and_the_references_bytes():
    rows = {row.name: row for row in QNET.ledger()}
    assert [name for name, row in rows.items() if row.requantizes] == list(GRIDS)[1:]
    assert {name: row.weight_bytes for name, row in rows.items() if row.weight_bytes} == {
        "stem_conv7x7_s2": 8 * 7 * 7 * 3 + 8 * 4,
        "block_conv3x3_a": 8 * 3 * 3 * 8 + 8 * 4,
        "block_conv3x3_b": 8 * 3 * 3 * 8 + 8 * 4,
        "dense_8x4": 4 * 8 + 4 * 4,
    }
    assert [row.activation_bytes for row in rows.values()] == [
        768, 1452, 512, 512, 128, 288, 128, 128, 288, 128, 128, 128, 8, 4,
    ]  # fmt: skip


def test_ledger_spans_hold_every_channel():
    for node, row in zip(QNET.nodes, QNET.ledger()[1:], strict=True):
        layer = node.layer
        if isinstance(layer, QAdd):
            shifts = [r.shift[0] for r in (layer.rescale_a, layer.rescale_b, layer.rescale_sum)]
            assert row.shift == (min(shifts), max(shifts))
        elif row.weight_scale:
            assert row.weight_scale == (layer.weight_scale.min(), layer.weight_scale.max())
            multiplier = layer.requantizer.multiplier
            assert row.multiplier == (multiplier.min(), multiplier.max())
        else:
            assert row.multiplier is None and row.shift is None and not row.requantizes


def test_ledger_table_numbers_the_grids_as_they_appear():
    lines = format_ledger(QNET.ledger()).splitlines()
    assert len(lines) == 15
    assert [line.split()[2] for line in lines[1:]] == list("11222233345556")
    assert [line.split()[5] for line in lines[1:]].count("requantizes") == 5
