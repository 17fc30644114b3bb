"""Trials run under the deployment's settings, but for their own and those of the scenario."""

from __future__ import annotations

from dataclasses import fields

import pytest

from stentor.base.settings import Settings
from stentor.rehearsal.trial import Kind
from stentor.rehearsal.tried import SAID, is_tried, told_tried, tried
from stentor.trials.plan import SIZES, TrialPlan, plan_trials
from stentor.trials.run import settings_of

DEPLOYMENT = Settings(
    shield=False,
    edges=7,
    edge_accepts_per_turn=16,
    edge_join_share=0.9,
    edge_lane_ms_min=15_360,
    edge_network_exempt="192.0.2.0/24",
    forwarded_from="192.0.2.1/32",
    tls_certificate="/etc/stentor/rsa.pem",
    tls_key="/etc/stentor/rsa.key",
    port=443,
    speakers_max=3,
)


@pytest.mark.parametrize("plan", plan_trials(SIZES, 2), ids=lambda plan: plan.about)
def test_edges_of_a_trial_have_the_deployments_settings_and_the_trials(plan: TrialPlan) -> None:
    found = settings_of(plan, DEPLOYMENT)
    assert (found["shield"], found["edge_accepts_per_turn"]) == (False, 16)
    assert found["tls_certificate"] == "/etc/stentor/rsa.pem"
    assert found["edge_join_share"] == plan.join_share
    assert found["edge_admissions_per_s_max"] == plan.per_s / plan.edges
    assert (found["edge_lane_ms_min"] == found["edge_lane_ms_max"]) is (
        plan.kind is not Kind.DELIVERIES
    )
    Settings(**found)  # type: ignore[arg-type]


def test_nothing_that_loopback_cannot_show_or_another_says_is_tried() -> None:
    found = tried(DEPLOYMENT)
    assert not SAID & set(found)
    assert not {"port", "forwarded_from", "edge_network_exempt", "speakers_max", "data"} & set(
        found
    )
    assert {one.name for one in fields(Settings)} >= SAID
    assert is_tried("edge_unsent_bytes")


def test_a_record_has_those_that_are_not_the_default_and_no_path() -> None:
    assert told_tried(DEPLOYMENT) == {
        "shield": "False",
        "edge_accepts_per_turn": "16",
        "tls_certificate": "set",
        "tls_key": "set",
    }
    assert told_tried(Settings()) == {}
