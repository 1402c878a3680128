"""The trained network in int8, by TensorFlow's converter and by ONNX Runtime's quantizer."""

from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

Images = NDArray[np.float32]


def to_tflite(network: keras.Model, images: Images) -> bytes:
    """Return a .tflite of int8 alone, its ends too; images (N, H, W, C) calibrate it."""
    with TemporaryDirectory() as folder:
        network.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return converter.convert()


class Reader(CalibrationDataReader):
    """Images (N, C, H, W) of a graph's input, one at a time, as the quantizer asks for them."""

    def __init__(self, name: str, images: Images) -> None:
        self.feeds = iter([{name: image[None]} for image in images])

    def get_next(self) -> dict[str, Images] | None:
        return next(self.feeds, None)


def to_onnx(graph: onnx.ModelProto, images: Images) -> dict[QuantFormat, bytes]:
    """Return a float graph in int8, per channel, by format; images (N, C, H, W) calibrate it.

    ONNX Runtime first folds the batch norms; the graph that is given is used up.
    """
    name, models = graph.graph.input[0].name, {}
    with TemporaryDirectory() as folder:
        folded, out = Path(folder, "folded.onnx"), Path(folder, "int8.onnx")
        quant_pre_process(graph, folded, skip_symbolic_shape=True)
        for form in QuantFormat:
            quantize_static(
                folded,
                out,
                Reader(name, images),
                quant_format=form,
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
            )
            models[form] = out.read_bytes()
    return models
