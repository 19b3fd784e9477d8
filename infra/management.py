"""The provider's way to guests: how a zone's management network is entered."""

from __future__ import annotations


def proxy_command(proxy: str, zone: str, gateway: str) -> str:
    """ssh's ProxyCommand to a guest behind `gateway`, the router's address there; ssh itself fills in %h and %p."""
    return proxy.replace("{zone}", zone).replace("{gateway}", gateway)
