"""The arithmetic of tinyq in JavaScript, equal to it byte for byte."""
