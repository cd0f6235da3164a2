"""The resource types that the local cloud knows: their properties, names and attributes."""
