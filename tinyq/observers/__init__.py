"""Observers: watch a tensor during calibration, then propose its grid."""

from tinyq.observers.entropy import Entropy
from tinyq.observers.minmax import MinMax
from tinyq.observers.moving_average import MovingAverage
from tinyq.observers.mse import MSE
from tinyq.observers.observer import Observer
from tinyq.observers.percentile import Percentile

__all__ = ["MSE", "Entropy", "MinMax", "MovingAverage", "Observer", "Percentile"]
