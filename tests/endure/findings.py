"""What a scenario found: numbers for its row, and each thing that was not as promised."""


class Findings:
    def __init__(self):
        self.requests, self.failed = 0, 0
        self.said, self.problems = [], []

    def that(self, right, problem):
        if not right:
            self.problems.append(problem)

    def say(self, text):
        self.said.append(text)

    def count(self, *loads, refused=0):
        """Takes the figures of loads; no request may have failed, and no more connections been refused than said."""
        for load in loads:
            self.requests += load.done + load.failed
            self.failed += load.failed
            self.that(load.done > 0, f"{load.name}: not one request was answered")
            told = f"{load.failed} of {load.done + load.failed} requests failed: {load.reasons}"
            self.that(not load.failed, f"{load.name}: {told}")
            self.that(len(load.refused) <= refused, f"{load.name}: {len(load.refused)} connections refused")
