"""Requests and the decisions and plans they lead to, as files to review."""
