"""The commands that open a network by its name, a file each; `models` opens it."""
