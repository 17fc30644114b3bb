"""Asks a room for its hour: a crowd comes around it."""

import http.client
import socket
import ssl

from stentor.load.target import Target
from stentor.rooms.state import decode_room_state

_TIMEOUT_S = 5.0
_BODY_BYTES_MAX = 65_536


def connect(target: Target) -> http.client.HTTPConnection:
    """Return a connection to the very address that the load goes to, by the name it was given."""
    if not target.secure:
        return http.client.HTTPConnection(target.address, target.port, timeout=_TIMEOUT_S)
    context = ssl.create_default_context()
    if target.own_machine:  # certificates are for names
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(target.host, target.port, timeout=_TIMEOUT_S)
    plain = socket.create_connection((target.address, target.port), timeout=_TIMEOUT_S)
    connection.sock = context.wrap_socket(plain, server_hostname=target.host)
    return connection


def find_hour_ms(target: Target) -> int | None:
    """Return the room's epoch in Unix milliseconds, None if it does not tell."""
    try:
        connection = connect(target)
    except OSError:
        return None
    try:
        connection.request("GET", f"/r/{target.room}/state.json")
        answer = connection.getresponse()
        body = answer.read(_BODY_BYTES_MAX)
        return decode_room_state(body).epoch_ms if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
