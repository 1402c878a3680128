"""Write what the agreement matrix shows: `python tools/agreement_data.py`.

`tinyq/widgets/data/agreement_data.js` gets the pairs of `book/agreement.json`, the roundings in
words, and in which precision each runtime multiplies a dense layer's scales.  Run it after
`make agreement RECORD=1`.
"""

import json
from pathlib import Path

import numpy as np

from tinyq import Rounding
from tinyq.export.files import rewrite
from tinyq.runtimes import RUNTIMES

ROOT = Path(__file__).resolve().parents[1]
LEDGER = ROOT / "book" / "agreement.json"
PATH = ROOT / "tinyq" / "widgets" / "data" / "agreement_data.js"
KEPT = ("runtime", "operator", "setting", "cases", "refused", "refusal", "rules")
WIDTH = 100

SCRIPT = """\
/* The verification ledger for the agreement matrix, by tools/agreement_data.py: do not edit. */
(() => {{
  const ui = (globalThis.tinyqWidgets ??= {{}});
  ui.agreement =
{data};
}})();
"""


def condensed(ledger: dict) -> dict:
    """Return what the widget needs of a ledger, as tools.agreement.report makes it."""
    return {
        "date": ledger["date"],
        "versions": ledger["versions"],
        "words": {rounding.name: rounding.value for rounding in Rounding},
        "float32_products": [
            name for name, one in RUNTIMES.items() if one.dense_product is np.float32
        ],
        "pairs": [{key: pair[key] for key in KEPT} for pair in ledger["pairs"]],
    }


def in_lines(data: dict) -> str:
    """Return data as JSON in lines of at most WIDTH, broken between its tokens alone."""
    lines = [""]
    for token in json.JSONEncoder(separators=(",", ":")).iterencode(data):
        if len(lines[-1]) + len(token) > WIDTH - 2:
            lines.append("")
        lines[-1] += token
    return "\n".join(lines)


def script() -> str:
    """Return the text of agreement_data.js."""
    return SCRIPT.format(data=in_lines(condensed(json.loads(LEDGER.read_text()))))


if __name__ == "__main__":
    rewrite(PATH, script().encode())
    print(f"{PATH.name}: {PATH.stat().st_size} bytes")
