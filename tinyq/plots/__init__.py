"""Figures of the book: pure functions from data to a matplotlib Figure."""

from tinyq.plots.accumulators import accumulator_bits, pair_sums
from tinyq.plots.agreement import agreement
from tinyq.plots.apart import apart
from tinyq.plots.bit_widths import bit_widths, layer_bits
from tinyq.plots.border import border, windows
from tinyq.plots.bugs import bugs
from tinyq.plots.channels import channel_codes, channel_worth
from tinyq.plots.grid_map import grid_map
from tinyq.plots.one_at_a_time import one_at_a_time
from tinyq.plots.parity import parity
from tinyq.plots.passing import codes_through_pool, codes_used, pool_ties
from tinyq.plots.pixels import pixels
from tinyq.plots.products import gathered, lanes
from tinyq.plots.ranges import chosen_ranges, clipping
from tinyq.plots.roundings import roundings
from tinyq.plots.seesaw import mean_errors, seesaw
from tinyq.plots.sieve import sieve
from tinyq.plots.skip import left_shifts
from tinyq.plots.speed import growth, roofline, speeds
from tinyq.plots.sqnr import sqnr
from tinyq.plots.staircase import row_on_grids, staircase
from tinyq.plots.telescope import telescope
from tinyq.plots.tensor_errors import tensor_errors
from tinyq.plots.training import loss_stairs, ways_to_round

__all__ = [
    "accumulator_bits",
    "agreement",
    "apart",
    "bit_widths",
    "border",
    "bugs",
    "channel_codes",
    "channel_worth",
    "chosen_ranges",
    "clipping",
    "codes_through_pool",
    "codes_used",
    "gathered",
    "grid_map",
    "growth",
    "lanes",
    "layer_bits",
    "left_shifts",
    "loss_stairs",
    "mean_errors",
    "one_at_a_time",
    "pair_sums",
    "parity",
    "pixels",
    "pool_ties",
    "roofline",
    "roundings",
    "row_on_grids",
    "seesaw",
    "sieve",
    "speeds",
    "sqnr",
    "staircase",
    "telescope",
    "tensor_errors",
    "ways_to_round",
    "windows",
]
