"""The layers that an .onnx's operators are: a table by operator name, and what its rows share."""
