"""Fuzzing of the two parsers that read what strangers send: see campaign.py, or `make fuzz`."""
