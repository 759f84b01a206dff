"""The interviewer's guide and the workflow beside it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from take_home.findings import CLAIM_POINTS, RISK_POINTS
from take_home.tasks import TASKS

from tests.conftest import ROOT

FOLDER = ROOT / "take_home"
GUIDE = (FOLDER / "README.md").read_text(encoding="utf-8")
WORKFLOW = (FOLDER / "grade-workflow.yml").read_text(encoding="utf-8")


def steps() -> list[dict[str, Any]]:
    """The steps of the workflow's one job."""
    [job] = yaml.safe_load(WORKFLOW)["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def test_every_link_of_the_guide_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", GUIDE)
    assert links
    assert [link for link in links if not (FOLDER / link).exists()] == []


def test_every_command_of_the_guide_is_one_of_a_makefile() -> None:
    makefiles = [ROOT / "Makefile", FOLDER / "project" / "Makefile"]
    targets = {
        target
        for path in makefiles
        for target in re.findall(r"^([a-z-]+):", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    commands = re.findall(r"\bmake ([a-z-]+)", GUIDE + WORKFLOW)
    assert {"take-home", "grade", "ready", "submit"} <= set(commands) <= targets


def test_the_guide_names_the_points_that_are_given() -> None:
    points = [int(n) for n in re.findall(r"^\| .* \| .* \| (\d+) \| .* \|$", GUIDE, re.MULTILINE)]
    assert points == [sum(task.points for task in TASKS), CLAIM_POINTS, RISK_POINTS]
    [minutes] = re.findall(r"^\| seven tasks \| (\d+) \|", GUIDE, re.MULTILINE)
    assert int(minutes) == sum(task.minutes for task in TASKS)


def test_the_minutes_of_the_conversation_add_up() -> None:
    talk = GUIDE.split("## Talk: ")[1].split("## AI")[0]
    minutes = [int(number) for number in re.findall(r"^\| (\d+) \|", talk, flags=re.MULTILINE)]
    assert sum(minutes) == int(talk.split()[0]) == 45


def test_the_guide_is_read_in_seven_minutes() -> None:
    assert len(GUIDE.split()) <= 1_200


def test_the_workflow_reads_the_repository_and_holds_no_secret() -> None:
    assert yaml.safe_load(WORKFLOW)["permissions"] == {"contents": "read"}
    assert "secrets" not in WORKFLOW
    [checkout] = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"] == {"persist-credentials": False}


def test_no_command_of_the_workflow_holds_what_somebody_typed() -> None:
    commands = [step["run"] for step in steps() if "run" in step]
    assert any(command.startswith("make grade ") for command in commands)
    assert all("${{" not in command for command in commands)


@pytest.mark.parametrize("action", ["actions/checkout", "actions/setup-python"])
def test_actions_are_those_that_the_template_s_own_checks_use(action: str) -> None:
    ours = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    [version] = re.findall(rf"uses: {action}@(\S+)", ours)
    assert re.findall(rf"uses: {action}@(\S+)", WORKFLOW) == [version]


def test_bubblewrap_is_there_and_allowed_before_grading() -> None:
    commands = " ; ".join(step.get("run", "") for step in steps())
    order = [
        "apt-get install -y bubblewrap",
        "apparmor_restrict_unprivileged_userns=0",
        "make grade",
    ]
    places = [commands.index(text) for text in order]
    assert places == sorted(places)
