"""What is allowed: zones and stages as data, one function per rule, admission policies for the API server."""
