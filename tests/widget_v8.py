"""A widget's numbers in V8, without a page, and whether they are tinyq's."""

import json
import math
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path

import traitlets
from py_mini_racer import MiniRacer

from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.scripts import scripts_for, text_of

# V8 alone has no atob: what kit.decode needs of it.
ATOB = """globalThis.atob = (text) => { const letters =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let [bits, count, out] = [0, 0, ""];
  for (const letter of text.replaceAll("=", "")) {
    bits = (bits << 6) | letters.indexOf(letter); count += 6;
    if (count >= 8) { count -= 8; out += String.fromCharCode((bits >> count) & 255); } }
  return out; };"""
# The answer of a widget to a state: its value, or the sentence that refuses it.
ANSWER = """const answer = (state) => { try { return shown.evaluate(state, ctx); }
  catch (error) { if (error instanceof RangeError) return error.message; throw error; } };"""


class V8:
    """Scripts and all that they need, loaded twice, as a notebook does once a widget."""

    def __init__(self, entries: Iterable[Path]) -> None:
        self.racer = MiniRacer()
        # with this object or before Python ends: left to its __del__, V8 hangs Python 3.13
        weakref.finalize(self, self.racer.close)
        self.racer.eval(ATOB)
        for script in scripts_for(entries) * 2:
            self.racer.eval(text_of(script))

    def call(self, function: str, argument: object = None) -> object:
        """The answer of a JavaScript function of one argument; both ways JSON."""
        text = json.dumps(json.dumps(argument))
        answer = self.racer.eval(f"JSON.stringify(({function})(JSON.parse({text})))")
        return json.loads(answer, parse_int=float)  # JavaScript writes 1e20 without a point


class Script(V8):
    """A widget's script with its data decoded once; data: of a Python widget, "" for its own."""

    def __init__(self, widget: type[Widget], data: str = "") -> None:
        super().__init__([widget.script()])
        self.racer.eval(f'const shown = tinyqWidgets["{widget.name}"]; let ctx; {ANSWER}')
        self.give(data)

    def give(self, data: str) -> None:
        """Show other data of a Python widget."""
        decoded = f"tinyqWidgets.kit.decode({json.dumps(data)})" if data else "null"
        self.racer.eval(f"ctx = shown.prepare?.({decoded}) ?? {{}};")

    def value(self, state: dict) -> dict | str:
        """The value of a state, or the sentence that refuses it."""
        return self.call("answer", state)

    def show(self, widget: Widget) -> dict:
        """The value of a Python widget's state and data, asserted to be tinyq's."""
        self.give(widget.data)
        value = self.value(state_of(widget))
        assert value == json.loads(json.dumps(widget.value)), widget
        return value

    def copied(self, widget: Widget) -> str:
        """The copied call of a Python widget's state and data."""
        self.give(widget.data)
        return self.call("(state) => shown.call(shown.evaluate(state, ctx), ctx)", state_of(widget))

    def call_agrees(self, widget: Widget, **names: object) -> None:
        """Assert that the copied call gives what is shown, where these names are known."""
        want = tuple(widget.value[name] for name in widget.called)
        assert run_call(self.copied(widget), **names) == want, widget


def state_of(widget: Widget) -> dict:
    """The fields of a Python widget."""
    return {field: getattr(widget, field) for field in widget.fields}


def python_value(make: Callable[..., Widget], state: dict) -> dict | None:
    """The value of make(**state) as the JSON that a page has; None where it is refused."""
    if any(isinstance(one, float) and not math.isfinite(one) for one in state.values()):
        return None
    try:
        return json.loads(json.dumps(make(**state).value, allow_nan=False))
    except (TypeError, ValueError, traitlets.TraitError):
        return None


def agree(script: Script, make: Callable[..., Widget], states: list[dict]) -> int:
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


def run_call(text: str, **names: object) -> object:
    """What the last line of a copied call gives, where these names are known."""
    *lines, last = text.splitlines()
    exec("\n".join(lines), names)
    return eval(last, names)
