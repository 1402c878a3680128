"""Data from Python as JSON for a page, arrays included; kit.js has the inverse, `decode`."""

import base64
import dataclasses
import json

import numpy as np

DTYPES = ("int8", "uint8", "int32", "float32", "float64")


def encode(data: object) -> str:
    """Return data as JSON for a page.

    data: dicts, lists, tuples, numbers, strings, dataclasses such as Grid, and arrays of a dtype
    in `DTYPES`; an array becomes {"dtype", "shape", "base64"}, little-endian.  Raises TypeError
    for anything else, ValueError for a NaN or infinite number outside an array.

    >>> encode({"codes": np.int8([1, -1]), "scale": np.float64(0.5)})
    '{"codes":{"dtype":"int8","shape":[2],"base64":"Af8="},"scale":0.5}'
    """
    return json.dumps(data, default=plain, allow_nan=False, separators=(",", ":"))


def plain(item: object) -> object:
    """Return what stands in JSON for an item that JSON does not know; TypeError as encode."""
    if isinstance(item, np.generic):
        return item.item()
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    if isinstance(item, np.ndarray) and item.dtype.name in DTYPES:
        raw = item.astype(item.dtype.newbyteorder("<")).tobytes()
        text = base64.b64encode(raw).decode("ascii")
        return {"dtype": item.dtype.name, "shape": list(item.shape), "base64": text}
    what = f"an array of {item.dtype}" if isinstance(item, np.ndarray) else repr(item)
    raise TypeError(f"data of a widget must be numbers, text or arrays of {DTYPES}, got {what}")
