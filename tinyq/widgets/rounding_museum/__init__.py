"""The rounding museum of chapter 5."""
