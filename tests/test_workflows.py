"""What the workflows may do: pinned actions, least rights, nothing of a stranger's in a shell.

Each rule is a function from a workflow to the faults that it finds.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
READING = {"contents": "read", "pages": "read"}
DEPLOYING = {"pages": "write", "id-token": "write"}


def steps(text: str) -> Iterator[dict]:
    for job in yaml.safe_load(text)["jobs"].values():
        yield from job.get("steps", [])


def actions_are_pinned(text: str) -> Iterator[str]:
    """A tag can be moved to other code, a commit's hash cannot; the comment is for people."""
    for line in re.findall(r"^.*\buses:.*$", text, re.M):
        pinned = r"\s*(- )?uses: [\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+"
        if not re.fullmatch(pinned, line) and "uses: ./" not in line:
            yield f"not pinned to a commit, with its version beside it: {line.strip()}"


def rights_are_the_least(text: str) -> Iterator[str]:
    workflow = yaml.safe_load(text)
    if workflow.get("permissions") != {"contents": "read"}:
        yield f"the workflow's rights are {workflow.get('permissions')}"
    for name, job in workflow["jobs"].items():
        rights = job.get("permissions", {})
        if rights != DEPLOYING and not set(rights.items()) <= set(READING.items()):
            yield f"the rights of {name} are {rights}"


def only_a_deployment_of_main_may_write(text: str) -> Iterator[str]:
    for name, job in yaml.safe_load(text)["jobs"].items():
        if "write" in job.get("permissions", {}).values():
            if job.get("if") != "github.ref == 'refs/heads/main'":
                yield f"{name} runs on any branch"
            if job.get("environment", {}).get("name") != "github-pages":
                yield f"{name} has no environment, whose rules could hold it"
            if any("run" in step or "checkout" in step["uses"] for step in job["steps"]):
                yield f"{name} runs code of the repository"


def no_token_stays_behind(text: str) -> Iterator[str]:
    for step in steps(text):
        kept = step.get("with", {}).get("persist-credentials", True)
        if "actions/checkout@" in step.get("uses", "") and kept is not False:
            yield "a checkout keeps the token where every later step can read it"


def no_stranger_starts_it_with_our_rights(text: str) -> Iterator[str]:
    started = yaml.safe_load(text)[True]  # YAML reads `on` as true
    allowed = {"push", "pull_request", "schedule", "workflow_dispatch"}
    yield from (f"started by {event}" for event in set(started) - allowed)
    if started.get("push", {}).get("branches", ["main"]) != ["main"]:
        yield f"started by a push to {started['push']}"


def no_expression_stands_in_a_shell(text: str) -> Iterator[str]:
    """GitHub pastes an expression into the script, so that a branch's name could be a command."""
    for step in steps(text):
        if "${{" in step.get("run", ""):
            yield f"an expression in: {step['run']}"


# Each rule, and a fault that it must find: what to replace in which workflow, and by what.
RULES = {
    actions_are_pinned: ("ci", r"@[0-9a-f]{40}  # v5[\d.]+", "@v5"),
    rights_are_the_least: ("ci", r"permissions:\n  contents: read\n", ""),
    only_a_deployment_of_main_may_write: ("pages", r" +if: github.ref == .*\n", ""),
    no_token_stays_behind: ("ci", r"persist-credentials: false", "fetch-depth: 0"),
    no_stranger_starts_it_with_our_rights: ("ci", r"pull_request:", "pull_request_target:"),
    no_expression_stands_in_a_shell: ("ci", r"run: make", "run: echo ${{ github.ref }}; make"),
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@pytest.mark.parametrize("rule", list(RULES), ids=lambda rule: rule.__name__)
def test_a_workflow_keeps_the_rule(rule, file: Path):
    assert list(rule(file.read_text())) == []


@pytest.mark.parametrize("rule", list(RULES), ids=lambda rule: rule.__name__)
def test_a_rule_finds_its_fault(rule):
    name, pattern, replacement = RULES[rule]
    sound = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    planted = re.sub(pattern, replacement, sound)
    assert planted != sound and list(rule(planted))


def test_ci_runs_what_the_script_for_a_bare_machine_runs():
    script = (ROOT / ".ci" / "run").read_text()
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    goals = re.findall(r"^exec make (.*)$", script, re.M)
    assert goals == [s["run"].removeprefix("make ") for s in steps(workflow) if "run" in s][1:]
    assert script.count("make ") == 1


def test_an_action_has_the_same_commit_in_each_workflow():
    used = re.findall(r"uses: (\S+)@(\S+)", "".join(file.read_text() for file in FILES))
    assert len(dict(used)) == len(set(used))
