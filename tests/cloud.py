"""OpenStack as the tests see it, over connections that stay open: a login for every look was a good part of a look."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

from infra.cloud import Clouds
from infra.provider.observe import ProjectListing, list_project


@cache
def kept_clouds(clouds_yaml: Path) -> Clouds:
    """The operator's credential of a file, for as long as the tests run. Tokens that count no more are got anew."""
    return Clouds("kunlun", clouds_yaml)


def project_listing(clouds_yaml: Path, project: str) -> ProjectListing:
    """Every kind in a project, as OpenStack lists it now."""
    return asyncio.run(list_project(kept_clouds(clouds_yaml).project(project)))
