"""Take a calibrated network out of Python: a file for tinyq itself, and C."""

from tinyq.export.archive import load, npz
from tinyq.export.c_source import c

# What `python -m tinyq export --format` offers: functions (qnet, path, *, force), by name.
# A new format is a module here, an import above and an entry below.
FORMATS = {"npz": npz, "c": c}

__all__ = ["FORMATS", "c", "load", "npz"]
