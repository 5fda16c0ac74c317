"""The pods of a rendered overlay as their processes find them: labels, environment, ports, files."""

import functools
from dataclasses import dataclass
from pathlib import Path

from kustomizing import containers_of, render

from streams.config.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("trial", "production", "strimzi")
POD_IP = "10.1.2.3"
"""Stands for the address that the kubelet gives a pod."""


@functools.cache
def rendered(overlay):
    return render(FOLDER / "overlays" / overlay)


def of_kind(overlay, *kinds):
    return [one for one in rendered(overlay) if one["kind"] in kinds]


@dataclass(frozen=True)
class Pod:
    """What runs of a Deployment, StatefulSet or Job: `owner` is the resource."""

    name: str
    owner: dict
    config_maps: dict

    @property
    def spec(self):
        return self.owner["spec"]["template"]["spec"]

    @property
    def labels(self):
        return self.owner["spec"]["template"]["metadata"]["labels"]

    @property
    def part(self):
        return self.labels.get("app.kubernetes.io/component", self.name)

    @property
    def container(self):
        [container] = self.spec["containers"]
        return container

    @property
    def is_ours(self):
        return self.labels.get("app.kubernetes.io/part-of") == "vigil"

    @property
    def ports(self):
        """Numbers of its ports by name."""
        return {one["name"]: one["containerPort"] for one in self.container.get("ports", [])}

    @property
    def environment(self):
        """Variables as the process has them, without those of its image."""
        found = {}
        for source in self.container.get("envFrom", []):
            found |= self.config_maps[source["configMapRef"]["name"]]
        for variable in self.container.get("env", []):
            if "valueFrom" in variable:
                assert variable["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}
            found[variable["name"]] = variable.get("value", POD_IP)
        return found

    @property
    def settings(self):
        return Settings(**given(self.environment))

    def mounts(self):
        """Return (path, volume, whether it is read-only) of each mount."""
        volumes = {one["name"]: one for one in self.spec.get("volumes", [])}
        for claim in self.owner["spec"].get("volumeClaimTemplates", []):
            volumes[claim["metadata"]["name"]] = {"persistentVolumeClaim": {}}
        return [
            (Path(one["mountPath"]), volumes[one["name"]], one.get("readOnly", False))
            for one in self.container.get("volumeMounts", [])
        ]


def given(environment):
    """Return settings by name for variables, of which each must be a setting."""
    return {name.removeprefix("VIGIL_").lower(): value for name, value in environment.items()}


@functools.cache
def pods(overlay):
    """Return every pod of an overlay."""
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(overlay, "ConfigMap")}
    return [
        Pod(one["metadata"]["name"], one, maps)
        for one in of_kind(overlay, "Deployment", "StatefulSet", "Job")
        if containers_of(one)
    ]


def our_pods(overlay):
    return [pod for pod in pods(overlay) if pod.is_ours]


def pod_of(overlay, part):
    [found] = [pod for pod in our_pods(overlay) if pod.part == part]
    return found


EACH_POD = [(overlay, pod.part) for overlay in ("trial", "production") for pod in our_pods(overlay)]
"""Pods of `strimzi` are those of `production`."""
