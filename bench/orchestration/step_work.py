"""What each of the three steps does, whoever runs it: five seconds, and notes of when they begin and end."""
import os, time


def work(step, notes, seconds):
    note(notes, f"begin {step}")
    time.sleep(seconds)
    note(notes, f"end {step}")


def note(notes, what):
    with open(notes, "a") as file:
        file.write(f"{what} {time.time()} {os.getpid()}\n")
