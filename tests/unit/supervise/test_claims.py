"""What a server must have to itself, and how it says so if it cannot."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from stentor.base.errors import ConfigurationError
from stentor.supervise.claims import PortClaim, data_folder_claimed, require_free_ports


def test_port_in_use_is_named_with_its_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"Port {port} .* in use; .*--port"):
            require_free_ports("127.0.0.1", [PortClaim(port, "listeners", "--port")])


def test_two_parts_cannot_have_the_same_port() -> None:
    claims = [PortClaim(65000, "listeners", "--port"), PortClaim(65000, "hosts", "--other")]
    with pytest.raises(ConfigurationError, match="both listeners and hosts"):
        require_free_ports("127.0.0.1", claims)


def test_address_of_another_machine_is_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1"):
        require_free_ports("192.0.2.1", [PortClaim(65001, "listeners", "--port")])


def test_data_folder_is_for_one_server_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "data" / "serve.lock"
    with (
        data_folder_claimed(lock.parent, lock),
        pytest.raises(ConfigurationError, match="Another stentor serve"),
        data_folder_claimed(lock.parent, lock),
    ):
        pass
    with data_folder_claimed(lock.parent, lock):
        pass


def test_data_folder_that_is_a_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("")
    with (
        pytest.raises(ConfigurationError, match="cannot be used"),
        data_folder_claimed(file, file / "serve.lock"),
    ):
        pass
