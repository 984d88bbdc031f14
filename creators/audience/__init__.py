"""Qualified views and product clicks."""
