"""What the conv microscope looks at: a convolution of a network, and what it reads."""

from typing import Any, NamedTuple

from tinyq.layers import QConv2D, QConv2DPerChannel, QPad2D
from tinyq.layers.contract import Codes
from tinyq.network import QNetwork

LAYERS = ("stem_conv7x7_s2", "block_conv3x3_a", "block_conv3x3_b")


class Site(NamedTuple):
    """A convolution, the pads before it, and the codes before these: int8 (N, H, W, I)."""

    conv: QConv2D
    pads: tuple[int, int, int, int]
    codes: Codes

    @property
    def widths(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The pads of the rows and of the columns, as np.pad takes them."""
        top, bottom, left, right = self.pads
        return (top, bottom), (left, right)


def site_of(qnet: QNetwork, trace: dict[str, Codes], name: str) -> Site:
    """Return the convolution called name.

    Raises ValueError where there is none, or no pad before it.
    """
    nodes = {node.name: node for node in qnet.nodes}
    if name not in nodes:
        raise ValueError(f"qnet must have the layers {LAYERS}, got none called {name}")
    conv, source = nodes[name].layer, nodes[name].inputs[0]
    pad = nodes[source].layer if source in nodes else None
    if type(pad) is QPad2D and (type(conv) is QConv2D or type(conv) is QConv2DPerChannel):
        if conv.dilation != (1, 1):
            raise ValueError(f"{name} must not be dilated, got {conv.dilation}")
        return Site(conv, pad.pads, trace[nodes[source].inputs[0]])
    found = type(conv).__name__, type(pad).__name__
    raise ValueError(f"{name} must be a convolution behind a QPad2D, got {' behind '.join(found)}")


def packed(site: Site) -> dict[str, Any]:
    """Return what the page needs of a convolution: its padless input, and all its integers."""
    conv, requantizer = site.conv, site.conv.requantizer
    return {
        **{"codes": site.codes, "pads": site.pads, "stride": conv.stride},
        **{"weight": conv.weight, "bias": conv.bias},
        **{"in_grid": conv.in_grid, "out_grid": conv.out_grid},
        "requantizer": {
            **{"ratio": requantizer.ratio, "rounding": requantizer.rounding.name},
            **{"multiplier": requantizer.multiplier, "shift": requantizer.shift},
        },
    }
