"""Unit tests reach no network: an accidental connection fails at once and says so."""

import socket
from typing import Any, NoReturn

import pytest


class NetworkReachedError(BaseException):
    """Outside Exception, so that no `except` of the code under test takes it for an ordinary failure."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **keywords: Any) -> NoReturn:
        raise NetworkReachedError("a unit test reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
