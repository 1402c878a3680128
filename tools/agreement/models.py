"""The model of one case: what tinyq.export writes for a layer alone."""

from tinyq.export import onnx_file, tflite_file
from tools.agreement.cases import Case


def tflite(case: Case) -> bytes:
    """Return the .tflite of one layer, its inputs in the case's order."""
    names = ["a", "b"][: len(case.inputs)]
    inputs = {
        name: (grid, codes.shape)
        for name, grid, codes in zip(names, case.layer.in_grids, case.inputs, strict=True)
    }
    return tflite_file.build([(case.layer, names, "y")], inputs, "y")


def onnx(case: Case) -> bytes:
    """Return the .onnx of one layer, its inputs in the case's order."""
    shapes = {name: [None] * codes.ndim for name, codes in zip("ab", case.inputs, strict=False)}
    return onnx_file.build([(case.layer, list(shapes), "y")], shapes, "y")
