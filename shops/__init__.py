"""Everything that sells: catalogue, stock, checkout, money. Knows nothing of creators."""
