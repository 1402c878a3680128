"""Live widgets: in a notebook each is an anywidget class, in a static page a custom element.

Needs the extra "widgets" (`pip install "tinyq[widgets]"`); `import tinyq` does not.
"""

from tinyq.widgets.channel_bars import ChannelBars
from tinyq.widgets.conv_microscope import ConvMicroscope
from tinyq.widgets.explore import explore
from tinyq.widgets.grid_ruler import GridRuler
from tinyq.widgets.pixel_tracer import PixelTracer
from tinyq.widgets.rounding_museum import RoundingMuseum

# Every widget of the book: the tests run over it, and a page loads what its tags need.
WIDGETS = (GridRuler, ConvMicroscope, PixelTracer, ChannelBars, RoundingMuseum)

__all__ = [
    "WIDGETS",
    "ChannelBars",
    "ConvMicroscope",
    "GridRuler",
    "PixelTracer",
    "RoundingMuseum",
    "explore",
]
