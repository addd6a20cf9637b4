"""Logs are JSON lines that tell where something failed, and nothing about anybody."""

from __future__ import annotations

import json
import subprocess
import sys

CODE = """
import logging
from shared import logs
logs.configure("score", "score-0")
def fails(address):
    raise ValueError("no such address: " + address)
for log in (lambda e: logs.get().error("failed", exc_info=e), lambda e: logging.getLogger("x").error("failed", exc_info=e)):
    try:
        fails("jo@acme.example")
    except ValueError as error:
        log(error)
"""


def test_a_logged_exception_names_its_class_and_places_but_neither_message_nor_values() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 2
    for line in lines:
        assert line["service"] == "score"
        assert line["exception"][0]["type"] == "ValueError"
        assert line["exception"][0]["at"][-1].endswith("fails")
    assert "jo@acme.example" not in done.stdout + done.stderr
