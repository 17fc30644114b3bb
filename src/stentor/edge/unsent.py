"""How much the kernel holds unsent for a connection before it says that it can take no more.

Without this limit it would hide a slow listener behind megabytes of old programme.
"""

import socket

_TCP_NOTSENT_LOWAT = 25


def limit_unsent(fd: int, size: int) -> None:
    """Set the limit in bytes; of a listening socket, for each connection accepted from now on."""
    one = socket.socket(fileno=fd)
    try:
        one.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, size)
    finally:
        one.detach()
