"""Programs that run inside the services' own environment; they import nothing of this project."""
