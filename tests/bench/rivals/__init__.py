"""Tools that people use instead, each building the very same request by its own usual means."""
