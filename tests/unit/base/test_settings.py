"""Settings come from the environment, within bounds, and say which one is wrong."""

from __future__ import annotations

from dataclasses import fields

import pytest

from stentor.base.errors import ConfigurationError
from stentor.base.settings import PREFIX, Settings, as_environment, load_settings


def test_nothing_set_is_the_defaults() -> None:
    assert load_settings({}) == Settings()


def test_environment_is_read_and_the_command_line_overrides_it() -> None:
    environment = {"STENTOR_PORT": "9000", "STENTOR_EDGES": "3", "STENTOR_LOG_JSON": "yes"}
    settings = load_settings({**environment, "PATH": "/bin"}, port=9001, edges=None)
    assert (settings.port, settings.edges, settings.log_json) == (9001, 3, True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("EDGES", "0"),
        ("EDGES", "1.5"),
        ("LOG_JSON", "maybe"),
        ("CONTROL_REQUEST_S", "0"),
    ],
)
def test_wrong_value_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"(?i){name}"):
        load_settings({PREFIX + name: text})


def test_override_out_of_bounds_is_refused_too() -> None:
    with pytest.raises(ConfigurationError, match="port must be between"):
        load_settings({}, port=70_000)


def test_misspelt_setting_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="STENTOR_PROT"):
        load_settings({"STENTOR_PROT": "8000"})


def test_settings_survive_the_way_through_an_environment() -> None:
    settings = Settings(port=9000, log_json=True, listen_url="https://live.example.org/")
    assert load_settings(as_environment(settings)) == settings


def test_every_setting_says_what_it_is_for_and_its_default_is_within_its_bounds() -> None:
    for one in fields(Settings):
        assert one.metadata["about"], one.name
        low, high = one.metadata["minimum"], one.metadata["maximum"]
        assert low is None or one.default >= low, one.name
        assert high is None or one.default <= high, one.name


@pytest.mark.parametrize(
    ("bind", "base"),
    [
        ("127.0.0.1", "http://localhost:8000"),
        ("0.0.0.0", "http://localhost:8000"),
        ("192.0.2.7", "http://192.0.2.7:8000"),
        ("2001:db8::1", "http://[2001:db8::1]:8000"),
    ],
)
def test_addresses_are_what_a_person_would_type(bind: str, base: str) -> None:
    assert Settings(bind=bind).listen_base == base


def test_addresses_behind_a_proxy_are_as_set() -> None:
    settings = Settings(listen_url="https://live.example.org/", control_url="https://c.example.org")
    assert settings.listen_base == "https://live.example.org"
    assert settings.control_base == "https://c.example.org"
    assert settings.stage_base == "http://localhost:8002"
