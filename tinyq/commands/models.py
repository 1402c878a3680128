"""What a command is given by name: a network, and codes for it."""

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.export import load
from tinyq.layers.nodes import INPUT
from tinyq.models import digits, foreign, resnet
from tinyq.models.load_onnx import load_onnx
from tinyq.models.load_tflite import load_tflite
from tinyq.network import QNetwork

SHOWN, IMAGES, SEED = 4, 8, 0
Command = Callable[[Any], tuple[int, str]]  # from the arguments to exit status and text
MOST = 1 << 30  # bytes of an .npy or an .npz
LOADERS: dict[str, Callable[[str], QNetwork]] = {".onnx": load_onnx, ".tflite": load_tflite}


def open_model(name: str) -> QNetwork:
    """Return a network by name: "seed", "digits", an .npz that tinyq wrote, a .tflite, an .onnx.

    Raises ImportError for an .onnx without the extra, OSError for a file that cannot be read,
    ValueError for one that holds no network.
    """
    return network(name)[0]


def network(name: str) -> tuple[QNetwork, NDArray[Any] | None]:
    """Return a calibrated network, and a few images for it or None where it is from a file."""
    if name == "seed":
        weights, biases, images = resnet.seed()
        return resnet.stem_block(weights, biases).quantize(images), images[:SHOWN]
    if name == "digits":
        data = digits.load()
        qnet = data.net.quantize(data.images[data.calibration])
        return qnet, data.images[data.test[:SHOWN]]
    return LOADERS.get(Path(name).suffix, load)(name), None


def input_codes(model: QNetwork, path: Path | None) -> tuple[NDArray[Any], str]:
    """Return images for a network and what they are: those of an .npy, or seeded random codes.

    Raises OSError for a file that cannot be read, ValueError for one that holds no array.
    """
    if path is not None:
        images = _loaded(path)
        if isinstance(images, dict) or not images.size:
            raise ValueError(f"{path} must hold one array that is not empty, as np.save writes it")
        return images, str(path)
    grid, shape = model.grids[INPUT], (IMAGES, *model.image_shape)
    codes = np.random.default_rng(SEED).integers(grid.qmin, grid.qmax + 1, shape)
    return codes.astype(np.int8), f"{IMAGES} inputs of random codes, seed {SEED}"


def dumped(path: Path) -> Mapping[str, NDArray[Any]]:
    """Return the arrays of an .npz by name; raise OSError or ValueError where it is none."""
    arrays = _loaded(path)
    if not isinstance(arrays, dict):
        raise ValueError(f"{path} must hold arrays by name, as np.savez writes them")
    return arrays


def _loaded(path: Path) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Return what an .npy or an .npz holds; raise OSError or ValueError where it is neither."""
    content = foreign.read(path, MOST)
    try:
        packed = content.startswith(b"PK")
        return foreign.arrays(content, MOST) if packed else foreign.array(content)
    except Exception as error:  # zipfile, zlib and NumPy each raise their own
        raise ValueError(f"{path} is no .npy or .npz that NumPy can read: {error}") from error


def one_sentence(failed: int) -> Callable[[Command], Callable[[Any], int]]:
    """Return a decorator: a command that prints what it tells, or what went wrong in a sentence.

    failed: the exit status of the latter.  The text is printed outside the try, as an output that
    takes nothing is not the command's error.
    """

    def decorate(run: Command) -> Callable[[Any], int]:
        @wraps(run)
        def guarded(args: Any) -> int:
            try:
                status, text = run(args)
            except (ImportError, OSError, TypeError, ValueError) as error:
                print(f"python -m tinyq {args.command}: error: {error}", file=sys.stderr)
                return failed
            print(text)
            return status

        return guarded

    return decorate
