"""The pixel tracer of chapter 10."""
