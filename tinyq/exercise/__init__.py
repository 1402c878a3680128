"""What the reader answers: the check of an exercise, and worksheets to solve on paper."""

from tinyq.exercise.check import check

__all__ = ["check"]
