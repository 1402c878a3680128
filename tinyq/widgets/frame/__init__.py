"""What every widget shares: its Python class, its host in a page or a notebook, its panel."""
