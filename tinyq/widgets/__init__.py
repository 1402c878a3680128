"""Live widgets: in a notebook each is an anywidget class, in a static page a custom element.

Needs the extra "widgets" (`pip install '.[widgets]'` in the project's folder); `import tinyq` does
not.
"""

from tinyq.widgets.accumulator_meter import AccumulatorMeter
from tinyq.widgets.add_balancer import AddBalancer
from tinyq.widgets.agreement_matrix import AgreementMatrix
from tinyq.widgets.block_map import BlockMap
from tinyq.widgets.channel_bars import ChannelBars
from tinyq.widgets.clip_lab import ClipLab
from tinyq.widgets.conv_microscope import ConvMicroscope
from tinyq.widgets.error_ledger import ErrorLedger
from tinyq.widgets.explore import explore
from tinyq.widgets.grid_passport import GridPassport
from tinyq.widgets.grid_ruler import GridRuler
from tinyq.widgets.pixel_tracer import PixelTracer
from tinyq.widgets.rounding_museum import RoundingMuseum
from tinyq.widgets.seesaw import Seesaw
from tinyq.widgets.staircase import Staircase

# Every widget of the book: the tests run over it, and a page loads what its tags need.
WIDGETS = (
    BlockMap,
    GridRuler,
    ConvMicroscope,
    PixelTracer,
    ChannelBars,
    RoundingMuseum,
    AccumulatorMeter,
    AddBalancer,
    ErrorLedger,
    ClipLab,
    GridPassport,
    AgreementMatrix,
    Seesaw,
    Staircase,
)

__all__ = [
    "WIDGETS",
    "AccumulatorMeter",
    "AddBalancer",
    "AgreementMatrix",
    "BlockMap",
    "ChannelBars",
    "ClipLab",
    "ConvMicroscope",
    "ErrorLedger",
    "GridPassport",
    "GridRuler",
    "PixelTracer",
    "RoundingMuseum",
    "Seesaw",
    "Staircase",
    "explore",
]
