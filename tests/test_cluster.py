"""Cells on a Dask cluster: what they come to, whom a death harms, and what is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from conftest import Gan
from distributed import KilledWorker
from test_collapse_study import SMALL, same

from gancli import __version__
from gancli.checkpoint import RunSettings, load
from gancli.errors import ExitCode, LostProcessError, RunError
from gancli.experiment.cell import CellRequest
from gancli.experiment.cluster import Cluster, scheduler_address
from gancli.experiment.dask_pool import MOST_DEATHS, DaskPool
from gancli.experiment.dask_task import Order, worker_refusal
from gancli.experiment.folder import Experiment
from gancli.experiment.pool import News
from gancli.experiment.spec import CellSpec
from gancli.preset import load_preset

STUDY = ["collapse-study", "--models", "gan,wgan", "--seeds", "2", "--steps", "400", *SMALL]
LOOPBACK = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
WORKER = "gancli.experiment.worker"
Found = TypeVar("Found")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dask://lab:8786", "tcp://lab:8786"),
        ("dask://lab", "tcp://lab:8786"),
        ("tcp://10.0.0.1:99", "tcp://10.0.0.1:99"),
        ("tls://lab:1/", "tls://lab:1"),
        ("dask://[::1]:70", "tcp://[::1]:70"),
    ],
)
def test_addresses_are_read_as_dask_writes_them(typed: str, meant: str) -> None:
    assert scheduler_address(typed) == meant


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--on", "lab:8786"], "give dask://HOST:PORT"),
        (["--on", "ssh://lab:8786"], "give dask://HOST:PORT"),
        (["--on", "dask://"], "give dask://HOST:PORT"),
        (["--on", "dask://lab:99999"], "give dask://HOST:PORT"),
        (["--on", "dask://me@lab:8786"], "give dask://HOST:PORT"),
        (["--on", "dask://lab:8786", "--jobs", "2"], "mutually exclusive"),
        (["--on", "tls://127.0.0.1:1"], "needs certificates (they are not set)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_address_gets_a_sentence(arguments: list[str], expected: str, gan: Gan) -> None:
    code, _, said = gan(*STUDY, *arguments)
    assert (code, expected in said, said.count("\n")) == (ExitCode.USAGE, True, 1), said


def test_without_dask_it_says_what_to_install(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, said = gan(*STUDY, "--on", "dask://127.0.0.1:1")
    assert (code, "pip install 'gancli[cluster]'" in said) == (ExitCode.USAGE, True), said
    assert not Path("runs").exists()


def test_no_scheduler_there_gets_a_sentence(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gancli.experiment.cluster.CONNECT_SECONDS", 0.2)
    code, _, said = gan(*STUDY, "--on", "dask://127.0.0.1:1")
    assert (code, said.count("\n")) == (ExitCode.NETWORK, 1), said
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in said


def test_a_worker_without_the_folder_or_of_another_version_is_refused() -> None:
    Path("token").touch()
    assert worker_refusal(str(Path("token").absolute()), __version__) == ""
    assert "does not see /nowhere:" in worker_refusal("/nowhere/token", __version__)
    assert worker_refusal("token", "0.0.1").startswith(f"has gancli {__version__}, and the command")


class Future:
    """A task, as a client sees it; what a scheduler would do with it is set by hand."""

    def __init__(self, key: str) -> None:
        self.key, self.status = key, "pending"
        self.outcome: object = None

    def end(self, outcome: object) -> None:
        """With what it returns, or raises."""
        self.status, self.outcome = "finished", outcome
        if isinstance(outcome, Exception):
            self.status = "error"

    def result(self, timeout: float) -> object:
        del timeout
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Client:
    """A client without a cluster: `act` is called with each task that is submitted."""

    status = "running"

    def __init__(self, act: "Callable[[Client, Future, Order], None]") -> None:
        self.act, self.submitted = act, list[dict[str, Any]]()
        self.answers: dict[str, object] = {}
        self.workers: dict[str, dict[str, Any]] = {}

    def run(self, *arguments: object, on_error: str) -> dict[str, object]:
        del arguments, on_error
        return self.answers

    def subscribe_topic(self, topic: str, handler: Callable[[tuple[int, object]], None]) -> None:
        del topic
        self.handler = handler

    def submit(self, function: object, order: Order, key: str, **options: object) -> Future:
        del function
        future = Future(key)
        self.submitted.append({"key": key, "order": order, **options})
        self.act(self, future, order)
        return future

    def say(self, future: Future, order: Order, words: dict[str, object]) -> None:
        """As a worker does."""
        said = {"cell": order.name, "key": future.key, "words": words, "has_left": False}
        self.handler((0, said))

    def cancel(self, futures: Sequence[Future]) -> None:
        self.cancelled = [future.key for future in futures]

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        del n_workers
        return {"workers": self.workers}


def request_of(device: str = "cpu") -> CellRequest:
    settings = RunSettings.model_validate({"seed": 0, "device": device, "threads": 1})
    cell = CellSpec(name="x-seed-0", preset=load_preset("gan", "ring8"), settings=settings)
    return CellRequest(cell=cell, folder="e/cells/x-seed-0", data="data", cache="cache")


def news_of_run(client: Client, request: CellRequest | None = None) -> list[News]:
    Path("e/cells/x-seed-0").mkdir(parents=True, exist_ok=True)
    told: list[News] = []
    cluster = Cluster(client, "tcp://lab:1")  # type: ignore[arg-type]
    pool = DaskPool(Experiment(Path("e")), cluster, told.append)
    pool.run([request or request_of()], lambda: False)
    assert not list(Path("e").glob(".shared*"))
    return told


def death() -> KilledWorker:
    return KilledWorker("key", None, 3)  # type: ignore[arg-type]


def test_a_cell_that_never_began_is_submitted_again_after_deaths() -> None:
    """Dask gives up what was queued on a worker that died, too."""

    def die(client: Client, future: Future, order: Order) -> None:
        del order
        future.end(death() if len(client.submitted) < 3 else ("failed", "too hot"))
        Path("e/cells/x-seed-0/outcome.json").write_text('{"seconds": 1, "reason": "too hot"}')

    client = Client(die)
    told = news_of_run(client)
    assert [news.state for news in told] == ["waiting", "waiting", "failed"]
    assert told[-1].reason == "too hot"
    assert len({each["key"] for each in client.submitted}) == 3
    assert not any(each["pure"] for each in client.submitted)


def test_a_cell_that_kills_its_workers_fails() -> None:
    def die(client: Client, future: Future, order: Order) -> None:
        client.say(future, order, {"step": 3})
        future.end(death())

    client = Client(die)
    told = news_of_run(client)
    assert [news.state for news in told] == ["running", "failed"]
    assert told[-1].reason == "its worker died 4 times (out of memory?)"
    outcome = Experiment(Path("e")).cell("x-seed-0").outcome()
    assert outcome is not None
    assert not outcome.repeatable


def test_a_cell_that_gets_on_is_submitted_again_five_times() -> None:
    def die(client: Client, future: Future, order: Order) -> None:
        client.say(future, order, {"step": 3})
        future.end(death())

    def reach(news: News) -> None:
        if news.state == "running":
            step = len(client.submitted)
            folder = Path("e/cells/x-seed-0/checkpoints")
            folder.mkdir(exist_ok=True)
            (folder / f"step-{step:09d}.safetensors").touch()

    client = Client(die)
    Path("e/cells/x-seed-0").mkdir(parents=True)
    cluster = Cluster(client, "tcp://lab:1")  # type: ignore[arg-type]
    DaskPool(Experiment(Path("e")), cluster, reach).run([request_of()], lambda: False)
    assert len(client.submitted) == 1 + MOST_DEATHS


def test_a_scheduler_that_goes_is_told_of_and_so_is_a_worker_that_cannot() -> None:
    def lose(client: Client, future: Future, order: Order) -> None:
        del order
        future.status = "cancelled"
        client.status = "connecting"

    with pytest.raises(LostProcessError, match=r"tcp://lab:1 has gone.*rerun"):
        news_of_run(Client(lose))
    for answer, expected in (
        ("does not see /e: start", "the worker at tcp://b:2 does not see"),
        (ModuleNotFoundError("No module named 'gancli'"), "the worker at tcp://b:2 cannot run"),
    ):
        client = Client(lose)
        client.answers = {"tcp://a:1": "", "tcp://b:2": answer}
        with pytest.raises(RunError, match=expected):
            news_of_run(client)
        assert not client.submitted
    # One that came later refuses its first cell.
    late = Client(lambda client, future, order: future.end(RunError("the worker at c does not")))
    with pytest.raises(RunError, match="the worker at c does not"):
        news_of_run(late)


def test_cells_of_a_gpu_ask_for_workers_with_one() -> None:
    def end(client: Client, future: Future, order: Order) -> None:
        del client, order
        future.end(("error", "no matter"))

    for device, wanted in (("cpu", None), ("cuda", {"gpu": 1})):
        client = Client(end)
        news_of_run(client, request_of(device))
        (submitted,) = client.submitted
        assert submitted["resources"] == wanted
        sent = CellRequest.model_validate_json(submitted["order"].request)
        assert sent.folder == str(Path("e/cells/x-seed-0").absolute())
        assert sent.data == str(Path("data").absolute())
    cluster = Cluster(client, "tcp://lab:1")  # type: ignore[arg-type]
    assert cluster.slots(on_gpu=True) == 0
    client.workers = {"a": {"nthreads": 3, "resources": {}}}
    assert cluster.slots(on_gpu=False) == 3
    with pytest.raises(RunError, match="--resources gpu=1"):
        cluster.slots(on_gpu=True)
    client.workers["b"] = {"nthreads": 4, "resources": {"gpu": 2.0}}
    assert cluster.slots(on_gpu=True) == 2


class Machines:
    """A scheduler and its workers, on loopback alone."""

    def __init__(self) -> None:
        self.place = Path("scheduler.json").absolute()
        self.started: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start("scheduler", "--port", "0")
        self.address = wait_for(self.read_address)

    def start(self, what: str, *arguments: str, within: Sequence[str] = ()) -> psutil.Process:
        command = [sys.executable, "-m", "dask", what, *LOOPBACK, *arguments]
        place = ["--scheduler-file", str(self.place)]
        with Path(f"{what}-{len(self.started)}.log").open("wb") as log:
            self.started.append(
                subprocess.Popen([*within, *command, *place], stdout=log, stderr=log)
            )
        return psutil.Process(self.started[-1].pid)

    def start_worker(self, *within: str) -> psutil.Process:
        return self.start("worker", "--nthreads", "1", "--memory-limit", "0", within=within)

    def read_address(self) -> str:
        try:
            return str(json.loads(self.place.read_text())["address"]).replace("tcp", "dask")
        except (OSError, ValueError):
            return ""

    def processes(self) -> list[psutil.Process]:
        found = [psutil.Process(each.pid) for each in self.started if each.poll() is None]
        return found + [below for each in found for below in descendants(each)]

    def open_ports(self) -> set[str]:
        """The addresses that they listen at."""
        return {
            connection.laddr.ip
            for process in self.processes()
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }

    def end(self) -> None:
        for process in reversed(self.processes()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for each in self.started:
            each.wait()


def descendants(process: psutil.Process) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        found += process.children(recursive=True)
    return found


@pytest.fixture
def machines() -> Iterator[Machines]:
    made = Machines()
    try:
        yield made
    finally:
        made.end()


def cells_of(folder: str) -> list[psutil.Process]:
    """The processes that have a file of an experiment, or of a cell, open."""
    place = str(Path(folder).absolute())
    found = []
    for process in psutil.process_iter():
        try:
            if WORKER in process.cmdline() and any(
                file.path.startswith(place) for file in process.open_files()
            ):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def wait_for(look: Callable[[], Found], seconds: float = 300) -> Found:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def await_measured(study: subprocess.Popen[str], cell: str, step: int) -> None:
    file = Path("far/cells") / cell / "measures.jsonl"

    def look() -> bool:
        assert study.poll() is None, study.communicate()
        return file.exists() and f'"step": {step}' in file.read_text()

    wait_for(look)


def type_it(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gancli", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_comes_to_the_same(machines: Machines, gan: Gan) -> None:
    for _ in range(2):
        machines.start_worker()
    often = "--set=schedule.checkpoint_every=100"
    study = type_it(*STUDY, often, "--out", "far", "--on", machines.address)
    await_measured(study, "wgan-seed-0", 240)
    assert machines.open_ports() == {"127.0.0.1"}
    assert not [c for c in psutil.Process(study.pid).net_connections() if c.status == "LISTEN"]
    (victim,) = cells_of("far/cells/wgan-seed-0")
    os.kill(victim.ppid(), signal.SIGKILL)
    out, said = study.communicate(timeout=300)
    assert (study.returncode, said) == (0, "")
    assert "2 at a time on tcp://127.0.0.1:" in out
    # The cell went on from its checkpoint.
    assert out.count("wgan-seed-0: step 80/400") == 1, out
    wait_for(lambda: not [p for p in machines.processes() if WORKER in p.cmdline()], 60)
    assert gan(*STUDY, often, "--out", "near", "--jobs", 2)[0] == 0
    assert same("far") == same("near")
    for name in ("gan-seed-0", "wgan-seed-0", "gan-seed-1", "wgan-seed-1"):
        first, second = (
            load(Experiment(Path(folder)).cell(name).run.checkpoint()) for folder in ("far", "near")
        )
        assert first.tensors.keys() == second.tensors.keys()
        assert all((t == second.tensors[at]).all() for at, t in first.tensors.items())
    assert not list(Path("far").glob(".shared*"))


@pytest.mark.slow
def test_neither_ctrl_c_nor_a_dead_scheduler_leaves_a_process(machines: Machines) -> None:
    for _ in range(2):
        machines.start_worker()
    endless = [*STUDY, "--steps", "100000", "--out", "far", "--on", machines.address]
    names = ("gan-seed-0", "wgan-seed-0")
    runs = [Experiment(Path("far")).cell(name).run for name in names]

    study = type_it(*endless)
    for name in names:
        await_measured(study, name, 100)
    study.send_signal(signal.SIGINT)
    _, said = study.communicate(timeout=300)
    assert study.returncode == ExitCode.INTERRUPTED
    assert "rerun the same command to go on" in said
    assert cells_of("far") == []
    reached = [max(run.checkpoints()) for run in runs]
    assert min(reached) >= 100

    study = type_it(*endless)
    for name, step in zip(names, reached, strict=True):
        await_measured(study, name, step // 100 * 100 + 200)
    machines.scheduler.kill()
    out, said = study.communicate(timeout=300)
    assert (study.returncode, said.count("\n")) == (ExitCode.LOST_PROCESS, 1), said
    assert "has gone: the cells save their state in far and leave; once it is back" in said
    assert "Traceback" not in out
    wait_for(lambda: cells_of("far") == [], 60)
    assert all(max(run.checkpoints()) > before for run, before in zip(runs, reached, strict=True))


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="a worker with disks of its own needs root")
def test_a_worker_that_does_not_share_the_folder_is_told_of(machines: Machines, gan: Gan) -> None:
    hidden = Path.cwd() / "e"
    hidden.mkdir()
    other = f'mount -t tmpfs tmpfs {hidden} && exec "$@"'
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("this machine does not let root have disks of its own")
    machines.start_worker("unshare", "-m", "sh", "-c", other, "sh")
    log = Path("worker-1.log")
    wait_for(lambda: "Registered" in log.read_text())
    code, _, said = gan(*STUDY, "--out", "e/study", "--on", machines.address)
    assert (code, said.count("\n")) == (ExitCode.RUN, 1), said
    assert "the worker at tcp://127.0.0.1:" in said
    assert f"does not see {hidden}/study: start it where that folder is mounted" in said
