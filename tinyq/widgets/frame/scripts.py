"""Which scripts and styles a widget needs, in the order of loading, read from the scripts alone.

Classic scripts (no import, no export) work from file://; they share `globalThis.tinyqWidgets`.
What a script puts there (`ui.int8 = ...`) it defines, and what it takes out (`ui.kit.h`,
`const { int8, kit } = ui;`) another must have put there before.  A style sheet loads with the
script of the same name beside it.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]

DEFINED = re.compile(r"\bui\.(\w+) (?:\?\?)?=(?!=)")
TAKEN = re.compile(r"\b(?:ui|tinyqWidgets)\.(\w+)")
UNPACKED = re.compile(r"\bconst \{([^;=]+)\}\s*=\s*(?:ui|globalThis\.tinyqWidgets);")
INNER = re.compile(r"\{[^{}]*\}")


@cache
def text_of(script: Path) -> str:
    """Return a script's or a style sheet's text, read once."""
    return script.read_text(encoding="utf-8")


@cache
def packaged() -> Mapping[Path, str]:
    """Return the text of each script in the package, by its file."""
    return {script: text_of(script) for script in sorted(FOLDER.rglob("*.js"))}


@cache
def names_defined(text: str) -> tuple[str, ...]:
    """Return the names that a script puts into tinyqWidgets, each once, in its order.

    >>> names_defined("ui.cells = { arrowGrid };")
    ('cells',)
    """
    return tuple(dict.fromkeys(DEFINED.findall(text)))


@cache
def names_needed(text: str) -> tuple[str, ...]:
    """Return the names that a script takes out of tinyqWidgets and does not define itself.

    >>> names_needed("const { int8, kit: { h } } = ui; const { clamp } = int8; ui.figure.svg();")
    ('int8', 'kit', 'figure')
    """
    unpacked = ",".join(INNER.sub("", found) for found in UNPACKED.findall(text))
    names = [entry.split(":")[0].strip() for entry in unpacked.split(",")] + TAKEN.findall(text)
    return tuple(dict.fromkeys(name for name in names if name not in ("", *names_defined(text))))


def homes(texts: Mapping[Path, str]) -> dict[str, Path]:
    """Return the script that defines each name.  Raises ValueError where two define one."""
    found: dict[str, Path] = {}
    for script, text in texts.items():
        for name in names_defined(text):
            if found.setdefault(name, script) != script:
                raise ValueError(f"ui.{name} is defined by {found[name].name} and by {script.name}")
    return found


def in_order(entries: Iterable[Path], texts: Mapping[Path, str]) -> list[Path]:
    """Return the entries and all that they need, each script after those that it needs.

    entries: scripts of texts.  texts: the text of each script there is, by its file.
    Raises ValueError for a name that no script defines, or that two do, and for scripts that need
    each other in a circle.

    >>> a, b = Path("a.js"), Path("b.js")
    >>> in_order([b], {a: "ui.kit = {};", b: "ui.kit.h();"}) == [a, b]
    True
    """
    home, needs, waiting = homes(texts), {}, list(entries)
    while waiting:
        script = waiting.pop(0)
        if script in needs:
            continue
        names = names_needed(texts[script])
        if lost := [name for name in names if name not in home]:
            raise ValueError(f"{script.name} takes ui.{lost[0]}, which no script defines")
        needs[script] = list(dict.fromkeys(home[name] for name in names))
        waiting += needs[script]
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " needs ".join(script.name for script in reversed(error.args[1]))
        raise ValueError(f"scripts need each other in a circle: {circle}") from error


def scripts_for(entries: Iterable[Path]) -> list[Path]:
    """Return the files that a page with these widgets' scripts loads, each once, in order.

    Raises ValueError as `in_order` does.
    """
    entries = list(entries)
    return in_order(entries, {**packaged(), **{script: text_of(script) for script in entries}})


def styles_for(scripts: Iterable[Path]) -> list[Path]:
    """Return the style sheets beside the scripts, in the scripts' order."""
    return [sheet for script in scripts if (sheet := script.with_suffix(".css")).exists()]
