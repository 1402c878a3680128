"""Networks: the seed, the digits, and the ways in from PyTorch, .tflite and .onnx."""
