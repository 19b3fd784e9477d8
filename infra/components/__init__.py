"""The Pulumi components a plan is made of: one per thing a requester would name."""
