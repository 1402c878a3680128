"""The agreement suite: tinyq against the runtimes people deploy, on random cases, byte for byte.

`python -m tools.agreement` runs it.  tinyq never imports this package; an adapter imports its
runtime.
"""
