"""A small depthwise separable network, made by the tools that people deploy with: `make own-model`.

Keras trains it on the scans of tinyq.digits; TensorFlow's converter quantizes it to a .tflite, ONNX
Runtime's quantizer to ONNX.  tinyq has no part in the arithmetic.  The test images are looked at
once, after the last step.
"""

import os

# TensorFlow reads these while it is imported: no kernels that oneDNN picks by the processor, and no
# log of what it finds on the machine.
os.environ |= {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}
