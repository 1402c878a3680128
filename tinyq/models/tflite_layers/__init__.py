"""The layers that a .tflite's operators are: a table by operator name, and what its rows share."""
