"""A made-up company to look around in, and a day in the life of one of its technicians."""
