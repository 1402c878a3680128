"""The staircase of chapter 12."""
