"""Runs the cloud in this process until it is asked to end, is interrupted, or has been idle long enough."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from globalchat.core.clock import MonotonicClock, now_ms
from globalchat.core.errors import UserError
from globalchat.core.files import FileLock, unwritable
from globalchat.core.gc_tuning import freeze_gc
from globalchat.localcloud.appsync import environment
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.deliveries import DeliverySettings
from globalchat.localcloud.interfaces import AppSyncErrors
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.process import launch, state
from globalchat.localcloud.process.control_server import (
    control_app,
    dead_letter_routes,
    fault_routes,
    listening,
    people_routes,
)
from globalchat.localcloud.process.state import CloudState
from globalchat.localcloud.provisioning import assembly
from globalchat.localcloud.resources import dynamodb
from globalchat.localcloud.server.acceptor import Usage, raise_open_files
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.loopback import Certificates, make_certificates

_OTHER_ENDS_SECONDS = 5.0
"""Seconds for another cloud that is ending."""

Announce = Callable[[CloudState], None]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to serve.

    Attributes:
        folder: The folder of the state file: one cloud per folder.
        templates: A cloud assembly instead of the packaged one.
        port: The first region's port; the other regions follow. None chooses free ports.
        idle_seconds: End after this long without use; None never ends.
        appsync_errors: How EventBridge treats an AppSync answer with errors; AWS does not document it.
        tls: Serve the regions over https and wss, with a certificate made at start.
        started_by_command: Another command waits for this process and holds the start lock for it.
    """

    folder: Path
    templates: Path | None = None
    port: int | None = None
    idle_seconds: float | None = None
    appsync_errors: AppSyncErrors = "ignored"
    tls: bool = False
    started_by_command: bool = False


def serve(options: ServeOptions, *, announce: Announce) -> None:
    """Serve until the end; `announce` is called once, when the cloud is ready.

    Raises:
        UserError: one runs already in this folder, the templates are refused, or a port is taken.
    """
    state.prepare_folder(options.folder)
    raise_open_files()
    with ExitStack() as starting:
        # A command that starts this process holds the lock already, and waits for us.
        if not options.started_by_command:
            starting.enter_context(launch.hold_start_lock(options.folder))
        held = _lock_folder(options.folder)

        def ready(running: CloudState) -> None:
            # Only now may other commands look for it: they find a cloud that answers.
            starting.close()
            announce(running)

        with held:
            try:
                tls = make_certificates(options.folder) if options.tls else None
                asyncio.run(_serve(options, tls, ready))
            except TemplateError as error:
                raise _refused(error) from error


def _refused(error: TemplateError) -> UserError:
    message = "The local cloud refuses its templates: "
    if len(error.sentences) == 1:
        return UserError(message + error.sentences[0], remedy=error.remedy)
    count = f"{len(error.sentences)} problems."
    return UserError(message + count, remedy=error.remedy, details=error.sentences)


def _lock_folder(folder: Path) -> FileLock:
    """Lock the folder for this cloud; wait for another one that is ending.

    Raises:
        UserError: another runs, or the lock cannot be written.
    """
    lock = folder / launch.CLOUD_LOCK
    running = launch.find(folder)
    try:
        held = None if running else FileLock.acquire(lock, wait=_OTHER_ENDS_SECONDS)
        if held is not None:
            # Before the cloud is ready, the signal to write its state file again would end it.
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            held.sign()
    except OSError as error:
        raise unwritable(lock, error) from error
    if held is None:
        running = running or launch.look(folder)
        process = running.pid if running else launch.holding(folder)
        raise UserError(f"A local cloud (process {process}) runs already.", remedy=launch.END_REMEDY)
    return held


async def _serve(options: ServeOptions, tls: Certificates | None, announce: Announce) -> None:
    stores = assembly.read(options.templates).has_resource(dynamodb.TABLE.name)
    since = state.history_since(options.folder, stores=stores, now=now_ms() // 1000)
    chosen = CloudOptions(
        delivery=DeliverySettings(appsync_errors=options.appsync_errors),
        tls=tls.context if tls else None,
        tables_file=options.folder / state.TABLES,
        environment_file=options.folder / environment.FILE_NAME,
        events_file=options.folder / state.EVENTS,
        history_since=since,
    )
    async with LocalCloud.open(options.templates, _ports(options), options=chosen) as cloud:
        stopping = asyncio.Event()
        nonce, token = secrets.token_hex(32), secrets.token_hex(32)
        app = control_app(
            nonce=nonce,
            admin_token=token,
            status=_status(cloud, options.idle_seconds),
            stop=stopping.set,
            used=cloud.usage.touch,
            routes=[
                *fault_routes(cloud.faults),
                *dead_letter_routes(cloud.events),
                *people_routes(cloud.people),
            ],
        )
        async with listening(app) as port:
            authority = str(tls.authority) if tls else None
            running = replace(_describe(cloud, port, nonce, token), ca_certificate=authority)

            def write_state() -> None:
                if not stopping.is_set():  # Otherwise commands would still try to use a cloud that is ending.
                    state.write(options.folder, running)

            # Before the file is written: a command that reads it may send a signal at once.
            _handle_signals(stopping, write_state)
            # Templates, schemas and resolvers live as long as the process: no collection need visit them.
            freeze_gc(server=True)
            write_state()
            try:
                announce(running)
                await _until(stopping, cloud.usage, options.idle_seconds)
            finally:
                # Before the regions end, so that no command joins a cloud that is ending.
                state.remove(options.folder)


async def _until(stopping: asyncio.Event, usage: Usage, limit: float | None) -> None:
    """Wait until the end is requested, or the cloud has been idle long enough."""

    async def stop_when_idle(seconds: float) -> None:
        await wait_until_idle(usage, clock=time.monotonic, limit=seconds)
        stopping.set()

    async with asyncio.TaskGroup() as tasks:
        watcher = None if limit is None else tasks.create_task(stop_when_idle(limit))
        await stopping.wait()
        if watcher is not None:
            watcher.cancel()


def _handle_signals(stopping: asyncio.Event, write_state: Callable[[], None]) -> None:
    """End the cloud at SIGTERM and SIGHUP (a lost terminal); write a lost state file again at SIGUSR1."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, stopping.set)
    loop.add_signal_handler(signal.SIGUSR1, write_state)


def _ports(options: ServeOptions) -> list[int] | None:
    if options.port is None:
        return None
    regions = {stack.region for stack in assembly.read(options.templates).stacks}
    return [options.port + index for index in range(len(regions))]


def _status(cloud: LocalCloud, limit: float | None) -> Callable[[], Mapping[str, JSON]]:
    started = time.monotonic()

    def status() -> Mapping[str, JSON]:
        rules = cloud.events.counters.values()
        return {
            "uptimeSeconds": round(time.monotonic() - started, 1),
            "openSockets": cloud.usage.open_sockets,
            "idleSeconds": limit,
            "deadLetters": sum(len(letters) for letters in cloud.events.dead_letters.values()),
            # Deliveries that failed permanently; of these, events that no queue accepted.
            "failedDeliveries": sum(rule["FailedInvocations"] for rule in rules),
            "droppedEvents": sum(rule["Dropped"] + rule["InvocationsFailedToBeSentToDlq"] for rule in rules),
            "graphqlErrors": sum(rule["GraphQLErrors"] for rule in rules),
            # Messages that were delivered, but not stored.
            "failedPuts": cloud.failed_table_operations.get("PutItem", 0),
            "faults": len(cloud.faults.active),
        }

    return status


def _describe(cloud: LocalCloud, control_port: int, nonce: str, admin_token: str) -> CloudState:
    return CloudState(
        pid=os.getpid(),
        started_at=now_ms(),
        control_port=control_port,
        nonce=nonce,
        admin_token=admin_token,
        access_key_id=cloud.admin.access_key,
        secret_access_key=cloud.admin.secret_key,
        aws_endpoint_url=cloud.aws_url,
        regions=cloud.regions,
        notices=cloud.notices,
    )


def seconds_left(usage: Usage, *, now: float, limit: float) -> float:
    """Return the seconds for which the cloud may stay idle; 0 or less if it should end.

    An open socket keeps it alive.
    """
    if usage.open_sockets:
        return limit
    return usage.last_used + limit - now


async def wait_until_idle(usage: Usage, *, clock: MonotonicClock, limit: float) -> None:
    """Return once the cloud has been idle for `limit` seconds.

    Checking again only when the limit may have passed is exact: anything that happens meanwhile only
    postpones the end.
    """
    while (left := seconds_left(usage, now=clock(), limit=limit)) > 0:  # noqa: ASYNC110 - see above
        await asyncio.sleep(left)
