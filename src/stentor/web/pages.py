"""Pages as files read once at start, sent with a strict policy, the same way at every door.

Only what was named at start can be asked for; no path is ever built from a request.
"""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stentor.base.errors import Problem

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A file in memory."""

    body: bytes
    kind: str
    tag: str


def load_pages(paths: Iterable[Path]) -> dict[str, Page]:
    """Return files by their names."""
    pages: dict[str, Page] = {}
    for path in paths:
        if not path.is_file() or path.name.startswith("."):
            continue
        body = path.read_bytes()
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        kind = kind or "application/octet-stream"
        if kind.startswith("text/") or kind in ("image/svg+xml", "application/json"):
            kind += "; charset=utf-8"
        pages[path.name] = Page(body, kind, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return pages


def strict_headers(*, connect: str = "", media: str = "", microphone: str = "") -> dict[str, str]:
    """Return the headers that every answer of a door carries.

    `connect` and `media` are origins that its pages may use beside their own, with spaces.
    """
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        f"connect-src 'self' {connect}".rstrip(),
        f"media-src 'self' blob: {media}".rstrip(),
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": f"microphone=({microphone}), camera=(), geolocation=()",
    }


def page_routes(site: Mapping[str, Page], entrances: Mapping[str, str]) -> list[Route]:
    """Return the routes of a site: its files below /site/, and by path what opens at it."""

    def answer(request: Request, name: str) -> Response:
        page = site.get(name)
        if page is None:
            raise Problem(404, "not-found", "There is no such page")
        headers = {"ETag": page.tag, "Cache-Control": "no-cache"}
        if page.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(page.body, headers={**headers, "Content-Type": page.kind})

    async def entrance(request: Request) -> Response:
        return answer(request, entrances[request.url.path])

    async def file(request: Request) -> Response:
        return answer(request, request.path_params["name"])

    routes = [Route(path, entrance, methods=["GET"]) for path in entrances]
    return [*routes, Route("/site/{name}", file, methods=["GET"])]
