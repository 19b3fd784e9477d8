"""From a ResourceRequest to running servers: `reconcile` is the story, the other modules its chapters."""
