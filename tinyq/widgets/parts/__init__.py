"""What figures are made of: SVG, tables of cells, pictures, lists of tensors, dragging."""
