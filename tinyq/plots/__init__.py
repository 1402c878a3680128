"""Figures of the book: pure functions from data to a matplotlib Figure."""

from tinyq.plots.agreement import agreement
from tinyq.plots.grid_map import grid_map
from tinyq.plots.parity import parity
from tinyq.plots.passing import codes_through_pool, codes_used, pool_ties
from tinyq.plots.pixels import pixels
from tinyq.plots.roundings import roundings
from tinyq.plots.sqnr import sqnr
from tinyq.plots.staircase import row_on_grids, staircase

__all__ = [
    "agreement",
    "codes_through_pool",
    "codes_used",
    "grid_map",
    "parity",
    "pixels",
    "pool_ties",
    "roundings",
    "row_on_grids",
    "sqnr",
    "staircase",
]
