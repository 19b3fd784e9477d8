"""A two-tier system of a department, on hosts outside the cloud and on servers within, and a client that writes."""
