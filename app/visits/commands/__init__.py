"""What may be done to a visit: planned by the office, reported by the crew."""
