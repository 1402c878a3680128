"""Tiles cover a step's output, and tensors have room for the pads of their readers."""

import numpy as np

from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import tiles


def test_tiles_cover_each_row_once():
    rng = np.random.default_rng(3)
    for images, rows, most in [(1, 1, 0), (5, 7, 0), (3, 4, 12), (3, 4, 11), (2, 9, 100)] + [
        tuple(rng.integers(1, 40, 3).tolist()) for _ in range(200)
    ]:
        cut = tiles(images, rows, most)
        covered = np.zeros((images, rows), int)
        for tile in cut:
            covered[tile.n0 : tile.n1, tile.r0 : tile.r1] += 1
            assert 1 <= tile.rows <= max(most, 1), (images, rows, most)
            # some whole images, or some rows of one
            assert (tile.r0, tile.r1) == (0, rows) or tile.n1 - tile.n0 == 1
        assert (covered == 1).all(), (images, rows, most)


def test_a_tensor_has_room_for_the_widest_pad_on_each_side():
    tensor = Tensor((2, 3, 4, 5), [(1, 0, 2, 0), (0, 4, 1, 3)], zero_point=-7)
    assert tensor.buffer.shape == (2, 1 + 3 + 4, 2 + 4 + 3, 5)
    tensor.codes[:] = 1
    assert (tensor.buffer == 1).sum() == tensor.codes.size == 120
    for pads in ((1, 0, 2, 0), (0, 4, 1, 3), (0, 0, 0, 0), (1, 4, 2, 3)):
        top, bottom, left, right = pads
        want = np.pad(tensor.codes, ((0, 0), (top, bottom), (left, right), (0, 0)))
        want[want == 0] = -7
        assert np.array_equal(tensor.padded(pads), want), pads
