"""Networks that are there already: the seed, the digits, and the ways in: PyTorch, .tflite."""
