"""Write what the widgets know of the trained digits: `python tools/widget_data.py`.

`tinyq/widgets/data/digits_data.js` gets the folded float weights, the ranges of a calibration on
all the calibration scans, and two test scans of each digit.  Two runs give the same bytes.
"""

import base64
import json
import textwrap
from pathlib import Path

import numpy as np

from tinyq.export.files import rewrite
from tinyq.models import digits
from tinyq.network import Network

PATH = Path(__file__).resolve().parents[1] / "tinyq" / "widgets" / "data" / "digits_data.js"
SCANS_EACH = 2

SCRIPT = """\
/* The trained digits network and some of its scans, by tools/widget_data.py: do not edit.

{source}

   load() gives {{ net, wideNet, ranges, wideRanges, images, scans, labels }}: float networks for
   block.js, the ranges of a calibration on {calibrated} scans, test images (N, 16, 16, 3). */
(() => {{
  const ui = (globalThis.tinyqWidgets ??= {{}});
  const data = {data};
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  /* The bytes of lines of base64; atob needs a page. */
  function bytes(lines) {{
    const text = lines.join("").replaceAll("=", "");
    const digits = Array.from(text, (letter) => ALPHABET.indexOf(letter));
    return Uint8Array.from({{ length: Math.floor((digits.length * 3) / 4) }}, (_, i) => {{
      const [at, left] = [Math.floor((i * 4) / 3), 2 * (i % 3) + 2];
      return (digits[at] << left) | (digits[at + 1] >> (6 - left));
    }});
  }}

  function reals({{ shape, base64 }}) {{
    const view = new DataView(bytes(base64).buffer);
    const count = view.byteLength / 4;
    const numbers = Float32Array.from({{ length: count }}, (_, i) => view.getFloat32(4 * i, true));
    return {{ data: numbers, shape }};
  }}

  /* Each pixel doubled both ways, ink 0..1, grey in three channels: tinyq.digits.upsample. */
  function upsample(scans, count) {{
    const images = new Float32Array(count * 768);
    for (let i = 0; i < images.length; i += 1) {{
      const [n, y, x] = [Math.floor(i / 768), Math.floor(i / 48) % 16, Math.floor(i / 3) % 16];
      images[i] = scans[n * 64 + (y >> 1) * 8 + (x >> 1)] / 16;
    }}
    return {{ data: images, shape: [count, 16, 16, 3] }};
  }}

  /* The same function, block1's channels rescaled by powers of two: Digits.widened. */
  function widened(weights, biases) {{
    const {{ block1, block2 }} = weights;
    const [size, channels] = [block1.data.length / data.wide.length, data.wide.length];
    const first = block1.data.map((w, i) => w * data.wide[Math.floor(i / size)]);
    const second = block2.data.map((w, i) => w / data.wide[i % channels]);
    return [
      {{ ...weights, block1: {{ ...block1, data: first }}, block2: {{ ...block2, data: second }} }},
      {{ ...biases, block1: biases.block1.map((b, c) => b * data.wide[c]) }},
    ];
  }}

  const each = (object, change) =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));

  let loaded;
  function load() {{
    if (loaded) return loaded;
    const weights = each(data.weights, reals);
    const biases = each(data.biases, (bias) => reals(bias).data);
    const range = ([lo, hi]) => ({{ lo, hi }});
    const scans = bytes(data.scans);
    loaded = {{
      net: ui.block.stemBlock(weights, biases),
      wideNet: ui.block.stemBlock(...widened(weights, biases)),
      ranges: each(data.ranges, range), wideRanges: each(data.wideRanges, range),
      scans, images: upsample(scans, data.labels.length), labels: data.labels,
    }};
    return loaded;
  }}

  ui.digits = {{ load }};
}})();
"""


def chosen(trained: digits.Digits) -> list[int]:
    """Return the indices of the first test scans of each digit, in the digits' order."""
    labels = trained.labels[trained.test]
    return [
        int(index)
        for digit in range(digits.CLASSES)
        for index in trained.test[labels == digit][:SCANS_EACH]
    ]


def packed(array: np.ndarray) -> dict:
    """Return the shape and the little-endian float32 bytes of an array."""
    return {"shape": array.shape, "base64": lines_of(array.astype("<f4").tobytes())}


def lines_of(content: bytes) -> list[str]:
    """Return bytes as base64, in lines that an editor can show."""
    return textwrap.wrap(base64.b64encode(content).decode("ascii"), width=92)


def ranges_of(net: Network, images: np.ndarray) -> dict[str, list[float]]:
    return {name: [seen.lo, seen.hi] for name, seen in net.calibrate(images).items()}


def script() -> str:
    """Return the text of digits_data.js."""
    trained = digits.load()
    weights, biases = trained.folded()
    indices, calibration = chosen(trained), trained.images[trained.calibration]
    data = {
        "weights": {name: packed(array) for name, array in weights.items()},
        "biases": {name: packed(array) for name, array in biases.items()},
        "wide": digits.WIDE,
        "ranges": ranges_of(trained.net, calibration),
        "wideRanges": ranges_of(trained.wide_net, calibration),
        "scans": lines_of(trained.scans[indices].tobytes()),
        "labels": trained.labels[indices].tolist(),
    }
    entries = [filled(f'"{name}": {json.dumps(value)},', "    ") for name, value in data.items()]
    return SCRIPT.format(
        source=filled(trained.source, "   "),
        calibrated=len(calibration),
        data="{\n" + "\n".join(entries) + "\n  }",
    )


def filled(text: str, indent: str) -> str:
    """Return text in lines of at most 100 characters, broken at spaces alone."""
    return textwrap.fill(
        text, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


if __name__ == "__main__":
    rewrite(PATH, script().encode())
    print(f"{PATH.name}: {PATH.stat().st_size} bytes")
