"""Asks another part of this deployment whether it answers, and waits no longer than it is told."""

import http.client

from stentor.base.addresses import reached_at


def answers(bind: str, port: int, path: str = "/healthz", *, wait_s: float) -> bool:
    """Return whether what listens on `bind` and `port` says 200 to a request for `path`."""
    connection = http.client.HTTPConnection(reached_at(bind), port, timeout=wait_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
