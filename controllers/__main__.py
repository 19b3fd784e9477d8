"""The command line: `kunlun`, and the same program installed as the kubectl plugin `kubectl-kunlun`."""

from __future__ import annotations

from controllers.cli import root


def main() -> None:
    """Entry point of both console scripts."""
    root()


if __name__ == "__main__":
    main()
