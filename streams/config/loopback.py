"""Whether an address is this machine's own."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    host = host.strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
