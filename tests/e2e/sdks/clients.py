"""The SDKs as their makers publish them, installed once into the cache: npm's packages by package-lock.json, PyPI's by requirements.txt."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local import layout

HERE = Path(__file__).parent
NPM_FILES = ("package.json", "package-lock.json", ".npmrc")


def node_modules() -> Path:
    """Where the npm packages are. Raises CalledProcessError when they can't be fetched."""
    return _installed("node", NPM_FILES, _npm) / "node_modules"


def python() -> Path:
    """A Python that has the PyPI packages. Raises CalledProcessError when they can't be fetched."""
    return _installed("python", ("requirements.txt",), _pip) / "venv" / "bin" / "python"


def _npm(folder: Path) -> None:
    for name in NPM_FILES:
        shutil.copy(HERE / name, folder)
    subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True)


def _pip(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "venv"], cwd=folder, check=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(HERE / "requirements.txt")], check=True)


def _installed(name: str, files: tuple[str, ...], install: Callable[[Path], None]) -> Path:
    """The folder with what the files say, made where it is not there yet; another version of a file is another folder."""
    version = hashlib.sha256(b"".join((HERE / file).read_bytes() for file in files)).hexdigest()[:12]
    folder = layout.from_environment(os.environ).cache / f"sdks-{name}-{version}"
    if not (done := folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        done.touch()
    return folder
