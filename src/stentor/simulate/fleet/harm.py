"""Puts together all that goes wrong in a simulation: faults and attacks. Decides nothing."""

import numpy as np

from stentor.admission.ladder import LoadFacts
from stentor.simulate.fleet.attacking import Attacking
from stentor.simulate.fleet.faults import Faults, Storm
from stentor.simulate.fleet.homes import Homes
from stentor.simulate.fleet.scene import Scene
from stentor.simulate.fleet.seam import Harm


def make_harms(
    scene: Scene, told: list[LoadFacts], homes: Homes, seeds: np.random.SeedSequence
) -> list[Harm]:
    """Return who does harm in a scene; `told` is what each edge's ladder decided on last."""
    scenario, found = scene.scenario, list[Harm]()
    if scenario.faults:
        found.append(Faults(scenario.faults))
    if scenario.event.ends_s is not None or any(one.kind == "exit" for one in scenario.faults):
        found.append(Storm(scenario))
    if scenario.attacks:
        found.append(Attacking(scene, told, homes, seeds))
    return found
