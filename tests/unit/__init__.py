"""Pure parts and plain edges: seconds for all of them."""
