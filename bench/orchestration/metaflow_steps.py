"""Three steps of five seconds in Metaflow, one process each; the first and the last have the names that it asks for."""
import os, sys
from metaflow import Flow, FlowSpec, step
from step_work import work


def work_on(step):
    work(step, os.environ["NOTES"], float(os.environ["SECONDS"]))


class ThreeSteps(FlowSpec):
    @step
    def start(self):
        work_on("one")
        self.next(self.two)

    @step
    def two(self):
        work_on("two")
        self.next(self.end)

    @step
    def end(self):
        work_on("three")


if __name__ == "__main__":
    if sys.argv[1] == "status":
        # A run has no other state.
        print("finished" if Flow("ThreeSteps").latest_run.finished else "not finished")
    else:
        ThreeSteps()
