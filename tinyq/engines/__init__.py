"""Plans: an int8 network made ready to run fast, with the very bytes of its layers.

The layers say what the bytes are; an engine says how to reach them.  Each engine is a module with
one function, ``step(op, sources, target)``, that returns a Step or None for "let the layer do it".
"""

from tinyq.engines.plan import ENGINES, Plan

__all__ = ["ENGINES", "Plan"]
