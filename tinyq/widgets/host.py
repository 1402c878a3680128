"""What every widget class shares: its scripts as a module for JupyterLab, its tag for a page.

One text, two hosts.  In a page the files are classic scripts, first `SHARED`, then each widget's
`scripts`; they register a custom element.  A notebook gets the same texts in one ES module.
"""

from html import escape
from pathlib import Path

try:
    import anywidget
except ImportError as error:
    raise ImportError(
        'tinyq.widgets needs anywidget, which comes with the extra: pip install "tinyq[widgets]"'
    ) from error

FOLDER = Path(__file__).parent
SHARED = ("kit.js", "int8.js", "host.js")
CSS = (FOLDER / "widgets.css").read_text(encoding="utf-8")


def module(name: str, *scripts: str) -> str:
    """Return the ES module of a widget: the shared scripts, its own, and the render it exports.

    name: the tag without "tinyq-".  scripts: its own files, in the order of loading.
    """
    texts = [(FOLDER / script).read_text(encoding="utf-8") for script in (*SHARED, *scripts)]
    export = f'export default {{ render: globalThis.tinyqWidgets["{name}"].render }};\n'
    return "\n".join([*texts, export])


class Widget(anywidget.AnyWidget):
    """A widget whose state are the traits `fields`.

    A subclass sets name, fields, scripts and _esm, and defines value and fallback.
    """

    name = ""
    fields: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    _css = CSS

    @property
    def value(self) -> dict:
        """What is shown, as numbers, computed by tinyq from the traits as they are now."""
        raise NotImplementedError

    def fallback(self) -> str:
        """HTML that stands in where no script runs."""
        raise NotImplementedError

    def html(self) -> str:
        """The tag for a page: the state as attributes, the fallback inside."""
        state = " ".join(f'{field}="{escape(str(getattr(self, field)))}"' for field in self.fields)
        return f"<tinyq-{self.name} {state}>{self.fallback()}</tinyq-{self.name}>"

    def __repr__(self) -> str:
        # anywidget's own holds an address, which no two runs share
        state = ", ".join(f"{field}={getattr(self, field)!r}" for field in self.fields)
        return f"{type(self).__name__}({state})"

    def _repr_mimebundle_(self, **kwargs: dict) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/html": self.html()}, metadata
