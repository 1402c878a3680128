"""What every widget class shares: its scripts as a module for JupyterLab, its tag for a page.

One text, two hosts.  In a page the files are classic scripts, first `SHARED`, then each widget's
`scripts`; they register a custom element.  A notebook gets the same texts in one ES module.
"""

import base64
import dataclasses
import json
import re
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

import numpy as np

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise ImportError(
        "tinyq.widgets needs anywidget, which comes with the extra: "
        "pip install '.[widgets]' in the project's folder"
    ) from error

FOLDER = Path(__file__).parent
SHARED = ("kit.js", "controls.js", "figure.js", "host.js", "panel.js", "frame.js")
CSS = (FOLDER / "widgets.css").read_text(encoding="utf-8")
DTYPES = ("int8", "uint8", "int32", "float32", "float64")


@cache
def module(name: str, *scripts: str) -> str:
    """Return the ES module of a widget: the shared scripts, its own, and the render it exports.

    name: the tag without "tinyq-".  scripts: its own files, in the order of loading.
    """
    texts = [(FOLDER / script).read_text(encoding="utf-8") for script in (*SHARED, *scripts)]
    export = f'export default {{ render: globalThis.tinyqWidgets["{name}"].render }};\n'
    return "\n".join([*texts, export])


def scripts_of(html: str, widgets: Iterable[type["Widget"]]) -> list[str]:
    """Return the files that a page with the tags in html loads, each once, in order.

    html: the page's body.  widgets: the classes to choose from.  An empty list where no widget's
    tag stands.  Raises ValueError for a tag of no such widget.

    >>> from tinyq.widgets import WIDGETS
    >>> scripts_of('<tinyq-grid-ruler lo="0"></tinyq-grid-ruler>', WIDGETS)[-2:]
    ['grid_ruler_figure.js', 'grid_ruler.js']
    """
    known = {widget.name: widget.scripts for widget in widgets}
    names = dict.fromkeys(re.findall(r"<tinyq-([a-z0-9-]+)", html))
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"html must hold tags of {', '.join(known)}, got tinyq-{unknown[0]}")
    files = [script for name in names for script in known[name]]
    return list(dict.fromkeys([*SHARED, *files])) if names else []


def encode(data: object) -> str:
    """Return data as JSON for a page; kit.js has the inverse, `decode`.

    data: dicts, lists, tuples, numbers, strings, dataclasses such as Grid, and arrays of a dtype
    in `DTYPES`; an array becomes {"dtype", "shape", "base64"}, little-endian.  Raises TypeError
    for anything else, ValueError for a NaN or infinite number outside an array.

    >>> encode({"codes": np.int8([1, -1]), "scale": np.float64(0.5)})
    '{"codes":{"dtype":"int8","shape":[2],"base64":"Af8="},"scale":0.5}'
    """

    def plain(item: object) -> object:
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

    return json.dumps(data, default=plain, allow_nan=False, separators=(",", ":"))


class Widget(anywidget.AnyWidget):
    """A widget whose state are the traits `fields`, and which may show `data` from Python.

    A subclass sets name, fields, scripts and called, has a synced trait for each field, and
    defines value and fallback.

    name: the tag without "tinyq-".  fields: names in lower case, for they are attributes of the
    tag.  scripts: its own files after `SHARED`, in the order of loading.  called: the entries of
    value that the copied call returns, in its order.
    data: JSON from `encode`; empty where the widget shows the network of the seed.
    lock, hide: controls that are fixed or taken away, names with commas between; as in a link.
    """

    name = ""
    fields: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    _css = CSS

    data = traitlets.Unicode("").tag(sync=True)
    lock = traitlets.Unicode("").tag(sync=True)
    hide = traitlets.Unicode("").tag(sync=True)

    @property
    def _esm(self) -> str:
        return module(self.name, *self.scripts)

    @property
    def value(self) -> dict:
        """What is shown, as numbers, computed by tinyq from the traits as they are now."""
        raise NotImplementedError

    def fallback(self) -> str:
        """HTML that stands in where no script runs."""
        raise NotImplementedError

    def html(self) -> str:
        """The tag for a page: the state as attributes, the data and the fallback inside."""
        fields = [*self.fields, *(name for name in ("lock", "hide") if getattr(self, name))]
        state = " ".join(f'{field}="{self._attribute(field)}"' for field in fields)
        data = self.data.replace("<", "\\u003c")  # no text ends the script
        child = f'<script type="application/json" class="tinyq-data">{data}</script>'
        inside = (child if data else "") + self.fallback()
        return f"<tinyq-{self.name} {state}>{inside}</tinyq-{self.name}>"

    def _attribute(self, field: str) -> str:
        state = getattr(self, field)
        return escape(str(state).lower() if isinstance(state, bool) else str(state))

    def __repr__(self) -> str:
        # anywidget's own holds an address, which no two runs share
        state = ", ".join(f"{field}={getattr(self, field)!r}" for field in self.fields)
        return f"{type(self).__name__}({state})"

    def _repr_mimebundle_(self, **kwargs: dict) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/html": self.html()}, metadata
