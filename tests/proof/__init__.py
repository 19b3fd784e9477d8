"""The proof in the large: three departments in three zones, everybody tried on everybody (`make probe`)."""
