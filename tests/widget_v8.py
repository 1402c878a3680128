"""A widget's numbers in V8, without a page."""

import json

from py_mini_racer import MiniRacer

from tinyq.widgets import host

# V8 alone has no atob: what kit.decode needs of it.
ATOB = """globalThis.atob = (text) => { const letters =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let [bits, count, out] = [0, 0, ""];
  for (const letter of text.replaceAll("=", "")) {
    bits = (bits << 6) | letters.indexOf(letter); count += 6;
    if (count >= 8) { count -= 8; out += String.fromCharCode((bits >> count) & 255); } }
  return out; };"""


class V8:
    """The scripts of one widget, loaded once."""

    def __init__(self, widget: type[host.Widget]) -> None:
        self.widget = widget
        self.racer = MiniRacer()
        self.racer.eval(ATOB)
        for script in (*host.SHARED, *widget.scripts):
            self.racer.eval((host.FOLDER / script).read_text(encoding="utf-8"))

    def call(self, code: str) -> object:
        answer = self.racer.eval(f"JSON.stringify({code})")
        return json.loads(answer, parse_int=float)  # JavaScript writes 1e20 without a point

    def show(self, shown: host.Widget, method: str = "value") -> object:
        """The value of a Python widget's state and data, or its copied call."""
        state = {field: getattr(shown, field) for field in shown.fields}
        return self.call(
            f"""(() => {{ const spec = globalThis.tinyqWidgets["{self.widget.name}"];
            const data = {json.dumps(shown.data)};
            const decoded = data ? globalThis.tinyqWidgets.kit.decode(data) : null;
            const ctx = spec.prepare?.(decoded) ?? {{}};
            const value = spec.evaluate({json.dumps(state)}, ctx);
            return "{method}" === "value" ? value : spec.{method}(value, ctx); }})()"""
        )
