"""Which addresses and ports media sockets are opened on, and which ones speakers are told.

aioice offers neither a choice nor loopback: its function is replaced here, once, for the process.
"""

import ipaddress

import aioice.ice

from stentor.base.errors import ConfigurationError

_LOOPBACK = "127.0.0.1"
_found_by_aioice = aioice.ice.get_host_addresses
_ports = (61_000, 65_535)  # above those that Linux gives away by itself


def parse_addresses(name: str, text: str) -> list[str]:
    """Return the IP addresses in a setting, separated by commas."""
    try:
        return [str(ipaddress.ip_address(one.strip())) for one in text.split(",") if one.strip()]
    except ValueError as error:
        raise ConfigurationError(f"{name} must hold IP addresses: {error}.") from None


def media_ports() -> tuple[int, int]:
    """Return the first and last port that media sockets are opened on."""
    return _ports


def open_media_on(chosen: list[str], ports: tuple[int, int] = _ports) -> None:
    """Have media sockets opened on these addresses, or on all of the machine's if there are none.

    A machine that has none but loopback's gets that: there is nobody else to talk to.
    """

    global _ports
    _ports = ports

    def host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        found = chosen or _found_by_aioice(use_ipv4, use_ipv6)
        return found or ([_LOOPBACK] if use_ipv4 else [])

    aioice.ice.get_host_addresses = host_addresses


def add_public_addresses(answer: str, public: list[str]) -> str:
    """Return the answer with each host candidate told again at the machine's public addresses.

    For machines whose own addresses are not the ones they are reached at (1:1 NAT).
    """
    lines: list[str] = []
    for line in answer.splitlines():
        lines.append(line)
        if line.startswith("a=candidate:") and " typ host" in line:
            fields = line.split(" ")
            for number, address in enumerate(public):
                fields[0] = f"{line.split(' ', 1)[0]}{number}"
                fields[3] = str(max(1, int(line.split(" ")[3]) - 1 - number))
                fields[4] = address
                lines.append(" ".join(fields))
    return "\r\n".join(lines) + "\r\n"
