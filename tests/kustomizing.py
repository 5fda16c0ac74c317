"""What a kustomization makes, for the few features that ours use; any other is refused, so that none is passed over."""

import copy
import re
from pathlib import Path

import yaml

KNOWN = {
    *("apiVersion", "kind", "namespace", "resources", "components", "images", "configMapGenerator"),
    *("patches", "replicas"),
}
CLUSTER_WIDE = {"Namespace"}


def render(folder):
    """Return the resources of a folder's kustomization; names of ConfigMaps without the suffix that kustomize adds."""
    return _accumulated(Path(folder), [])


def _accumulated(folder, resources):
    said = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert said.keys() <= KNOWN, said.keys() - KNOWN
    for name in said.get("resources", []):
        path = folder / name
        resources = resources + (render(path) if path.is_dir() else _documents(path))
    for name in said.get("components", []):
        resources = _accumulated(folder / name, resources)
    for generator in said.get("configMapGenerator", []):
        resources = _generated(generator, resources)
    for patch in said.get("patches", []):
        found = [one for one in resources if _is_target(patch["target"], one)]
        assert found, f"{folder}: nothing is {patch['target']}"
        for resource in found:
            for step in yaml.safe_load((folder / patch["path"]).read_text(encoding="utf-8")):
                _apply(step, resource)
    for resource in resources:
        _name(resource, said)
    assert len({identity(one) for one in resources}) == len(resources), "a resource is there twice"
    return resources


def identity(resource):
    return resource["kind"], resource["metadata"]["name"]


class _Plain(yaml.SafeDumper):
    """Writes what an anchor names once more where it is used: else a patch of one place would change both."""

    def ignore_aliases(self, data):
        return True


def _documents(path):
    written = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    return list(yaml.safe_load_all(yaml.dump_all(written, Dumper=_Plain)))


def _generated(generator, resources):
    assert generator.keys() <= {"name", "behavior", "literals"}, generator.keys()
    data = dict(line.split("=", 1) for line in generator["literals"])
    same = [one for one in resources if identity(one) == ("ConfigMap", generator["name"])]
    if generator.get("behavior") == "merge":
        same[0]["data"] |= data
        return resources
    assert not same, f"{generator['name']} is there already: behavior: merge"
    return [
        *resources,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data},
    ]


def _is_target(target, resource):
    assert target.keys() <= {"kind", "name", "labelSelector"}, target.keys()
    labels = resource["metadata"].get("labels", {})
    wanted = dict(part.split("=") for part in filter(None, target.get("labelSelector", "").split(",")))
    return (
        re.fullmatch(target.get("kind", ".*"), resource["kind"]) is not None
        and re.fullmatch(target.get("name", ".*"), resource["metadata"]["name"]) is not None
        and wanted.items() <= labels.items()
    )


def _apply(step, resource):
    """Apply one step of a JSON patch (RFC 6902): add, replace or remove, by paths without escapes."""
    *way, last = step["path"].split("/")[1:]
    place = resource
    for part in way:
        place = place[int(part) if isinstance(place, list) else part]
    if isinstance(place, list):
        if step["op"] == "add" and last == "-":
            place.append(copy.deepcopy(step["value"]))
            return
        last = int(last)
    if step["op"] == "remove":
        del place[last]
    else:
        assert step["op"] == "add" or (step["op"] == "replace" and place[last] is not None), step
        place[last] = copy.deepcopy(step["value"])


def _name(resource, said):
    """Give a resource its namespace, image and number."""
    if (namespace := said.get("namespace")) and resource["kind"] not in CLUSTER_WIDE:
        resource["metadata"]["namespace"] = namespace
    for image in said.get("images", []):
        for container in containers_of(resource):
            if container["image"].split(":")[0] == image["name"]:
                container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
    for counted in said.get("replicas", []):
        if resource["metadata"]["name"] == counted["name"] and resource["kind"] in (
            "Deployment",
            "StatefulSet",
        ):
            resource["spec"]["replicas"] = counted["count"]


def containers_of(resource):
    """Return the containers of a resource that has pods, none of any other."""
    spec = resource.get("spec") or {}
    return spec.get("template", {}).get("spec", {}).get("containers", [])
