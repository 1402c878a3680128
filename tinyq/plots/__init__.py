"""Figures of the book: pure functions from data to a matplotlib Figure."""

from tinyq.plots.parity import parity

__all__ = ["parity"]
