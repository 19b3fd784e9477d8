"""Real parts one at a time: the Pulumi engine, the provider, the API server."""
