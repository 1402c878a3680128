"""The channel bars of chapter 3."""
