"""The agreement matrix of chapter 13."""

# the widget's copied call takes it from here
from tinyq.widgets.agreement_matrix.agreement_matrix import packaged

__all__ = ["packaged"]
