"""The commands that are given a network or numbers, a file each; `models` opens what they name."""
