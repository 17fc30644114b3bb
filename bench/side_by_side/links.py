"""A client's connections: non-blocking, plain or TLS, from many loopback addresses.

28,000 ports are there for each pair of addresses, and the last ones take the kernel long to find.
"""

import contextlib
import socket
import ssl
import struct

from side_by_side.target import Target

_BIND_ADDRESS_NO_PORT = 24
_PER_ADDRESS = 8000
_RESET = struct.pack("ii", 1, 0)


def connect(target: Target, process: int, number: int) -> socket.socket:
    """Begin a connection; `process` and `number` choose where it comes from."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        made.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        made.bind((f"127.{20 + process}.{number // _PER_ADDRESS % 200}.1", 0))
        with contextlib.suppress(BlockingIOError):
            made.connect((target.address, target.port))
    except OSError:
        made.close()
        raise
    return made


def secured(made: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Return the connection as one of TLS, its handshake still to be done."""
    return context.wrap_socket(
        made, server_hostname="localhost", do_handshake_on_connect=False, suppress_ragged_eofs=True
    )


def reset(made: socket.socket) -> None:
    """Leave at once, so that no port waits a minute for latecomers."""
    with contextlib.suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    made.close()
