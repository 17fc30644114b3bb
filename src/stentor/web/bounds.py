"""Bounds on every request, as ASGI middleware: how large, how slow; and the headers of answers.

A handler behind this can read a body to its end without asking how long that takes or how much it
is. What exceeds the bounds is answered with problem+json; every answer is counted.
"""

import asyncio
from collections.abc import Callable

from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stentor.base.errors import Problem
from stentor.web.problems import problem_response

BODY_BYTES_MAX = 64 * 1024
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_UPLOAD_TIMES = 10  # how much longer than others an upload may take


class TooLarge(Problem):
    """A body that is larger than allowed."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(
            413, "too-large", "The body is too large", f"At most {bytes_max} bytes are taken."
        )


class TooSlow(Problem):
    """A body that takes too long to arrive."""

    def __init__(self) -> None:
        super().__init__(408, "too-slow", "The request took too long to arrive")


class Bounds:
    """Wraps an application so that no request is larger or slower than allowed."""

    def __init__(
        self,
        app: ASGIApp,
        request_s: float,
        requests: Counter,
        headers: dict[str, str],
        upload_bytes_max: int = BODY_BYTES_MAX,
        is_upload: Callable[[Scope], bool] = lambda scope: False,
    ) -> None:
        self._app = app
        self._request_s = request_s
        self._requests = requests
        self._upload_bytes_max = upload_bytes_max
        self._is_upload = is_upload
        self._headers = [(name.lower().encode(), text.encode()) for name, text in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = self._is_upload(scope)
        bytes_max = self._upload_bytes_max if upload else BODY_BYTES_MAX
        allowed_s = self._request_s * (_UPLOAD_TIMES if upload else 1)
        deadline = asyncio.get_running_loop().time() + allowed_s
        exchange = _Exchange(
            scope, receive, send, self._requests, self._headers, bytes_max, deadline
        )
        try:
            if _claimed_bytes(scope) > bytes_max:
                raise TooLarge(bytes_max)
            await self._app(scope, exchange.receive, exchange.send)
        except Problem as problem:
            if exchange.answering:
                raise
            response = problem_response(problem, {"Connection": "close"})
            await response(scope, receive, exchange.send)


class _Exchange:
    """One request and its answer, on their way through."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        requests: Counter,
        headers: list[tuple[bytes, bytes]],
        bytes_max: int,
        deadline: float,
    ) -> None:
        self._method = scope["method"] if scope["method"] in _METHODS else "other"
        self._receive = receive
        self._send = send
        self._requests = requests
        self._headers = headers
        self._bytes_max = bytes_max
        self._bytes = 0
        self._deadline = deadline
        self._whole = False
        self._broken = False
        self.answering = False

    async def receive(self) -> Message:
        if self._whole:  # what comes now is the client going away
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            self._broken = True
            raise TooSlow from None
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._bytes > self._bytes_max:
                self._broken = True
                raise TooLarge(self._bytes_max)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answering = True
            headers = list(message.get("headers", ())) + self._headers
            names = {name for name, _ in headers}
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store"))
            if self._broken and b"connection" not in names:
                headers.append((b"connection", b"close"))  # the rest of the body is not awaited
            message = {**message, "headers": headers}
            self._requests.labels(self._method, str(message["status"])).inc()
        await self._send(message)


def _claimed_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else 0
    return 0
