"""Figures, measured beside what anybody else would have done."""
