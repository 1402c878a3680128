"""The accumulator meter of chapter 4."""
