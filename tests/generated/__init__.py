"""Requests that nobody wrote: generated from the form, from its edges, and from beyond it."""
