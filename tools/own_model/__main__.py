"""`python -m tools.own_model`: train, convert, count the right answers, write the files."""

import argparse
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from tinyq import digits
from tinyq.export.files import rewrite
from tools.agreement import report
from tools.agreement.onnxrt import channels_first
from tools.own_model.answers import right
from tools.own_model.convert import to_onnx, to_tflite
from tools.own_model.network import SEED, train
from tools.own_model.onnx_float import export

RECORD, BUILT = Path("book/own_model"), Path("build/own_model")
TOOLS = ("tensorflow-cpu", "keras", "onnx", "onnxruntime", "ai-edge-litert", "numpy")


def main(argv: Sequence[str] | None = None) -> None:
    """Make the files and what is told about them, and print that."""
    parser = argparse.ArgumentParser(prog="python -m tools.own_model", description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD} and not {BUILT}")
    folder = RECORD if parser.parse_args(argv).record else BUILT
    data = digits.load()
    network = train(images(data, "train"), data.labels[data.train])
    files = converted(network, images(data, "calibration"))
    about = report.as_json(told(files, network, data))
    for name, content in {**files, "own_model.json": about.encode()}.items():
        rewrite(folder / name, content)
    print(f"{about}wrote {folder}")


def images(data: digits.Digits, part: str) -> NDArray[np.float32]:
    """Return the scans of a part: float32 (N, 8, 8, 1), ink 0..1."""
    return data.scans[getattr(data, part), ..., None] / np.float32(16)


def converted(network: keras.Model, calibration: NDArray[np.float32]) -> dict[str, bytes]:
    """Return the int8 files by name; calibration: images (N, H, W, C)."""
    models = to_onnx(export(network), channels_first(calibration))
    files = {f"digits_{form.name.lower()}.onnx": model for form, model in models.items()}
    return {"digits_int8.tflite": to_tflite(network, calibration), **files}


def told(files: dict[str, bytes], network: keras.Model, data: digits.Digits) -> dict:
    """Return what made the files, of what, and how many of the test images are named rightly."""
    test, labels = images(data, "test"), data.labels[data.test]
    classes = network.predict(test, verbose=0).argmax(axis=1)
    return {
        "made_by": "make own-model RECORD=1",
        "date": report.today(),
        "machine": report.machine(),
        "seed": SEED,
        "versions": {tool: version(tool) for tool in TOOLS},
        "licence": "MIT",
        "data": f"tinyq/models/{digits.PATH.name}, which says: {data.source}",
        "images": {part: len(getattr(data, part)) for part in digits.PARTS},
        "right_in_float": int((classes == labels).sum()),
        "files": [
            {
                "name": name,
                "bytes": len(model),
                "sha256": sha256(model).hexdigest(),
                "right": right(name, model, test, labels),
            }
            for name, model in files.items()
        ],
    }


if __name__ == "__main__":
    main()
