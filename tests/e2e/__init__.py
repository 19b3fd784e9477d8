"""Everything, through kubectl, as the personas of one sandbox."""
