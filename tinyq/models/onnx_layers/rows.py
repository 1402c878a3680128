"""Rows of all samples in one axis, as Gemm reads them: (N, ..., C) of the file as (N * ..., C)."""

from dataclasses import dataclass

from tinyq.layers.contract import Shape
from tinyq.models.opened.value import Value


@dataclass(frozen=True)
class Rows(Value):
    """Codes whose first axis in the file is that of samples and rows; tinyq keeps the two apart.

    lead: a sample's axes before the last, which the file has in its first axis.
    """

    lead: Shape = ()


def as_rows(value: Value, lead: Shape) -> Rows:
    """Return codes, which lie as in the file, as rows along their last axis."""
    return Rows(value.name, value.grid, value.shape, value.shape[-1:], lead=lead)
