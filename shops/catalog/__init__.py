"""Shops, products, SKUs, images, categories."""
