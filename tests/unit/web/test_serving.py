"""A port that is taken is said in one sentence."""

from __future__ import annotations

import contextlib

import pytest

from stentor.base.errors import ConfigurationError
from stentor.web.serving import listen


def test_a_port_that_is_taken_is_said_in_one_sentence_with_what_to_do() -> None:
    with contextlib.closing(listen("127.0.0.1", 0, who="One", remedy="wait")) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigurationError) as raised:
            listen("127.0.0.1", port, who="The other", remedy="choose another")
    assert str(raised.value) == (
        f"The other cannot listen on 127.0.0.1 port {port}: address already in use; choose another."
    )
