"""The channels of a deployment as its APIs have them: reads them, and changes them in every region at once.

They are an environment variable of each API, read at each request: a change needs no deployment.
AppSync replaces all variables of an API in one call and has no condition for it, so the variables are read
immediately before each put, and the channels once more after the last one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from globalchat.core.errors import UsageError, UserError
from globalchat_infra.config import CHANNELS_VARIABLE, ENVIRONMENT_VALUE
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.stack_interface import SETTINGS_OUTPUT, load_settings

SETTLE_SECONDS = 5.0
"""For how long a read may answer what was there before a put, before that counts as someone else's change."""
_FIRST_PAUSE = 0.2
"""Seconds before the first of further reads; see `Aws.pauses`."""

Channels: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApiPlace:
    """One region's API: the alias and AWS region, and the API's id."""

    alias: str
    region: str
    api_id: str

    def __str__(self) -> str:
        return f"{self.alias} ({self.region})"


@dataclass(frozen=True, slots=True)
class ApiVariables:
    """The environment variables of an API."""

    place: ApiPlace
    variables: Mapping[str, str] = field(repr=False)

    @property
    def channels(self) -> Channels:
        """The channels that the API has."""
        return tuple(name for name in self.variables.get(CHANNELS_VARIABLE, "").split(",") if name)

    def with_channels(self, channels: Channels) -> "ApiVariables":
        """Return the same variables with other channels."""
        return ApiVariables(self.place, {**self.variables, CHANNELS_VARIABLE: ",".join(channels)})


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """The variables of an API before and after a change."""

    before: ApiVariables
    after: ApiVariables

    @property
    def place(self) -> ApiPlace:
        """The API."""
        return self.before.place


def read(aws: Aws, place: ApiPlace) -> ApiVariables:
    """Return the environment variables of an API.

    Raises:
        UserError: they may not be read, the API is gone, or it has no channels.
    """
    found = _read(aws, place)
    if not found.channels:
        raise UserError(
            f"The API of {place} has no environment variable {CHANNELS_VARIABLE}.",
            remedy="Run `globalchat deploy` to put it back.",
        )
    return found


def union(regions: Iterable[ApiVariables]) -> Channels:
    """Return every channel that any region has, in the order of the first region."""
    return tuple(dict.fromkeys(name for each in regions for name in each.channels))


def are_alike(regions: Sequence[ApiVariables]) -> bool:
    """Return True if all regions have the same channels, in whatever order."""
    return len({frozenset(each.channels) for each in regions}) < 2


def lacking(regions: Sequence[ApiVariables]) -> Mapping[str, Sequence[ApiPlace]]:
    """Return the regions that lack a channel which another one has, by channel."""
    missing = {name: [each.place for each in regions if name not in each.channels] for name in union(regions)}
    return {name: places for name, places in missing.items() if places}


def adding(regions: Iterable[ApiVariables], names: Sequence[str]) -> list[ChannelChange]:
    """Return the changes with which every region has these channels; none for a region that has them.

    Raises:
        UsageError: the channels of a region would be too long in all.
    """
    found: list[ChannelChange] = []
    for each in regions:
        after = (*each.channels, *(name for name in dict.fromkeys(names) if name not in each.channels))
        if after == each.channels:
            continue
        if (length := len(",".join(after))) > ENVIRONMENT_VALUE:
            raise UsageError(
                f"The channels of {each.place} would have {length} characters, joined by commas; "
                f"AppSync takes {ENVIRONMENT_VALUE}.",
                remedy="Use shorter names, or remove channels before with `globalchat channels remove NAME`.",
            )
        found.append(ChannelChange(each, each.with_channels(after)))
    return found


def removing(regions: Iterable[ApiVariables], names: Iterable[str]) -> list[ChannelChange]:
    """Return the changes with which no region has these channels; none for a region that lacks them.

    Raises:
        UsageError: a region would have no channel any more.
    """
    gone = frozenset(names)
    found: list[ChannelChange] = []
    for each in regions:
        after = tuple(name for name in each.channels if name not in gone)
        if not after:
            raise UsageError(
                f"{each.place} would have no channel any more, and there has to be one.",
                remedy="Add another before with `globalchat channels add NAME`.",
            )
        if after != each.channels:
            found.append(ChannelChange(each, each.with_channels(after)))
    return found


def change(aws: Aws, changes: Sequence[ChannelChange], note: Callable[[str], None]) -> None:
    """Make a change in every region; if it fails in one, put the others back.

    `note` prints what is put back.

    Raises:
        UserError: it failed, or another administrator made a change at the same time; says what regions have.
        KeyboardInterrupt: Ctrl-C, after the regions were put back.
    """
    tried: dict[ApiPlace, _Attempt] = {}
    for each in changes:
        try:
            _check_unchanged(each, read(aws, each.place))
            attempt = tried[each.place] = _Attempt(each)
            _put(aws, each.after)
            attempt.is_confirmed = True
        except KeyboardInterrupt:
            if left := _put_back(aws, list(tried.values()), note):
                raise _left(f"Interrupted at {each.place}.", left) from None
            raise
        except UserError as error:
            if left := _put_back(aws, list(tried.values()), note):
                raise _left(f"{each.place} could not be changed. {error}", left, error) from None
            raise UserError(
                f"{each.place} could not be changed, and no region is. {error}",
                remedy=error.remedy or "Run the same command again.",
                exit_code=error.exit_code,
            ) from None
    try:
        for each in changes:
            _check_changed(aws, each)
    except KeyboardInterrupt:
        note("Every region was changed. Run the same command again to check and complete it.")
        raise


@dataclass(slots=True)
class _Attempt:
    """A put that was begun; it `is_confirmed` once AppSync has answered that it was made."""

    change: ChannelChange
    is_confirmed: bool = False


def _check_changed(aws: Aws, made: ChannelChange) -> None:
    """Check that an API has what was put: two administrators may both have read before either put.

    Raises:
        UserError: it has other channels.
    """
    began, pauses = aws.clock(), aws.pauses(_FIRST_PAUSE)
    while (now := read(aws, made.place)).channels != made.after.channels:
        # AWS does not document that a read has what was put just before.
        if now.variables != made.before.variables or aws.clock() - began > SETTLE_SECONDS:
            raise _changed_by_others(made, now)
        aws.pause(next(pauses))


def place_of(api: DeployedStack) -> ApiPlace | None:
    """Return the API of an Api stack; None if the stack has none yet."""
    api_id = api.outputs.get("apiId") if api.part == "api" else None
    return None if api_id is None else ApiPlace(api.alias, api.region, api_id)


@dataclass(frozen=True, slots=True)
class PresentChannels:
    """The channels that the regions of a deployment have now, which a deployment keeps.

    `unknown` is a sentence for each region that could not be asked. `are_changed` is True if a region has
    others than it was deployed with: an administrator has changed them since. `deployed` are those of the
    templates, as far as they are known.
    """

    regions: Sequence[ApiVariables] = ()
    unknown: Sequence[str] = ()
    are_changed: bool = False
    deployed: Mapping[ApiPlace, Channels] = field(default_factory=dict)

    @property
    def all(self) -> Channels:
        """Every channel that any region has."""
        return union(self.regions)


def present(aws: Aws, existing: Iterable[DeployedStack]) -> PresentChannels:
    """Ask the regions of a deployment for their channels; an API without the variable counts for nothing."""
    regions: list[ApiVariables] = []
    unknown: list[str] = []
    deployed: dict[ApiPlace, Channels] = {}
    for stack in existing:
        if (place := place_of(stack)) is None:
            continue
        try:
            found = _read(aws, place)
        except UserError as error:
            unknown.append(f"{place}: whether its channels were changed is not known. {error}")
            continue
        if found.channels:
            regions.append(found)
            listed = (load_settings(stack.outputs.get(SETTINGS_OUTPUT)) or {}).get("channels")
            if isinstance(listed, list):
                deployed[place] = tuple(listed)
    are_changed = any(each.channels != deployed.get(each.place, each.channels) for each in regions)
    return PresentChannels(regions, unknown, are_changed, deployed)


def settle(
    aws: Aws,
    places: Iterable[ApiPlace],
    wanted: Channels,
    before: PresentChannels,
    note: Callable[[str], None],
) -> None:
    """Give regions the channels of their deployment.

    CloudFormation does so only where a template has changed. What another administrator has changed since
    `before` stays, and `note` prints it.

    Raises:
        UserError: a region may not be asked or changed.
    """
    known = {each.place: each.channels for each in before.regions}
    for place in places:
        now = _read(aws, place)
        if now.channels == wanted:
            continue
        if not now.channels:
            # No one can chat there, and CloudFormation does not notice what is missing.
            _put(aws, now.with_channels(wanted))
            note(
                f"warning: {place} had lost its channels, and has them again. Other variables may be "
                "missing, too: run `globalchat doctor`."
            )
        elif now.channels == known.get(place):
            _put(aws, now.with_channels(wanted))
        else:
            note(
                f"warning: someone changed the channels of {place} meanwhile: {', '.join(now.channels)}. "
                "Look at `globalchat channels list`."
            )


def restore(aws: Aws, before: PresentChannels, wanted: Channels, note: Callable[[str], None]) -> None:
    """Put back, after a deployment that failed, what administrators had changed before it.

    A rollback gives an API the variables of its last template. `note` prints what was put back, and where
    that is not known.
    """
    for had in before.regions if before.are_changed else ():
        try:
            now = _read(aws, had.place)
            # Those that are wanted are of a region that is complete; others again, someone else's change.
            if now.channels in (had.channels, wanted) or now.channels != before.deployed.get(had.place):
                continue
            _put(aws, now.with_channels(had.channels))
        except UserError as error:
            note(f"warning: {had.place} had {', '.join(had.channels)}; whether it has them still: {error}")
        else:
            note(f"{had.place}: the rollback undid its channels; put back: {', '.join(had.channels)}")


def _read(aws: Aws, place: ApiPlace) -> ApiVariables:
    answer = aws.call("appsync", place.region, "get_graphql_api_environment_variables", apiId=place.api_id)
    return ApiVariables(place, answer.get("environmentVariables") or {})


def _put(aws: Aws, wanted: ApiVariables) -> None:
    aws.call(
        "appsync",
        wanted.place.region,
        "put_graphql_api_environment_variables",
        apiId=wanted.place.api_id,
        environmentVariables=dict(wanted.variables),
    )


def _check_unchanged(planned: ChannelChange, now: ApiVariables) -> None:
    """Check that an API has the variables that a change was planned for.

    Raises:
        UserError: it has others.
    """
    if now.variables != planned.before.variables:
        raise _changed_by_others(planned, now)


def _changed_by_others(planned: ChannelChange, now: ApiVariables) -> UserError:
    return UserError(
        f"Someone else changed {planned.place} at the same time: it has {', '.join(now.channels)} now.",
        remedy="Look at `globalchat channels list`, then run the same command again.",
    )


def _put_back(aws: Aws, tried: Sequence[_Attempt], note: Callable[[str], None]) -> list[str]:
    """Give regions the variables from before a change; return a sentence about each that may have kept it."""
    left: list[str] = []
    for attempt in reversed(tried):
        each = attempt.change
        try:
            now = read(aws, each.place)
            if now.variables not in (each.before.variables, each.after.variables):
                left.append(str(_changed_by_others(each, now)))
            # A put whose answer was lost may have been made; one that was made may not be seen yet.
            elif attempt.is_confirmed or now.variables == each.after.variables:
                _put(aws, each.before)
                note(f"{each.place} was put back: {', '.join(each.before.channels)}")
        except (UserError, KeyboardInterrupt) as error:
            why = "Interrupted again." if isinstance(error, KeyboardInterrupt) else error
            left.append(
                f"{each.place} may have {', '.join(each.after.channels)}: it could not be put back to "
                f"{', '.join(each.before.channels)}. {why}"
            )
    return left


def _left(sentence: str, left: Sequence[str], error: UserError | None = None) -> UserError:
    """Return the error for regions that differ now, with the way on."""
    return UserError(
        sentence,
        details=tuple(left),
        remedy=(
            "The regions may differ now: see `globalchat channels list`. Once they can be reached, "
            "run the same command again: it completes the change."
        ),
        exit_code=None if error is None else error.exit_code,
    )
