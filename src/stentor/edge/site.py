"""The site's static files, read once and answered from memory. Decides nothing about rooms."""

import gzip
import hashlib
from dataclasses import replace
from importlib.resources import files

from stentor.base.errors import Problem
from stentor.edge.answer import FRESH, Answer
from stentor.edge.request import Request

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
}
_COMPRESSED = {".html", ".css", ".js", ".mjs", ".json", ".webmanifest", ".svg", ".txt"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors *"
)


class _File:
    __slots__ = ("body", "compressed", "content_type", "etag")

    def __init__(self, name: str, body: bytes) -> None:
        suffix = name[name.rfind(".") :] if "." in name else ""
        self.body = body
        self.content_type = _TYPES.get(suffix, "application/octet-stream")
        self.etag = '"' + hashlib.sha256(body).hexdigest()[:20] + '"'
        packed = gzip.compress(body, 9, mtime=0) if suffix in _COMPRESSED else body
        self.compressed = packed if len(packed) < len(body) else b""


class Site:
    """All static files."""

    def __init__(self) -> None:
        folder = files("stentor.edge") / "site"
        self._files = {
            entry.name: _File(entry.name, entry.read_bytes())
            for entry in folder.iterdir()
            if entry.is_file()
        }

    def page(self, name: str, request: Request, *, known: bool) -> Answer:
        """Return a page for people; of a room that is not `known` it says so itself."""
        answer = self.answer(name, request)
        return answer if known or answer.status != 200 else replace(answer, status=404)

    def answer(self, name: str, request: Request) -> Answer:
        """Return a file, or that the client has it already."""
        file = self._files.get(name)
        if file is None:
            raise Problem(404, "not-found", "There is no such file")
        headers = {
            "ETag": file.etag,
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": _POLICY,
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        }
        if file.etag in request.headers.get("if-none-match", ""):
            return Answer(304, headers=headers, cache=FRESH)
        body = file.body
        if file.compressed and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = file.compressed
        return Answer(200, body, file.content_type, headers, cache=FRESH)
