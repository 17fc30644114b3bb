"""The pages for hosts and operators: which files there are, and whom they may talk to.

They share a few files with the listeners' site.
"""

from pathlib import Path

from starlette.routing import Route

from stentor.base.settings import Settings
from stentor.web.pages import Page, load_pages, page_routes, strict_headers

SITE = Path(__file__).parent / "site"
_LISTENERS_SITE = Path(__file__).parents[1] / "edge" / "site"
SHARED = tuple(_LISTENERS_SITE / name for name in ("theme.css", "mark.svg", "times.js"))


def load_site() -> dict[str, Page]:
    """Return the files of the site by name."""
    return load_pages((*SHARED, *sorted(SITE.iterdir())))


def security_headers(settings: Settings) -> dict[str, str]:
    """Return the headers that every answer of control carries."""
    others = f"{settings.stage_base} {settings.listen_base}"
    return strict_headers(connect=others, media=settings.listen_base, microphone="self")


def control_routes(site: dict[str, Page]) -> list[Route]:
    """Return the routes of the pages."""
    return page_routes(site, {"/": "index.html", "/studio": "studio.html"})
