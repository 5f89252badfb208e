"""One query per KPI: each yields its candidate records, judged by the domain."""
