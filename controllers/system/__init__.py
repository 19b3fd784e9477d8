"""Information systems: the registry that decides who may ask."""
