"""Ends the supervisor that runs this when a given process is gone, so that a killed test run leaves no stack behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

import psutil


def main(pid: int) -> None:
    """Waits for the process to go, then asks the parent, the supervisor, to stop everything."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.is_running():
            time.sleep(1)
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(60)  # the supervisor stops this program too


if __name__ == "__main__":
    main(int(sys.argv[1]))
