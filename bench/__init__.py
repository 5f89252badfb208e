"""What a request costs beside a bare handler that does the same SQL work: `python -m bench`."""
