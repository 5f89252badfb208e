"""Devices, dispatchers and a bad network, played by chance from a seed against the real application."""
