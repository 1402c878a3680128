"""The clip lab of chapter 2."""
