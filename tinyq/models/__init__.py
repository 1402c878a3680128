"""Networks that are there already: the seed, the digits, and the way in from PyTorch."""
