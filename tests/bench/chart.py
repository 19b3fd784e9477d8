"""The chart of docs/benchmarks.md: one bar for each contender, drawn from what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tests.bench.results import OPERATIONS, Figures, Results

WIDTH, LABELS, FIGURES = 760, 130, 150
BAR, GAP, HEAD, MARGIN = 16, 6, 30, 12
OURS, BASELINE, OTHERS = "#1f6feb", "#57606a", "#afb8c1"
STYLE = "text { font: 12px sans-serif; fill: #24292f } .head { font-weight: bold } .line { font-size: 11px }"


def chart(results: Results) -> str:
    """SVG; the longest bar of each panel fills it, so lengths are compared within a panel only."""
    parts, top = [], MARGIN
    for shape in results.samples:
        for operation in OPERATIONS:
            figures = results.figures(shape, operation)
            parts += _panel(f"{shape}: {operation}, seconds (median)", figures, results, top)
            top += HEAD + len(figures) * (BAR + GAP) + GAP
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    ground = f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *parts, "</svg>", ""])


def _panel(title: str, figures: Sequence[Figures], results: Results, top: int) -> list[str]:
    longest = max(one.seconds for one in figures)
    room = WIDTH - LABELS - FIGURES
    parts = [_text(MARGIN, top + 14, title, "head")]
    for row, one in enumerate(figures):
        y = top + HEAD - GAP + row * (BAR + GAP)
        length = max(round(room * one.seconds / longest, 1), 1.0)
        parts.append(_text(MARGIN, y + 12, one.name))
        parts.append(
            f'<rect x="{LABELS}" y="{y}" width="{length}" height="{BAR}" fill="{_colour(one.name, results)}"/>'
        )
        words = f"{one.seconds:.2f} s, × {one.ratio:.2f}, {one.calls:.0f} calls"
        parts.append(_text(LABELS + length + GAP, y + 12, words, "line"))
    return parts


def _colour(name: str, results: Results) -> str:
    if name == results.baseline:
        return BASELINE
    return OURS if name == "Kunlun" else OTHERS


def _text(x: float, y: float, words: str, kind: str = "name") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(words)}</text>'
