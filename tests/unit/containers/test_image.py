"""What the image contains: the package as setuptools installs it has every file that a service reads."""

from __future__ import annotations

import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from deploy.local.layout import CHECKOUT

# For people and for builds, never read by what runs in a container.
NOT_READ = ("services/capture/FIELDS.md", "services/capture/tracker/*", "deploy/*")


def test_every_file_beside_the_code_is_installed_with_it() -> None:
    wanted = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    listed = subprocess.run(
        ["git", "ls-files", "shared", "services"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(listed) > 100
    for name in listed:
        if name.endswith(".py") or any(fnmatch(name, pattern) for pattern in NOT_READ):
            continue
        assert any(fnmatch(Path(name).name, Path(pattern).name) for pattern in wanted["*"]), (
            f"{name} is not installed: name it under tool.setuptools.package-data in pyproject.toml"
        )
