"""Three steps of five seconds in Dagster, one process each; they write when they begin and when they end."""
import os, sys, time
from dagster import DagsterInstance, DagsterRunStatus, In, Nothing, ReexecutionOptions, execute_job, job, op, reconstructable

NOTES = os.environ["NOTES"]
SECONDS = float(os.environ["SECONDS"])


def work(step):
    with open(NOTES, "a") as notes:
        notes.write(f"begin {step} {time.time()}\n")
    time.sleep(SECONDS)
    with open(NOTES, "a") as notes:
        notes.write(f"end {step} {time.time()}\n")


@op
def one():
    work("one")


@op(ins={"before": In(Nothing)})
def two():
    work("two")


@op(ins={"before": In(Nothing)})
def three():
    work("three")


@job
def three_steps():
    three(two(one()))


def main():
    verb = sys.argv[1]
    with DagsterInstance.get() as instance:
        if verb == "run":
            execute_job(reconstructable(three_steps), instance=instance)
            return
        run = instance.get_run_records()[-1].dagster_run
        if verb == "status":
            print(run.status.value)
        elif verb == "go-on":
            # Nothing but a person says that the run is dead; from a run that has not failed nothing goes on.
            if run.status != DagsterRunStatus.FAILURE:
                instance.report_run_failed(run)
            options = ReexecutionOptions.from_failure(run.run_id, instance)
            execute_job(reconstructable(three_steps), instance=instance, reexecution_options=options)


if __name__ == "__main__":
    main()
