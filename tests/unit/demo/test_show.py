"""What `./run` prints when it is ready."""

import pytest

from stentor.demo.show import Show


@pytest.mark.parametrize(
    ("seconds", "ends"), [(None, "Ctrl-C ends."), (15.0, "It ends in 15 s; Ctrl-C ends it now.")]
)
def test_show_tells_where_to_listen_and_how_it_ends(
    seconds: float | None, ends: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show = Show.__new__(Show)  # of what it tells; nothing is started
    show._room = {
        "listen_url": "http://localhost:8000/r/hall",
        "links": [{"role": "cohost", "url": "http://localhost:8001/studio#key=k"}],
    }
    show._watch = "http://localhost:8003/#token=t"
    show.tell(as_json=False, seconds=seconds)
    told = capsys.readouterr().out
    assert "http://localhost:8000/r/hall" in told
    assert "http://localhost:8001/studio#key=k" in told
    assert told.rstrip().endswith(ends)
