"""The grid passport of chapter 7."""
