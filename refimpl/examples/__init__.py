"""Runnable examples: python -m refimpl.examples.NAME."""
