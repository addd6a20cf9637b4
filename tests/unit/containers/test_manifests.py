"""deploy/k8s: every document keeps to Kubernetes' own schema, every reference leads somewhere, no pod has a right that it does not need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from prometheus_client import REGISTRY

import shared.metrics  # noqa: F401 (registers what autoscaling asks for)
from services.capture.door.door import BENEATH, ROUTES
from tests.unit.containers.manifests import ALL, BASE, FOLDERS, K8S, WORKLOADS, Manifest, kustomization
from tests.unit.containers.test_compose import SETTINGS

VERSION = "1.33"
OF_OPERATORS = ("ScaledObject", "ServiceMonitor")  # KEDA's and Prometheus' own kinds: Kubernetes has no schema of them


def named(kind: str, manifests: tuple[Manifest, ...] = BASE) -> dict[str, Manifest]:
    """All of a kind by name."""
    return {one.name: one for one in manifests if one.kind == kind}


@pytest.mark.parametrize("manifest", [one for one in ALL if one.kind not in OF_OPERATORS], ids=str)
def test_each_document_keeps_to_kubernetes_schema(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest.body, VERSION, strict=True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_file_is_named_by_its_kustomization_and_each_name_is_a_file(folder: Path) -> None:
    made = kustomization(folder)
    kubernetes_kinds = {
        "apiVersion",
        "kind",
        "namespace",
        "resources",
        "images",
        "generatorOptions",
        "secretGenerator",
        "patches",
    }
    assert set(made) <= kubernetes_kinds
    named_files = {*made["resources"], *(patch["path"] for patch in made.get("patches", ()))}
    there = {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert {name for name in named_files if not name.startswith("../")} == there
    for other in named_files - there:
        assert (folder / other / "kustomization.yaml").resolve().is_file()


def test_each_patch_has_something_to_patch() -> None:
    base = {(one.kind, one.name) for one in BASE}
    production = K8S / "production"
    patches = {patch["path"] for patch in kustomization(production)["patches"]}
    for one in ALL:
        if one.file.parent == production and one.file.name in patches:
            assert (one.kind, one.name) in base


def test_each_secret_that_a_pod_is_told_is_generated_and_explained() -> None:
    production = K8S / "production"
    known: dict[str, set[str]] = {}
    for secret in kustomization(production)["secretGenerator"]:
        known[secret["name"]] = keys = set()
        for file in (*secret.get("envs", ()), *secret.get("files", ())):
            example = production / file.replace("secrets/", "secrets.example/")
            lines = example.read_text().splitlines()
            keys |= {line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")}
            keys.add(example.name)
    for one in WORKLOADS:
        for variable in one.pod["spec"]["containers"][0]["env"]:
            if asked := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert asked["key"] in known[asked["name"]], f"{one}: {variable['name']}"
        volumes = {volume["name"]: volume for volume in one.pod["spec"]["volumes"]}
        assert volumes["certificates"]["secret"]["secretName"] in known


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_each_service_is_told_what_it_needs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (workload,) = (one for one in WORKLOADS if one.name == name)
    (container,) = workload.pod["spec"]["containers"]
    examples = {"kafka": "kafka:9092", "store": "postgresql://s:s@postgres/s", "token": "t" * 32, "secret": "s" * 32}
    told: dict[str, str] = dict(named("ConfigMap")["leadflow"].body["data"])
    for variable in container["env"]:
        source: dict[str, Any] = variable.get("valueFrom", {})
        told[variable["name"]] = variable.get("value") or (
            examples[source["secretKeyRef"]["key"]] if "secretKeyRef" in source else f"{name}-0"
        )
    for key, value in told.items():
        monkeypatch.setenv(key, value)
    kind = SETTINGS[name]
    assert {key.removeprefix("LEADFLOW_").lower() for key in told} <= set(kind.model_fields)
    kind()
    assert container["ports"][0]["containerPort"] == int(told["LEADFLOW_HTTP_PORT"])


@pytest.mark.parametrize("workload", WORKLOADS, ids=str)
def test_no_pod_has_a_right_that_it_does_not_need(workload: Manifest) -> None:
    spec = workload.pod["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_each_service_is_probed(name: str) -> None:
    (workload,) = (one for one in WORKLOADS if one.name == name)
    (container,) = workload.pod["spec"]["containers"]
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}


def test_what_selects_finds_something() -> None:
    labels = [one.pod["metadata"]["labels"] for one in WORKLOADS]
    for one in BASE:
        spec = one.body.get("spec", {})
        if one.kind == "Service":
            wanted = spec["selector"]
        elif one.kind in ("PodDisruptionBudget", "Deployment", "StatefulSet"):
            wanted = spec["selector"]["matchLabels"]
        elif one.kind == "NetworkPolicy":
            wanted = spec["podSelector"].get("matchLabels", {})
        else:
            continue
        assert any(wanted.items() <= found.items() for found in labels), one


def test_members_have_stable_names_and_leave_when_they_end() -> None:
    sets = named("StatefulSet")
    assert set(sets) == {"enrich", "score", "route", "console"}
    for name, one in sets.items():
        assert one.body["spec"]["serviceName"] in named("Service")
        told = {variable["name"]: variable for variable in one.pod["spec"]["containers"][0]["env"]}
        assert told["LEADFLOW_MEMBER"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name", name
        assert told["LEADFLOW_LEAVES"]["value"] == "true"


def test_what_scales_has_a_target_a_metric_and_no_more_instances_than_partitions() -> None:
    partitions = int(named("ConfigMap")["leadflow"].body["data"]["LEADFLOW_PARTITIONS"])
    exported = {metric.name for metric in REGISTRY.collect()}
    for name, one in named("ScaledObject").items():
        spec = one.body["spec"]
        assert spec["scaleTargetRef"] == {"kind": "StatefulSet", "name": name}
        assert name in named("StatefulSet")
        assert spec["maxReplicaCount"] == partitions
        (trigger,) = spec["triggers"]
        asked = re.search(r"leadflow_\w+", trigger["metadata"]["query"])
        assert asked is not None
        assert asked[0] in exported
    (scaler,) = named("HorizontalPodAutoscaler").values()
    assert scaler.body["spec"]["scaleTargetRef"]["name"] in named("Deployment")


def test_the_world_reaches_the_public_routes_and_nothing_else() -> None:
    (ingress,) = named("Ingress", ALL).values()
    (rule,) = ingress.body["spec"]["rules"]
    paths = {(path["path"], path["pathType"]) for path in rule["http"]["paths"]}
    assert paths == {(path, "Exact") for path in ROUTES} | {(path, "Prefix") for path in BENEATH}
