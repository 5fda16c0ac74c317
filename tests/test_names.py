"""Our top-level names are ours: nothing installed owns them, and they resolve inside this checkout.

PyTables installs a package `tables` and openai-agents one named `agents`; this program cannot share an
environment with either.
"""

import importlib.util
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("clinical", "streams", "tables", "agents", "edge", "bench")


@pytest.mark.parametrize("name", NAMES)
def test_no_installed_distribution_owns_the_name(name):
    assert packages_distributions().get(name, []) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_name_resolves_inside_this_checkout(name):
    found = importlib.util.find_spec(name)
    assert found is not None
    assert [Path(place) for place in found.submodule_search_locations] == [ROOT / name]


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_is_a_package_so_that_no_namesake_under_tests_can_stand_in_for_it(name):
    assert (ROOT / name / "__init__.py").is_file()


def test_the_docker_folder_is_no_package_because_docker_py_has_that_name():
    assert not (ROOT / "docker" / "__init__.py").exists()
