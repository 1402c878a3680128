"""Of the theme's icons leave those that the pages show: 1.5 MB on each page become a twentieth.

The theme draws its icons by one script of Font Awesome, which holds the outlines of two thousand.
A page shows some ten of them, and waits for the whole script before a widget can start.
"""

import re
from collections.abc import Set
from pathlib import Path

import pydata_sphinx_theme
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from tinyq.export.files import write_files

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
SCRIPT = Path("scripts", "fontawesome.js")
# name:[width,height,[other names],"code point","outline"],
ICON = re.compile(
    r'"?(?P<name>[a-z0-9-]+)"?:\[\d+,\d+,\[(?P<others>[^\]]*)\],"[0-9a-f]+",'
    r'(?:"[^"]*"|\[[^\]]*\])\],?'
)
USED = re.compile(r"\bfa-([a-z0-9-]+)")


def only(script: str, used: Set[str]) -> str:
    """Return Font Awesome's script without the icons that no name in used means."""

    def kept(icon: re.Match) -> str:
        names = {icon["name"], *re.findall(r'"([a-z0-9-]+)"', icon["others"])}
        return icon[0] if names & used else ""

    return ICON.sub(kept, script)


def drop_icons(app: Sphinx, error: Exception | None) -> None:
    """Write the script anew with the icons of the built pages and of the theme's other scripts."""
    if error or app.builder.name not in ("html", "singlehtml"):
        return
    out, whole = Path(app.outdir), (THEME / SCRIPT).read_text(encoding="utf-8")
    others = [path for path in (THEME / "scripts").glob("*.js") if path.name != SCRIPT.name]
    texts = [path.read_text(encoding="utf-8") for path in [*out.rglob("*.html"), *others]]
    small = only(whole, {name for text in texts for name in USED.findall(text)})
    if len(small) > len(whole) / 10:
        raise ExtensionError(
            f"{SCRIPT}: the theme writes its icons in another form; see {__file__}"
        )
    write_files({out / "_static" / SCRIPT: small.encode()}, force=True)


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("build-finished", drop_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
