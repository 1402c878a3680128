"""What the layers have in common that read one tensor."""

from dataclasses import dataclass

from tinyq.affine import Grid
from tinyq.checks import Proved


@dataclass(frozen=True, eq=False)
class OneInput(Proved):
    """A layer that reads one tensor, on in_grid."""

    in_grid: Grid

    @property
    def in_grids(self) -> tuple[Grid]:
        """The grid of the input."""
        return (self.in_grid,)
