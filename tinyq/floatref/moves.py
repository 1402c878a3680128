"""The float layers that move numbers and compute none: reshape, transpose, pad and concat."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyq import layers
from tinyq.affine import Grid
from tinyq.checks import Proved, checked, instance, whole
from tinyq.floatref.contract import Array
from tinyq.layers.checks import ANY, check_rank, check_reals
from tinyq.layers.concat import joined_shape
from tinyq.layers.pad import check_pads
from tinyq.layers.reshape import check_new_shape, new_shape
from tinyq.layers.scheme import Scheme
from tinyq.layers.transpose import check_axes


@dataclass(frozen=True)
class Reshape(Proved):
    """Give each sample another shape, the last axis fastest.

    shape: of one sample, without N: integers >= 1, one of which may be -1, for what is left.
    """

    shape: tuple[int, ...]

    requantizes: ClassVar[bool] = False

    def _prove(self) -> None:
        check_new_shape("Reshape", self.shape)

    def forward(self, x: Array) -> Array:
        """Return the same numbers: (N, ...) to (N, *shape)."""
        check_reals(self, x, ANY)
        return x.reshape(len(x), *new_shape(x.shape[1:], self.shape))

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QReshape:
        """Return the int8 layer on in_grid."""
        return layers.QReshape(in_grid, self.shape)


@dataclass(frozen=True)
class Flatten(Proved):
    """Make a row of each sample, the last axis fastest: channels last, not PyTorch's order."""

    requantizes: ClassVar[bool] = False

    def forward(self, x: Array) -> Array:
        """Return the same numbers: (N, ...) to (N, C)."""
        return Reshape((-1,)).forward(x)

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QReshape:
        """Return the int8 layer on in_grid."""
        return layers.QReshape(in_grid, (-1,))


@dataclass(frozen=True)
class Transpose(Proved):
    """Put the axes of each sample in another order.  axes: each of one sample once, without N."""

    axes: tuple[int, ...]

    requantizes: ClassVar[bool] = False

    def _prove(self) -> None:
        check_axes("Transpose", self.axes)

    def forward(self, x: Array) -> Array:
        """Return the same numbers with their axes in the new order."""
        check_reals(self, x, ANY)
        check_rank(x.shape[1:], len(self.axes))
        return x.transpose(0, *(1 + axis for axis in self.axes))

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QTranspose:
        """Return the int8 layer on in_grid."""
        return layers.QTranspose(in_grid, self.axes)


@dataclass(frozen=True)
class Pad(Proved):
    """Surround each sample with zeros.  pads: (before, after) for each axis of it, each >= 0."""

    pads: tuple[tuple[int, int], ...]

    requantizes: ClassVar[bool] = False

    def _prove(self) -> None:
        check_pads("Pad", self.pads)

    def forward(self, x: Array) -> Array:
        """Return the padded samples: (N, ...) to (N, ...)."""
        check_reals(self, x, ANY)
        check_rank(x.shape[1:], len(self.pads))
        return np.pad(x, ((0, 0), *self.pads))

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QPad:
        """Return the int8 layer on in_grid."""
        return layers.QPad(in_grid, self.pads)


@dataclass(frozen=True)
class Concat(Proved):
    """Put tensors side by side along an axis of one sample, counted from 0 without N.

    In int8 all of them must be on one grid.  The layers that make them get it where they all
    observe this layer's own tensor, whose range holds those of all.
    """

    axis: int

    requantizes: ClassVar[bool] = False

    def _prove(self) -> None:
        whole("Concat: axis", self.axis, least=0)

    def forward(self, first: Array, *others: Array) -> Array:
        """Return the tensors side by side: (N, ...) each, to (N, ...)."""
        xs = (first, *others)
        for x in xs:
            check_reals(self, x, ANY)
        joined_shape(tuple(x.shape[1:] for x in xs), self.axis)
        return np.concatenate(xs, axis=1 + self.axis)

    @checked
    def quantize(self, *grids_and_scheme: Grid | Scheme | None) -> layers.QConcat:
        """Return the int8 layer; takes the grid of each tensor, then out_grid and the scheme."""
        in_grids = tuple(instance("in_grids", grid, Grid) for grid in grids_and_scheme[:-2])
        return layers.QConcat(in_grids, self.axis)
