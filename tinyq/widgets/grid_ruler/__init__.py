"""The grid ruler of chapter 1."""
