"""Packages that a format needs, and `import tinyq` does not."""

import importlib
from types import ModuleType


def imported(module: str) -> ModuleType:
    """Return a module that tinyq's extra "runtimes" brings.

    Raises ImportError, with what to install, where it is not there.

    >>> imported("a_package.that_nobody_has")
    Traceback (most recent call last):
    ImportError: this format needs a_package: pip install '.[runtimes]' in the project's folder
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"this format needs {package}: pip install '.[runtimes]' in the project's folder",
            name=package,
        ) from error
