"""Ways to get the offline contract wrong, each with the tests that must notice it."""
