"""What the shell offers after Tab, asked by the protocol of `gan --install-completion`."""

import subprocess
import sys
from pathlib import Path

import pytest

from gancli import catalog
from gancli.cli.main import run

ASK = (
    "import sys; from gancli.cli.main import run\n"
    "try: run(sys.argv[1:])\n"
    "finally: assert 'torch' not in sys.modules, 'Tab waits for torch'"
)


def offered(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """What bash is told for a line whose cursor stands behind its last word."""
    monkeypatch.setenv("_GAN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    with pytest.raises(SystemExit):
        run([])
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gan tr", ["train", "traverse"]),
        ("gan ru", ["runs"]),
        ("gan train wg", ["wgan", "wgan-gp"]),
        ("gan presets show wg", ["wgan", "wgan-gp"]),
        ("gan bench train wg", ["wgan", "wgan-gp"]),
        ("gan train wgan-gp --dataset ", catalog.preset_file("wgan-gp").datasets),
        ("gan train --dataset mn", ["mnist", "mnist32"]),
        ("gan data mn", ["mnist", "mnist32"]),
        (
            "gan train lsgan --dataset mnist --variant ",
            catalog.preset_file("lsgan").variants_on("mnist"),
        ),
        ("gan train nope --variant ", []),
        ("gan train gan --device c", ["cpu", "cuda"]),
        ("gan sample vee", ["veegan"]),
        ("gan explain d", ["discriminator-too-strong", "diverging", "dcgan", "dcgan-r1"]),
        ("gan explain wgan-gp --variant c", ["cnn"]),
        ("gan lab ri", ["ring8", "ring8-veegan"]),
        ("gan lab ring8 --model s", ["sngan"]),
    ],
)
def test_what_is_offered(
    line: str,
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert offered(line, monkeypatch, capsys) == expected


def test_runs_come_before_models_and_the_latest_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("gan-ring8-001", "gan-ring8-010", "gan-ring8-002", "other"):
        (Path("runs") / name).mkdir(parents=True)
    expected = ["gan-ring8-010", "gan-ring8-002", "gan-ring8-001", "gan", "gan-r1"]
    for command in ("sample", "resume", "status", "evaluate", "compare", "traverse"):
        assert offered(f"gan {command} ga", monkeypatch, capsys) == expected


def test_tab_does_not_wait_for_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_GAN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "gan train gan --dataset ")
    monkeypatch.setenv("COMP_CWORD", "4")
    result = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=False
    )
    assert "Tab waits" not in result.stderr
    assert "ring8" in result.stdout.split()


def test_completion_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    with pytest.raises(SystemExit):
        run(["--install-completion", "bash"])
    assert "bash completion installed" in capsys.readouterr().out
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert "_GAN_COMPLETE=complete_bash" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()
