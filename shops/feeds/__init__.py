"""Product feeds in: Shopify CSV."""
