"""What the ways in have in common: values, refusals, operators, the network that was opened."""
