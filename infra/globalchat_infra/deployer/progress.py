"""How far a deployment is, by the lines of the CDK command line. Pure: no process and no clock."""

import re
from dataclasses import dataclass, field

# globalchat-oregon-api |  3/28 | 4:04:35 PM | CREATE_IN_PROGRESS   | AWS::IAM::Role | Logs/Role (…) reason
_EVENT = re.compile(
    r"^(?P<stack>[A-Za-z][\w-]*) *\| *(?P<done>\d+)(?:/(?P<total>\d+))? *\| *[^|]+\| *(?P<status>[A-Z_]+) *"
    r"\| *(?P<type>[\w:]+) *\| *(?P<rest>.*)$"
)
_FINISHED = re.compile(r"^✅ +(?P<stack>[A-Za-z][\w-]*)(?P<same> \(no changes\))?$")
_STARTED = re.compile(r"^(?P<stack>[A-Za-z][\w-]*): (?:creating CloudFormation changeset|deploying|start)")
_FAILED = re.compile(r"^❌ +(?P<stack>[A-Za-z][\w-]*) failed(?: to deploy)?(?:: (?P<reason>.*))?$")
_CAUSE = re.compile(r"^‣ +(?P<reason>.+)$")
_STACK_TYPE = "AWS::CloudFormation::Stack"
_FAILURE = ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED")
_LONGEST = 400


@dataclass(slots=True)
class StackProgress:
    """One stack: `done` of `total` resources (0 while unknown), what AWS said last, and what went wrong."""

    name: str
    done: int = 0
    total: int = 0
    started: bool = False
    finished: bool = False
    unchanged: bool = False
    failure: str | None = None

    @property
    def running(self) -> bool:
        """Whether AWS is at it."""
        return self.started and not self.finished and self.failure is None

    @property
    def summary(self) -> str:
        """Its state in a few words."""
        if self.failure is not None:
            return f"failed: {self.failure}"
        if self.finished:
            return "unchanged" if self.unchanged else "done"
        if not self.started:
            return "waits"
        return f"{min(self.done, self.total)}/{self.total} resources" if self.total else "preparing"


@dataclass(slots=True)
class Progress:
    """All stacks of a deployment, in the order of their making."""

    stacks: dict[str, StackProgress]
    errors: list[str] = field(default_factory=list)
    _blamed: StackProgress | None = None

    @classmethod
    def of(cls, names: list[str]) -> "Progress":
        """Nothing has begun."""
        return cls({name: StackProgress(name) for name in names})

    def feed(self, line: str) -> StackProgress | None:
        """Take a line in; the stack that it changed, if it did."""
        line = line.strip()
        if match := _EVENT.match(line):
            return self._event(match)
        if (match := _FINISHED.match(line)) and (stack := self.stacks.get(match["stack"])):
            stack.started = stack.finished = True
            stack.unchanged = match["same"] is not None
            return stack
        if (match := _FAILED.match(line)) and (stack := self.stacks.get(match["stack"])):
            self._blamed = stack
            return self._fail(stack, match["reason"]) if match["reason"] else None
        if (match := _CAUSE.match(line)) and (stack := self._blamed):
            return self._fail(stack, match["reason"])
        if (match := _STARTED.match(line)) and (stack := self.stacks.get(match["stack"])):
            changed = not stack.started
            stack.started = True
            return stack if changed else None
        return None

    def complain(self, line: str) -> None:
        """Take a line of standard error in, which tells why if something fails."""
        if line.strip():
            self.errors.append(line.strip()[:_LONGEST])
            del self.errors[:-200]

    def _event(self, match: re.Match[str]) -> StackProgress | None:
        stack = self.stacks.get(match["stack"])
        if stack is None:
            return None
        stack.started = True
        stack.done, stack.total = int(match["done"]), int(match["total"] or stack.total)
        if match["status"] in _FAILURE and match["type"] != _STACK_TYPE and "cancelled" not in match["rest"]:
            return self._fail(stack, f"{match['type']} {match['rest']}")
        return stack

    def _fail(self, stack: StackProgress, reason: str) -> StackProgress:
        # The first failure is the cause; what follows are its effects.
        if stack.failure is None:
            stack.failure = reason.strip()[:_LONGEST]
        return stack
