"""Live widgets: in a notebook each is an anywidget class, in a static page a custom element.

Needs the extra "widgets" (`pip install "tinyq[widgets]"`); `import tinyq` does not.
"""

from tinyq.widgets.grid_ruler import GridRuler

__all__ = ["GridRuler"]
