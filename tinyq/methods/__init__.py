"""What improves a network before or after quantization: folding, correction, training."""
