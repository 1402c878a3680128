"""What every widget class shares: its scripts as a module for JupyterLab, its tag for a page.

One text, two hosts.  In a page the files are classic scripts, which register a custom element.  A
notebook gets the same texts in one ES module.
"""

import inspect
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from tinyq.widgets.frame.markup import Markup, data_script, element
from tinyq.widgets.frame.scripts import scripts_for, styles_for, text_of

try:
    import anywidget

    from tinyq.widgets.frame.traits import Unicode
except ImportError as error:
    raise ImportError(
        "tinyq.widgets needs anywidget, which comes with the extra: "
        "pip install '.[widgets]' in the project's folder"
    ) from error


@cache
def module(name: str, script: Path) -> str:
    """Return the ES module of a widget: all scripts that it needs, and the render it exports.

    name: the tag without "tinyq-".  script: its own.
    """
    export = f'export default {{ render: globalThis.tinyqWidgets["{name}"].render }};\n'
    return "\n".join([*map(text_of, scripts_for([script])), export])


@cache
def style(script: Path) -> str:
    """Return the text of all style sheets of a widget.  script: its own."""
    return "\n".join(map(text_of, styles_for(scripts_for([script]))))


def scripts_of(html: str, widgets: Iterable[type["Widget"]]) -> list[Path]:
    """Return the files that a page with the tags in html loads, each once, in order.

    html: the page's body.  widgets: the classes to choose from.  An empty list where no widget's
    tag stands.  Raises ValueError for a tag of no such widget.

    >>> from tinyq.widgets import WIDGETS
    >>> scripts_of('<tinyq-grid-ruler lo="0"></tinyq-grid-ruler>', WIDGETS)[-1].name
    'grid_ruler.js'
    """
    known = {widget.name: widget for widget in widgets}
    names = dict.fromkeys(re.findall(r"<tinyq-([a-z0-9-]+)", html))
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"html must hold tags of {', '.join(known)}, got tinyq-{unknown[0]}")
    return scripts_for(known[name].script() for name in names)


class Widget(anywidget.AnyWidget):
    """A widget whose state are the traits `fields`, and which may show `data` from Python.

    A subclass sets name, fields and called, has a synced trait for each field, and defines value
    and fallback.  Its script stands beside its file: grid_ruler.js for the name "grid-ruler".

    name: the tag without "tinyq-".  fields: names in lower case, for they are attributes of the
    tag.  called: the entries of value that the copied call returns, in its order.
    data: JSON from `encode`; empty where the widget shows the network of the seed.
    lock, hide: controls that are fixed or taken away, names with commas between; as in a link.
    """

    name = ""
    fields: tuple[str, ...] = ()
    called: tuple[str, ...] = ()

    data = Unicode("").tag(sync=True)
    lock = Unicode("").tag(sync=True)
    hide = Unicode("").tag(sync=True)

    def __init__(self, **state: object) -> None:
        # traitlets only warns of a name that it does not know
        if unknown := [name for name in state if not self.has_trait(name)]:
            raise TypeError(
                f"{type(self).__name__} takes {', '.join(self.fields)}, got {unknown[0]!r}"
            )
        super().__init__(**state)

    @classmethod
    def script(cls) -> Path:
        """The widget's own script, beside the file of the class that sets its name."""
        named = next(one for one in cls.__mro__ if "name" in vars(one))
        folder = Path(inspect.getfile(named)).resolve().parent
        return folder / f"{cls.name.replace('-', '_')}.js"

    @property
    def _esm(self) -> str:
        return module(self.name, self.script())

    @property
    def _css(self) -> str:
        return style(self.script())

    @property
    def value(self) -> dict[str, Any]:
        """What is shown, as numbers, computed by tinyq from the traits as they are now."""
        raise NotImplementedError

    def fallback(self) -> Markup:
        """HTML that stands in where no script runs; what is no Markup shows as text."""
        raise NotImplementedError

    def html(self) -> Markup:
        """The tag for a page: the state as attributes, the data and the fallback inside."""
        fields = [*self.fields, *(name for name in ("lock", "hide") if getattr(self, name))]
        state = {field: self._attribute(field) for field in fields}
        data = [data_script(self.data)] if self.data else []
        return element(f"tinyq-{self.name}", state, *data, self.fallback())

    def _attribute(self, field: str) -> object:
        state = getattr(self, field)
        return str(state).lower() if isinstance(state, bool) else state

    def __repr__(self) -> str:
        # anywidget's own holds an address, which no two runs share
        state = ", ".join(f"{field}={getattr(self, field)!r}" for field in self.fields)
        return f"{type(self).__name__}({state})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/html": self.html()}, metadata
