"""Payments and refunds at a provider."""
