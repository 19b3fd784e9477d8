"""Sessions of desktops: who may open which, for how long, and what goes when it is over."""
