"""Kafka's address as one text: what it says, what clients get of it, and that its secrets are nowhere else."""

from __future__ import annotations

import ssl

import pytest

from shared import address
from shared.settings import Process


def test_host_and_port_alone_are_an_address_without_encryption() -> None:
    assert address.client("127.0.0.1:19092,b:9092") == {
        "bootstrap_servers": "127.0.0.1:19092,b:9092",
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


def test_an_address_with_a_password_checks_the_brokers_certificate_and_name() -> None:
    found = address.client("sasl_ssl://score:p%40ss@a:9093,b:9093")
    context = found.pop("ssl_context")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert found == {
        "bootstrap_servers": "a:9093,b:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "score",
        "sasl_plain_password": "p@ss",
    }


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "a:b",
        "https://hush:hush@a:9093",
        "sasl_ssl://a:9093",
        "sasl_ssl://hush@a:9093",
        "ssl://hush:hush@a:9093",
        "sasl_ssl://hush:hush@a",
        "sasl_ssl://u:hush@a:9093?cacert=/x",
        "ssl://a:9093?cert=/x",
        "sasl_ssl://u:hush@a:9093?mechanism=GSSAPI",
        "hush@a:9093",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        address.read(text)
    assert "hush" not in str(refused.value)
    assert address.shown(text) == "an address that can't be read"


def test_neither_its_form_for_people_nor_its_repr_tells_the_password() -> None:
    text = "sasl_ssl://score:hush@a:9093"
    assert address.shown(text) == "a:9093"
    assert "hush" not in repr(address.read(text))


def test_a_certificate_that_is_not_there_is_a_mistake_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFLOW_MEMBER", "signals-0")
    monkeypatch.setenv("LEADFLOW_HTTP_PORT", "8060")
    monkeypatch.setenv("LEADFLOW_KAFKA", "ssl://a:9093?ca=/nowhere/ca.pem")
    with pytest.raises(ValueError, match="names a certificate that can't be used: FileNotFoundError"):
        Process()  # type: ignore[call-arg]
