"""Three steps of five seconds in Dagster, one process each."""
import os, sys
from dagster import DagsterInstance, DagsterRunStatus, In, Nothing, ReexecutionOptions, execute_job, job, op, reconstructable
from step_work import work


def work_on(step):
    work(step, os.environ["NOTES"], float(os.environ["SECONDS"]))


@op
def one():
    work_on("one")


@op(ins={"before": In(Nothing)})
def two():
    work_on("two")


@op(ins={"before": In(Nothing)})
def three():
    work_on("three")


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
