"""The file of trained digits: its layout, and what a file must pass before its arrays are used."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.models import foreign

CONVS = ("stem", "block1", "block2")
PARTS = ("train", "calibration", "test")
CLASSES = 10
LARGEST = 1_000_000  # bytes of all the arrays together
Arrays = dict[str, NDArray[Any]]

# The type and shape of each array in the file; a name is a size that must be the same throughout.
LAYOUT: dict[str, tuple[type[np.generic], tuple[int | str, ...]]] = {
    "scans": (np.uint8, ("N", 8, 8)),
    "labels": (np.uint8, ("N",)),
    "source": (np.str_, ()),
    **{part: (np.int16, (part,)) for part in PARTS},
    "stem_weights": (np.float32, ("F", 7, 7, 3)),
    "block1_weights": (np.float32, ("F", 3, 3, "F")),
    "block2_weights": (np.float32, ("F", 3, 3, "F")),
    "dense_weights": (np.float32, (CLASSES, "F")),
    "dense_bias": (np.float32, (CLASSES,)),
    **{
        f"{name}_{field}": (np.float32, () if field == "eps" else ("F",))
        for name in CONVS
        for field in ("gamma", "beta", "mean", "var", "eps")
    },
}


def unpack(content: bytes) -> Arrays:
    """Return the arrays of an .npz by name, exactly those of LAYOUT.

    content: the whole file.  Nothing in it is unpickled.  Raises ValueError for foreign or altered
    arrays, and for a damaged archive whatever zipfile, zlib and NumPy raise.
    """
    arrays = _read(content)
    _check_layout(arrays)
    _check_values(arrays)
    return arrays


def _read(content: bytes) -> Arrays:
    arrays = foreign.arrays(content, LARGEST)
    if sorted(arrays) != sorted(LAYOUT):
        missing, extra = set(LAYOUT) - set(arrays), set(arrays) - set(LAYOUT)
        raise ValueError(f"arrays missing: {sorted(missing)}, arrays unknown: {sorted(extra)}")
    return {name: arrays[name] for name in LAYOUT}


def _check_layout(arrays: Arrays) -> None:
    """Raise ValueError for an array whose dtype or shape is not LAYOUT's."""
    sizes: dict[str, int] = {}
    for name, (kind, form) in LAYOUT.items():
        array = arrays[name]
        if array.dtype.type != kind:
            raise ValueError(f"{name} must be {kind.__name__}, got {array.dtype}")
        wanted = list(form)
        if array.ndim == len(form):
            wanted = [
                sizes.setdefault(want, got) if isinstance(want, str) else want
                for want, got in zip(form, array.shape, strict=True)
            ]
        if array.shape != tuple(wanted) or not all(array.shape):
            raise ValueError(f"{name} must have shape {form}, got {array.shape}; {sizes}")


def _check_values(arrays: Arrays) -> None:
    """Raise ValueError for a number that is not finite or out of range, or an image in no part."""
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinity")
    for name, largest in (("scans", 16), ("labels", CLASSES - 1)):
        if arrays[name].max() > largest:
            raise ValueError(f"{name} must lie in 0..{largest}, got {arrays[name].max()}")
    for name in CONVS:
        if arrays[f"{name}_var"].min() < 0 or arrays[f"{name}_eps"] <= 0:
            raise ValueError(f"{name}_var must be >= 0 and {name}_eps > 0")
    parts = np.sort(np.concatenate([arrays[part] for part in PARTS]))
    if not np.array_equal(parts, np.arange(len(arrays["labels"]))):
        raise ValueError(f"{', '.join(PARTS)} must hold the index of each image once")
