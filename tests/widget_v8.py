"""A widget's numbers in V8, without a page: what its script says of a state."""

import json

import traitlets
from py_mini_racer import MiniRacer

from tinyq.widgets import host


class V8:
    """The scripts of a widget, loaded once; data: of a Python widget, "" for the default."""

    def __init__(self, widget: type, data: str = "") -> None:
        self.racer, self.name = MiniRacer(), widget.name
        self.racer.eval(ATOB)
        for script in (*host.SHARED, *widget.scripts):
            self.racer.eval((host.FOLDER / script).read_text(encoding="utf-8"))
        self.racer.eval(f'const shown = tinyqWidgets["{self.name}"];')
        decoded = f"tinyqWidgets.kit.decode({json.dumps(data)})" if data else "null"
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


# kit.decode needs a page's atob; the rest of a widget needs no page
ATOB = """globalThis.atob ??= (text) => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const digits = [...text.replaceAll("=", "")].map((one) => alphabet.indexOf(one));
  return Array.from({ length: Math.floor(digits.length * 3 / 4) }, (_, i) => {
    const at = Math.floor(i * 4 / 3), left = 2 * (i % 3) + 2;
    return String.fromCharCode(((digits[at] << left) | (digits[at + 1] >> (6 - left))) & 255);
  }).join("");
};"""


def python_value(make, state: dict) -> dict | None:
    """The value of make(**state) as the JSON that a page has; None where it is refused."""
    try:
        return json.loads(json.dumps(make(**state).value, allow_nan=False))
    except (ValueError, traitlets.TraitError):
        return None


def agree(v8: V8, make, states: list[dict]) -> int:
    """Assert that script and Python agree on each state; return how many were refused."""
    refused = 0
    for state in states:
        want, got = python_value(make, state), v8.value(state)
        if want is None:
            refused += 1
            assert isinstance(got, str) and got.endswith("."), (state, got)
        else:
            assert got == want, state
    return refused
