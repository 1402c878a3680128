"""Read a .tflite file as plain data, with NumPy alone."""

import stat
from pathlib import Path

from tinyq.models.tflite.flatbuffer import root
from tinyq.models.tflite.model import Model
from tinyq.models.tflite.operators import indices, read_operators
from tinyq.models.tflite.tensors import MOST_BYTES, read_tensor, unread

VERSION = 3  # of the schema, for all files since 2017
IDENTIFIER = b"TFL3"


def read(path: str | Path) -> Model:
    """Return what a .tflite file holds.

    Raises ValueError, with the path and the place in the file, for a file that is truncated,
    damaged or no .tflite; OSError for one that cannot be read or is no plain file.  What is sound
    but not read stands in the model's `unread`.
    """
    path = Path(path)
    status = path.stat()
    # a device or a pipe may never end
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is no plain file: name one")
    try:
        if status.st_size >= MOST_BYTES:
            raise ValueError(f"model: it must be below {MOST_BYTES} bytes, got {status.st_size}")
        with path.open("rb") as file:
            start = file.read(8)
            # the rest only of a .tflite: another file may be large
            more = file.read(status.st_size - len(start)) if start[4:] == IDENTIFIER else b""
        return parse(start + more)
    except ValueError as error:
        raise ValueError(f"{path} is not a .tflite that tinyq can read: {error}") from error


def parse(content: bytes) -> Model:
    """Return what the content of a .tflite file holds; raises ValueError as `read` does.

    >>> parse(b"TFL3")
    Traceback (most recent call last):
    ValueError: model: bytes 4 to 7 must be b'TFL3', got b''
    """
    model = root(content, IDENTIFIER, "model")
    version = model.number(0, "version", "<I", 0)
    if version != VERSION:
        raise ValueError(f"model: version must be {VERSION}, got {version}")
    codes, buffers = model.tables(1, "operator_code"), model.tables(4, "buffer")
    graphs = model.tables(2, "subgraph")
    if not graphs:
        raise ValueError("model: subgraphs must be 1 or more, got 0")
    tables = graphs[0].tables(0, "tensor")
    tensors = tuple(read_tensor(table, i, buffers) for i, table in enumerate(tables))
    others = [f"subgraphs: only the first of {len(graphs)} is read"] if graphs[1:] else []
    return Model(
        description=model.text(3, "description"),
        inputs=indices(graphs[0], 1, "inputs", len(tensors)),
        outputs=indices(graphs[0], 2, "outputs", len(tensors)),
        tensors=tensors,
        operators=read_operators(graphs[0], codes, len(tensors)),
        subgraphs=len(graphs),
        unread=(*others, *(why for table in tables for why in unread(table))),
    )
