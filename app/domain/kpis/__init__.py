"""Every KPI formula: judges that say what one record counts for, and the tally that adds them up.

A judge sees the plain facts of one candidate record and returns a `Verdict`. Nothing else decides
what is in a numerator or denominator, so a drill-down shows exactly the records that were counted.
"""
