"""Pages: as they lie in the package, with a policy, and nothing that does not lie there."""

from __future__ import annotations

from stentor.control.pages import SHARED, SITE
from support.control import ControlProcess


def test_pages_and_their_files_are_sent_as_what_they_are(control: ControlProcess) -> None:
    for path in (*SHARED, *sorted(SITE.iterdir())):
        if not path.is_file():
            continue
        answer = control.client.get(f"/site/{path.name}")
        assert answer.status_code == 200
        assert answer.content == path.read_bytes()
        again = control.client.get(
            f"/site/{path.name}", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert again.status_code == 304
        assert answer.headers["x-content-type-options"] == "nosniff"
        if path.suffix == ".js":
            assert answer.headers["content-type"].startswith("text/javascript")
    for name, path in (("/", "index.html"), ("/studio", "studio.html")):
        answer = control.client.get(name)
        assert answer.status_code == (200 if (SITE / path).exists() else 404)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert control.client.head(name).content == b""


def test_what_the_listeners_site_shares_is_there_once() -> None:
    assert not {path.name for path in SHARED} & {path.name for path in SITE.iterdir()}


def test_policy_lets_the_studio_reach_stage_and_edges_and_nobody_else(
    control: ControlProcess,
) -> None:
    policy = control.client.get("/studio").headers["content-security-policy"]
    connect = next(one for one in policy.split("; ") if one.startswith("connect-src"))
    assert connect.split() == [
        "connect-src",
        "'self'",
        f"http://localhost:{control.port + 1}",
        "http://localhost:8000",
    ]
    assert "unsafe" not in policy


def test_other_sites_get_nothing_by_cross_origin_requests(control: ControlProcess) -> None:
    answer = control.client.options(
        "/api/rooms",
        headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"},
    )
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


def test_health_and_metrics_answer(control: ControlProcess) -> None:
    assert control.client.get("/healthz").json()["status"] == "ok"
    control.create_room()
    metrics = control.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'stentor_control_acts_total{act="create",outcome="done"}' in metrics.text
    assert "stentor_audience_edges" in metrics.text
    assert "process_cpu_seconds_total" in metrics.text
    for other in ("edge", "origin", "stage"):  # a zero would say that its feed is away
        assert f"stentor_{other}_" not in metrics.text
