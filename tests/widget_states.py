"""Many states of one widget: what its script says of each in V8 equals what tinyq says."""

import json
from collections.abc import Callable

import traitlets
from widget_v8 import V8

from tinyq.widgets import host


class Script:
    """A widget's script with its data decoded once; data: of a Python widget, "" for its own."""

    def __init__(self, widget: type[host.Widget], data: str = "") -> None:
        self.racer = V8(widget).racer
        decoded = f"tinyqWidgets.kit.decode({json.dumps(data)})" if data else "null"
        self.racer.eval(f'const shown = tinyqWidgets["{widget.name}"];')
        self.racer.eval(f"const ctx = shown.prepare?.({decoded}) ?? {{}};")

    def value(self, state: dict) -> dict | str:
        """The value of a state, or the sentence that refuses it."""
        text = json.dumps(json.dumps(state))
        answer = self.racer.eval(
            f"""(() => {{ try {{ return JSON.stringify(shown.evaluate(JSON.parse({text}), ctx)); }}
            catch (e) {{ if (e instanceof RangeError) return JSON.stringify(e.message); throw e; }}
            }})()"""
        )
        return json.loads(answer)


def python_value(make: Callable[..., host.Widget], state: dict) -> dict | None:
    """The value of make(**state) as the JSON that a page has; None where it is refused."""
    try:
        return json.loads(json.dumps(make(**state).value, allow_nan=False))
    except (ValueError, traitlets.TraitError):
        return None


def agree(script: Script, make: Callable[..., host.Widget], states: list[dict]) -> int:
    """Assert that script and Python agree on each state; return how many both refused."""
    refused = 0
    for state in states:
        want, got = python_value(make, state), script.value(state)
        if want is None:
            refused += 1
            assert isinstance(got, str) and got.endswith("."), (state, got)
        else:
            assert got == want, state
    return refused
