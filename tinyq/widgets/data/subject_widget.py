"""What the widgets on a whole block share: whose network and images they show, and which image."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.layers.images import Images
from tinyq.network import Network, QNetwork
from tinyq.widgets.data.subject import subject_of
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.traits import Int


class SubjectWidget(Widget):
    """A widget on a network of resnet.stem_block's form, the reader's or the seed's.

    net, images, calibration: as subject_of takes them; image: 0..N - 1; state: the other traits.
    Raises as subject_of does, and ValueError for an image that is not there.
    """

    image = Int(0, min=0).tag(sync=True)

    @checked
    def __init__(
        self,
        net: Network | None = None,
        images: NDArray[np.float32] | None = None,
        calibration: Images | Iterable[Images] | None = None,
        **state: object,
    ) -> None:
        self.subject = subject_of(net, images, calibration)
        super().__init__(**{"data": self.subject.data(), **self._start(), **state})
        self._check()

    def _start(self) -> dict[str, Any]:
        """Return the traits that the subject itself sets."""
        return {}

    def _check(self) -> None:
        """Raise ValueError for a trait beyond the subject."""
        self._check_below("image", len(self.subject.images))

    def _check_below(self, field: str, count: int) -> None:
        if getattr(self, field) >= count:
            raise ValueError(f"{field} must be in 0..{count - 1}, got {getattr(self, field)}")

    @property
    def qnet(self) -> QNetwork:
        """The int8 network on the calibrated ranges."""
        return self.subject.net.quantize_on(self.subject.ranges, self.subject.images.shape[1:])
