"""The block map of chapter 0."""
