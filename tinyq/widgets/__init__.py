"""Live widgets: in a notebook each is an anywidget class, in a static page a custom element.

Needs the extra "widgets" (`pip install '.[widgets]'` in the project's folder); `import tinyq` does
not.
"""

from tinyq.widgets.accumulator_meter.accumulator_meter import AccumulatorMeter
from tinyq.widgets.add_balancer.add_balancer import AddBalancer
from tinyq.widgets.agreement_matrix.agreement_matrix import AgreementMatrix
from tinyq.widgets.block_map.block_map import BlockMap
from tinyq.widgets.channel_bars.channel_bars import ChannelBars
from tinyq.widgets.clip_lab.clip_lab import ClipLab
from tinyq.widgets.conv_microscope.conv_microscope import ConvMicroscope
from tinyq.widgets.error_ledger.error_ledger import ErrorLedger
from tinyq.widgets.frame.explore import explore
from tinyq.widgets.grid_passport.grid_passport import GridPassport
from tinyq.widgets.grid_ruler.grid_ruler import GridRuler
from tinyq.widgets.pixel_tracer.pixel_tracer import PixelTracer
from tinyq.widgets.rounding_museum.rounding_museum import RoundingMuseum
from tinyq.widgets.seesaw.seesaw import Seesaw
from tinyq.widgets.staircase.staircase import Staircase

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
