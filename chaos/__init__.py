"""Kill API, worker and database under load, and count what is lost or doubled: `python -m chaos`."""
