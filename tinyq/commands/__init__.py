"""The commands, a file each; `models` opens what they name, `streams` guards what they print to."""
