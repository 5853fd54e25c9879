"""`gan push`, `gan pull` and `hf:OWNER/NAME`, against a small hub on the loopback interface."""

import json
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
from conftest import Gan
from helpers import every_preset, job, narrow, real_images, toy_extractor
from hub_server import TOKEN, HubServer, hub_server

import gancli
from gancli.checkpoint import load, read_header, save
from gancli.hub import repository
from gancli.preset import load_preset
from gancli.runs.folder import Run
from gancli.sharing.private import public
from gancli.trainer import Trainer

RING = ("gan", "ring8", "reference")
CHECKPOINT = "checkpoints/step-000008.safetensors"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    with hub_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder that holds everything, under a name that no other text has."""
    folder = tmp_path / "home-of-jane-doe"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GANCLI_RUNS", str(folder / "secret-runs"))
    monkeypatch.chdir(folder)
    return folder


def ring_run(folder: Path) -> Run:
    work = job(narrow(RING), folder)
    Trainer(work).train()
    return work.run


def served(hub: HubServer, name: str) -> dict[str, bytes]:
    return hub.files[name]


def metadata(page: str) -> dict[str, Any]:
    said = import_module("yaml").safe_load(page.split("---\n")[1])
    assert isinstance(said, dict)
    return said


def points_of(gan: Gan, run: object, out: str) -> list[list[float]]:
    code, _, err = gan("sample", run, "--count", 6, "--out", f"{out}.npz")
    assert code == 0, err
    found: list[list[float]] = np.load(f"{out}.npz")["points"].tolist()
    return found


def test_a_run_comes_back_whole(hub: HubServer, gan: Gan) -> None:
    run = ring_run(Path("runs/gan-ring8-001"))
    assert gan("evaluate", run.folder, "--modes")[0] == 0
    code, out, err = gan("push", run.folder, "me/ring", "--license", "mit")
    assert code == 0, err
    assert f"{hub.address}/me/ring" in out
    assert set(served(hub, "me/ring")) == {
        *("README.md", "samples.png", "preset.toml", "metrics.jsonl", "evaluation.json"),
        CHECKPOINT,
    }
    code, out, err = gan("pull", "hf:me/ring")
    assert code == 0, err
    pulled = Run(Path("runs/gan-ring8-002"))
    assert str(pulled.folder) in out
    before, after = load(run.checkpoint()), load(pulled.checkpoint())
    assert after.header == before.header
    assert before.tensors.keys() == after.tensors.keys()
    assert all(t.equal(after.tensors[name]) for name, t in before.tensors.items())
    assert pulled.metrics() == run.metrics()
    assert pulled.report_file.is_file() and not pulled.checkpoint().is_symlink()
    assert points_of(gan, run.folder, "a") == points_of(gan, pulled.folder, "b")
    assert points_of(gan, "hf:me/ring", "c") == points_of(gan, run.folder, "d")
    assert gan("evaluate", pulled.folder, "--modes")[0] == 0
    assert gan("status", pulled.folder)[0] == 0


def test_a_pulled_run_goes_on_as_if_it_had_stayed(hub: HubServer, gan: Gan) -> None:
    """Trained further, original and copy have the same weights to the bit."""
    run = Run(Path("original"))
    small = [f"--set={each}" for each in ("schedule.batch_size=16", "schedule.checkpoint_every=4")]
    code, _, err = gan(
        "train", "gan", "--dataset", "ring8", "--steps", 6, *small, "--out", "original"
    )
    assert code == 0, err
    code, _, err = gan("push", "original", "me/ring", "--checkpoint", 4)
    assert code == 0, err
    assert gan("pull", "hf:me/ring", "--out", "copy")[0] == 0
    assert max(row["step"] for row in Run(Path("copy")).metrics()) <= 4
    code, out, err = gan("resume", "copy")
    assert code == 0 and "step 4" in out, err
    ours, theirs = load(run.checkpoint()), load(Run(Path("copy")).checkpoint())
    assert ours.header.step == theirs.header.step == 6
    assert all(t.equal(theirs.tensors[name]) for name, t in ours.tensors.items())


def test_the_page_says_what_the_report_says(hub: HubServer, gan: Gan) -> None:
    run = ring_run(Path("runs/gan-ring8-001"))
    assert gan("evaluate", run.folder, "--modes")[0] == 0
    assert gan("push", run.folder, "me/ring", "--license", "cc-by-4.0")[0] == 0
    page = served(hub, "me/ring")["README.md"].decode()
    said = metadata(page)
    assert (said["library_name"], said["license"]) == ("gancli", "cc-by-4.0")
    assert {"gan", "ring8"} <= set(said["tags"])
    assert "pipeline_tag" not in said and "datasets" not in said, "points are no images"
    found = json.loads(run.evaluation_file.read_text())[0]
    metrics = {e["type"]: e["value"] for e in said["model-index"][0]["results"][0]["metrics"]}
    assert metrics["modes_held"] == found["scores"]["modes_held"]
    assert "prior.z\\_dim | 4 | 256" in page, "deviations"
    assert f"{found['protocol']['count']:,} generated points" in page
    assert "![samples](samples.png)" in page
    assert served(hub, "me/ring")["samples.png"].startswith(b"\x89PNG")


def test_images_have_the_hubs_words(
    hub: HubServer, gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = toy_extractor(3 * 32 * 32)
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: toy)
    work = job(narrow(("acgan", "cifar10", "lite")), Path("run"))
    Trainer(work).train()
    real_images(Path("photos"))
    options = ("--reference", "photos", "--fid", "--count", 30)
    code, _, err = gan("evaluate", "run", *options)
    assert code == 0, err
    assert gan("push", "run", "hf:me/acgan")[0] == 0
    page = served(hub, "me/acgan")["README.md"].decode()
    said = metadata(page)
    assert said["pipeline_tag"] == "unconditional-image-generation"
    assert said["datasets"] == ["cifar10"]
    assert "conditional-image-generation" in said["tags"] and "license" not in said
    assert said["model-index"][0]["results"][0]["metrics"][0]["type"] == "fid"
    assert "label: 0 to 9" in page


def test_nothing_uploaded_names_the_owners_machine(
    hub: HubServer, gan: Gan, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in any byte: own images and a reference at a path leave the last part of their names."""
    toy = toy_extractor(3 * 32 * 32)
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: toy)
    real_images(home / "my holiday photos")
    real_images(home / "other photos")
    code, _, err = gan(
        *("train", "dcgan", "--dataset", home / "my holiday photos", "--image-size", 32),
        *("--steps", 4, "--set", "network.dim=4", "--set", "schedule.batch_size=4"),
    )
    assert code == 0, err
    (run,) = (path for path in (home / "secret-runs").iterdir() if path.is_dir())
    code, _, err = gan(
        *("evaluate", run, "--reference", home / "other photos", "--fid", "--count", 20)
    )
    assert code == 0, err
    Run(run).log({"step": 4, "note": f"see {run}/report.html, or {home}/other photos"})
    for generator_only in ((), ("--generator-only",)):
        code, _, err = gan("push", run, "me/photos", *generator_only)
        assert code == 0, err
        contents = [*served(hub, "me/photos").values(), *hub.bodies]
        for place in (str(home), "jane-doe", str(run), "secret-runs"):
            assert not [c for c in contents if place.encode() in c], place
        texts = [c for n, c in served(hub, "me/photos").items() if n.endswith(("l", "md", "n"))]
        assert len(texts) == 4 and not [c for c in texts if b"~/" in c]
        assert b"my holiday photos" in served(hub, "me/photos")["preset.toml"]
    code, _, err = gan("pull", "hf:me/photos", "--out", "alone")
    assert code == 0, err
    assert "~/" not in read_header(Run(Path("alone")).checkpoint()).model_dump_json()


def test_own_images_are_named_again(hub: HubServer, gan: Gan, home: Path) -> None:
    real_images(home / "photos")
    train = ("train", "dcgan", "--dataset", home / "photos", "--image-size", 16, "--out", "run")
    small = ("--set", "network.dim=4", "--set", "schedule.batch_size=4")
    assert gan(*train, "--steps", 2, *small)[0] == 0
    assert gan("push", "run", "me/photos")[0] == 0
    assert gan("pull", "hf:me/photos", "--out", "copy")[0] == 0
    assert gan("sample", "copy", "--count", 2)[0] == 0
    preset = Path("copy/preset.toml")
    longer = preset.read_text().replace("steps = 2", "steps = 4")
    preset.write_text(longer)
    again = ("train", preset, "--out", "copy", "--resume", "--allow-changes")
    code, _, err = gan(*again)
    assert code == 3 and "photos" in err
    code, _, err = gan(*again, "--dataset", home / "photos")
    assert code == 0, err


def test_a_generator_alone(hub: HubServer, gan: Gan) -> None:
    work = job(narrow(("sagan", "cifar10", "lite")), Path("run"))
    Trainer(work).train()
    assert gan("push", "run", "me/sagan")[0] == 0
    whole = len(served(hub, "me/sagan")[CHECKPOINT])
    assert gan("push", "run", "me/sagan", "--generator-only")[0] == 0
    alone = served(hub, "me/sagan")[CHECKPOINT]
    assert len(alone) < whole
    assert {name.partition(".")[0] for name in safetensors.torch.load(alone)} == {"ema"}
    code, out, err = gan("pull", "hf:me/sagan", "--out", "copy")
    assert code == 0 and "generator alone" in out, err
    assert "gan pull" not in served(hub, "me/sagan")["README.md"].decode()
    ours, theirs = gancli.load("run"), gancli.load("copy")
    assert ours.sample(4).equal(theirs.sample(4))
    assert theirs.sample(4).equal(gancli.load("hf:me/sagan").sample(4))
    for command in (("traverse", "copy", "--axis", "label"), ("export", "copy")):
        code, _, err = gan(*command)
        assert code == 0, err
    code, _, err = gan("resume", "copy")
    assert code == 4 and "generator alone" in err and err.count("\n") == 1
    code, _, err = gan("train", "copy/preset.toml", "--out", "copy", "--resume")
    assert code == 4 and "generator alone" in err
    code, out, err = gan("train", "copy/preset.toml", "--from", "copy", "--steps", 1)
    assert code == 0 and "the discriminator starts afresh, as it is not there" in err + out, err
    code, _, err = gan("sample", "copy", "--count", 2, "--raw")
    assert code == 4 and "leave out --raw" in err
    assert gan("push", "copy", "me/again")[0] == 0, "it can be passed on"


def test_a_later_push_takes_the_place_of_an_earlier_one(hub: HubServer, gan: Gan) -> None:
    run = ring_run(Path("run"))
    assert gan("push", run.folder, "me/ring")[0] == 0
    assert gan("push", run.folder, "me/ring", "--checkpoint", 5)[0] == 0
    found = [name for name in served(hub, "me/ring") if name.startswith("checkpoints/")]
    assert found == ["checkpoints/step-000005.safetensors"]
    assert gan("pull", "hf:me/ring", "--out", "copy")[0] == 0
    assert read_header(Run(Path("copy")).checkpoint()).step == 5


def test_what_is_not_a_runs_stays_on_the_hub(hub: HubServer, gan: Gan) -> None:
    run = ring_run(Path("run"))
    assert gan("push", run.folder, "me/ring")[0] == 0
    served(hub, "me/ring")["model.pkl"] = b"cos\nsystem\n"
    served(hub, "me/ring")["checkpoints/evil.bin"] = b"x"
    assert gan("pull", "hf:me/ring", "--out", "copy")[0] == 0
    names = {path.name for path in Path("copy").rglob("*")}
    assert not names & {"model.pkl", "evil.bin"}
    assert not [call for call in hub.calls if "evil" in call or "pkl" in call]


def test_a_damaged_download_leaves_nothing(hub: HubServer, gan: Gan) -> None:
    run = ring_run(Path("run"))
    assert gan("push", run.folder, "me/ring")[0] == 0
    files = served(hub, "me/ring")
    files[CHECKPOINT] = files[CHECKPOINT][:-1] + bytes([files[CHECKPOINT][-1] ^ 1])
    code, _, err = gan("pull", "hf:me/ring", "--out", "copy")
    assert code == 4 and "damaged" in err
    assert not Path("copy").exists()


def test_a_private_repository(hub: HubServer, gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ring_run(Path("run"))
    assert gan("push", run.folder, "me/hidden", "--private")[0] == 0
    assert hub.private == {"me/hidden": True}
    monkeypatch.setenv("HF_TOKEN", "another")
    code, _, err = gan("pull", "hf:me/hidden", "--out", "copy")
    assert code == 5 and "no such repository" in err and err.count("\n") == 1


def test_without_the_hub(
    hub: HubServer, gan: Gan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One sentence with the alternative; what is in the cache still works."""
    run = ring_run(Path("run"))
    assert gan("push", run.folder, "me/ring")[0] == 0
    points = points_of(gan, "hf:me/ring", "a")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert points_of(gan, "hf:me/ring", "b") == points
    code, _, err = gan("pull", "hf:me/other")
    assert code == 5 and "in another way" in err and err.count("\n") == 1
    code, _, err = gan("push", run.folder, "me/ring")
    assert code == 5 and "--out DIR" in err and err.count("\n") == 1
    assert [path.name for path in run.folder.iterdir() if "upload" in path.name] == []
    code, _, err = gan("push", run.folder, "me/ring", "--out", "to-upload")
    assert code == 0, err
    shutil.copytree("to-upload", "copied")
    assert points_of(gan, "copied", "c") == points
    code, _, err = gan("push", run.folder, "me/ring", "--out", "to-upload")
    assert code == 4 and "exists" in err


def test_refusals_are_sentences(hub: HubServer, gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ring_run(Path("run"))
    cases: list[tuple[tuple[object, ...], int, str]] = [
        (("pull", "me"), 2, "write hf:OWNER/NAME"),
        (("pull", "hf:me/ring/file"), 2, "write hf:OWNER/NAME"),
        (("pull", "hf:me/nothing"), 5, "no such repository"),
        (("sample", "hf:me/nothing"), 5, "no such repository"),
        (("resume", "hf:me/ring"), 2, "gan pull hf:me/ring"),
        (("push", run.checkpoint(), "me/ring"), 2, "name the folder of its run"),
        (("push", "nothing", "me/ring"), 4, "no run 'nothing'"),
    ]
    hub.files["me/empty"] = {"README.md": b"not a run"}
    cases.append((("pull", "hf:me/empty"), 4, "no checkpoint of gancli"))
    for words, wanted, said in cases:
        code, _, err = gan(*words)
        assert (code, err.count("\n")) == (wanted, 1) and said in err, err
    code, _, err = gan("push", run.folder, "me/licensed", "--license", "no-such")
    assert code == 5 and "must be one of apache-2.0, mit" in err and err.count("\n") == 1
    monkeypatch.setenv("HF_TOKEN", "wrong")
    code, _, err = gan("push", run.folder, "me/ring")
    assert code == 5 and "hf auth login" in err and err.count("\n") == 1
    assert "me/ring" not in hub.files


def test_without_the_package(hub: HubServer, gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ring_run(Path("run"))
    monkeypatch.setattr("gancli.hub.find_spec", lambda _: None)
    for words in (("push", run.folder, "me/x"), ("pull", "hf:me/x"), ("sample", "hf:me/x")):
        code, out, err = gan(*words)
        assert code == 2 and "pip install 'gancli[hub]'" in err and err.count("\n") == 1
        assert not out and not hub.calls


def test_a_file_with_a_private_place_is_refused(hub: HubServer, gan: Gan, home: Path) -> None:
    """Should a path get past everything else, e.g. as a class's name, nothing is uploaded."""
    run = ring_run(home / "run")
    saved = load(run.checkpoint())
    named = saved.header.preset.model_copy(update={"summary": f"x{home}"})
    save(run.checkpoint(), saved.header.model_copy(update={"preset": named}), saved.tensors)
    code, _, err = gan("push", "run", "me/ring")
    assert code == 4 and str(home) in err and "nothing is passed on" in err
    assert not hub.files


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/jane/my photos", "my photos"),
        ("~/photos/a.npz", "a.npz"),
        (r"C:\Users\jane\photos", "photos"),
        ("cifar10", "cifar10"),
        ("/home/jane/x, train split, 3f", "x, train split, 3f"),
        ("type gan sample /home/jane/runs/gan-001", "type gan sample gan-001"),
        ("see https://arxiv.org/abs/1609.04468", "see https://arxiv.org/abs/1609.04468"),
        ("U(-1/sqrt(fan_in), 1/sqrt(fan_in))", "U(-1/sqrt(fan_in), 1/sqrt(fan_in))"),
        ("and/or, 3/4, n / m", "and/or, 3/4, n / m"),
    ],
)
def test_paths_are_called_by_their_last_part(text: str, left: str) -> None:
    assert public({"a": [text]}) == {"a": [left]}


def test_presets_are_passed_on_as_they_are() -> None:
    """What papers, sources and reasons say has slashes, too, which begin no path."""
    for key in every_preset():
        said = load_preset(*key).model_dump(mode="json")
        assert public(said) == said, key


def test_addresses() -> None:
    assert repository("hf:me/ring") == repository("me/ring")
    assert repository("hf:me/ring@v1.0").revision == "v1.0"
    assert str(repository("me/ring@abc")) == "hf:me/ring@abc"
