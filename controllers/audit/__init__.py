"""The continuous audit: what no API enforces about a zone, looked at in the projects' own turns."""
