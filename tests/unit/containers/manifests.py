"""deploy/k8s as data: its documents, and the containers in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.local.layout import CHECKOUT

K8S = CHECKOUT / "deploy" / "k8s"
FOLDERS = tuple(sorted(one.parent for one in K8S.glob("*/kustomization.yaml")))


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document of a file."""

    file: Path
    body: dict[str, Any]

    @property
    def kind(self) -> str:
        """Deployment, Service ..."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.body["metadata"]["name"])

    @property
    def pod(self) -> dict[str, Any]:
        """The template of its pods."""
        found: dict[str, Any] = self.body["spec"]["template"]
        return found

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def kustomization(folder: Path) -> dict[str, Any]:
    """What a folder is made of."""
    found: dict[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return found


def _all() -> tuple[Manifest, ...]:
    files = [file for folder in FOLDERS for file in sorted(folder.glob("*.yaml")) if file.name != "kustomization.yaml"]
    return tuple(Manifest(file, body) for file in files for body in yaml.safe_load_all(file.read_text()))


ALL = _all()
BASE = tuple(one for one in ALL if one.file.parent.name == "base")
WORKLOADS = tuple(one for one in BASE if one.kind in ("Deployment", "StatefulSet", "Job"))
