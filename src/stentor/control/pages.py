"""The pages for hosts and operators: files read once at start, sent with a strict policy.

Only what lies in the site folder at start can be asked for, and the few files that the listeners'
site shares; no path is ever built from a request.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stentor.base.errors import Problem
from stentor.base.settings import Settings

SITE = Path(__file__).parent / "site"
_LISTENERS_SITE = Path(__file__).parents[1] / "edge" / "site"
SHARED = tuple(_LISTENERS_SITE / name for name in ("theme.css", "mark.svg", "times.js"))
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


def load_site(folder: Path = SITE) -> dict[str, Page]:
    """Return the files of the site by name."""
    pages: dict[str, Page] = {}
    for path in (*SHARED, *(sorted(folder.iterdir()) if folder.is_dir() else ())):
        if not path.is_file() or path.name.startswith("."):
            continue
        body = path.read_bytes()
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        kind = kind or "application/octet-stream"
        if kind.startswith("text/") or kind in ("image/svg+xml", "application/json"):
            kind += "; charset=utf-8"
        pages[path.name] = Page(body, kind, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return pages


def security_headers(settings: Settings) -> dict[str, str]:
    """Return the headers that every answer of control carries."""
    others = f"{settings.stage_base} {settings.listen_base}"
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        f"connect-src 'self' {others}",
        f"media-src 'self' blob: {settings.listen_base}",
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
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    }


def page_routes(site: dict[str, Page]) -> list[Route]:
    """Return the routes of the pages."""

    def answer(request: Request, name: str) -> Response:
        page = site.get(name)
        if page is None:
            raise Problem(404, "not-found", "There is no such page")
        headers = {"ETag": page.tag, "Cache-Control": "no-cache"}
        if page.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(page.body, headers={**headers, "Content-Type": page.kind})

    async def overview(request: Request) -> Response:
        return answer(request, "index.html")

    async def studio(request: Request) -> Response:
        return answer(request, "studio.html")

    async def file(request: Request) -> Response:
        return answer(request, request.path_params["name"])

    return [
        Route("/", overview, methods=["GET"]),
        Route("/studio", studio, methods=["GET"]),
        Route("/site/{name}", file, methods=["GET"]),
    ]
