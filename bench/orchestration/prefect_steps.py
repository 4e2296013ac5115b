"""Three steps of five seconds in Prefect, served as a deployment; results are kept, so that a retry skips what is done."""
import sys
from datetime import timedelta
from prefect import flow, task
from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from step_work import work

# Kept under the default policy: the run, its inputs and the code.
durable = task(retries=3, persist_result=True)


@durable
def one(notes: str, seconds: float):
    work("one", notes, seconds)
    return "one"


@durable
def two(before: str, notes: str, seconds: float):
    work("two", notes, seconds)
    return "two"


@durable
def three(before: str, notes: str, seconds: float):
    work("three", notes, seconds)
    return "three"


@flow(retries=3, persist_result=True)
def three_steps(notes: str, seconds: float):
    three(two(one(notes, seconds), notes, seconds), notes, seconds)


def automate():
    """Nothing goes on by itself without these."""
    runs = ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]})
    ended = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    # As "How to detect and respond to zombie flows" of its documentation has it.
    Automation(
        name="Crash zombie flows",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ended},
            match=runs,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=90),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="No heartbeat for 90 s.")],
    ).create()
    # Retries of a flow do not hold for crashes; a change of state is what its UI does for a person.
    Automation(
        name="Schedule crashed flows again",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Crashed"},
            match=runs,
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, name="AwaitingRetry")],
    ).create()


if __name__ == "__main__":
    {"serve": lambda: three_steps.serve(name="bench"), "automate": automate}[sys.argv[1]]()
