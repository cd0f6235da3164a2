"""Runs a session for `subscribe`: messages to standard output, everything else to standard error."""

import asyncio
from functools import partial

from cli import profiles
from cli.failure import ExitCode
from cli.follower import Follower
from cli.output import clock_time, for_terminal, json_line, message_document, narrate, write_lines
from cli.regions import pick
from client.events import MessageReceived
from client.profiles import Profile
from client.session import Session


async def follow(
    profile: Profile, region: str | None, channels: tuple[str, ...], *, as_json: bool
) -> ExitCode:
    """Show the messages of the channels until every channel is lost or the region cannot be reached.

    Raises:
        ProfileError: the profile has no such region.
        BrokenPipeError: nobody reads the output any more.
    """
    endpoint = await pick(profile, region)
    reload = partial(profiles.reload, profile.name)
    session = Session(profile, endpoint.alias, channels=channels, reload=reload)
    follower = Follower(channels)
    broken: BrokenPipeError | None = None
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.run())
        try:
            await _show(session, follower, as_json=as_json)
        except BrokenPipeError as error:
            broken = error
        finally:
            session.close()
    if broken is not None:
        raise broken
    return follower.ended if follower.ended is not None else ExitCode.DONE


async def _show(session: Session, follower: Follower, *, as_json: bool) -> None:
    while follower.ended is None and (events := await session.next_events()):
        batch = follower.take(events)
        for sentence in batch.sentences:
            narrate(sentence)
        if batch.messages:
            lines = [_json(each) if as_json else _text(each) for each in batch.messages]
            # In a thread: a reader that is slow must not keep the socket from being read.
            await asyncio.to_thread(write_lines, lines)


def _json(event: MessageReceived) -> str:
    document = message_document(event.message)
    return json_line({**document, "via": event.via, "transitMs": event.transit_ms})


def _text(event: MessageReceived) -> str:
    message = event.message
    transit = "" if event.transit_ms is None else f" +{event.transit_ms} ms"
    place = f"{message.region}{transit}"
    head = f"{clock_time(message.sent_at)}  {message.channel}  {message.sender or '-'}  {place}"
    return for_terminal(f"{head}  {message.text}")
