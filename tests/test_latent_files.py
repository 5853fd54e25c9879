"""Latents as files: `--latents` of gan sample and gan traverse, and the files they write."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from conftest import Gan
from numpy.typing import NDArray

from gancli.checkpoint import load
from gancli.latent_files import latents_npz, read_latents
from gancli.sampler import Sampler
from gancli.zoo.entries import zoo_file

DIGITS, CODES, FACES = "zoo:cgan-mnist", "zoo:infogan-mnist", "zoo:dcgan-animefaces"
Arrays = dict[str, NDArray[np.generic]]


def arrays_of(file: str) -> Arrays:
    with np.load(file, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def images_of(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def given(name: str) -> Arrays:
    """Latents of two seeds, as arrays."""
    saved = load(zoo_file(name))
    latent = Sampler(saved.generator(), saved.header.preset).latent([3, 17])
    return {name: part.numpy() for name, part in latent._asdict().items() if part is not None}


@pytest.mark.parametrize("name", [DIGITS, CODES, FACES, "zoo:gan-ring8"])
def test_samples_of_written_latents_are_the_same(name: str, gan: Gan) -> None:
    """In npz and in safetensors; by number of row, not of seed."""
    points = ["--format", "npz"] if "ring8" in name else []
    typed = ["sample", name, "--seeds", "3,17,42", "--write-latents", "--out", "first", *points]
    code, out, said = gan(*typed)
    assert (code, said) == (0, ""), out
    assert "latents: first-latents.npz" in out
    safetensors.numpy.save_file(arrays_of("first-latents.npz"), "again.safetensors")
    for file in ("first-latents.npz", "again.safetensors"):
        again = ["sample", name, "--latents", file, "--out", "second", "--force", *points]
        assert gan(*again)[0] == 0
        if points:
            first, second = (arrays_of(f"{each}/samples.npz") for each in ("first", "second"))
            assert (first["points"] == second["points"]).all()
        else:
            first_images, second_images = images_of("first"), images_of("second")
            assert list(first_images.values()) == list(second_images.values())
            assert list(second_images) == ["000000.png", "000001.png", "000002.png"]


def test_classes_come_with_the_rows(gan: Gan) -> None:
    """As many of each class as asked for; the sheet and the npz name rows and their classes."""
    typed = ["sample", DIGITS, "--per-class", 2, "--classes", "4,7", "--write-latents"]
    assert gan(*typed, "--out", "first")[0] == 0
    assert arrays_of("first-latents.npz")["label"].tolist() == [4, 4, 7, 7]
    typed = ["sample", DIGITS, "--latents", "first-latents.npz", "--grid", "--format", "npz"]
    assert gan(*typed, "--out", "second")[0] == 0
    assert arrays_of("second/samples.npz")["labels"].tolist() == [4, 4, 7, 7]
    assert gan(*typed, "--seeds", "2", "--out", "third")[0] == 0
    whole, one = (arrays_of(f"{each}/samples.npz")["images"] for each in ("second", "third"))
    assert np.abs(whole[2].astype(int) - one[0]).max() <= 1


def test_blends_of_classes_are_rows_too(gan: Gan) -> None:
    latents = given(DIGITS)
    label = np.zeros((2, 10), np.float32)
    label[0, 3] = 1
    label[1, [3, 7]] = 0.4, 0.6
    np.savez("blend.npz", allow_pickle=False, **{**latents, "label": label})
    code, out, said = gan("sample", DIGITS, "--latents", "blend.npz", "--grid", "--out", "here")
    assert (code, said) == (0, ""), out
    typed = ["traverse", DIGITS, "--latents", "blend.npz"]
    assert gan(*typed, "--axis", "label-blend", "--out", "there")[0] == 0
    code, out, _ = gan(*typed, "--through", "0,1", "--seconds", 1, "--out", "walk")
    assert code == 0
    assert "row 0 → 1 · label 100% 3 → 40% 3 + 60% 7 blended" in out


def test_traversals_write_what_they_start_from(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_DATA", "nowhere")
    typed = ["traverse", CODES, "--axis", "code0", "--frames", 3, "--rows", 2]
    assert gan(*typed, "--seed", 3, "--out", "first")[0] == 0
    assert gan(*typed, "--latents", "first/latents.npz", "--out", "second")[0] == 0
    first, second = (arrays_of(f"{each}/latents.npz") for each in ("first", "second"))
    assert first.keys() == second.keys() == {"z", "category", "code"}
    assert all((first[name] == second[name]).all() for name in first)
    assert "rows 0 to 1 of" in Path("second/traverse.html").read_text()


def test_stops_of_a_walk_lead_the_same_way(gan: Gan) -> None:
    typed = ["traverse", FACES, "--seconds", 1, "--fps", 5, "--no-html"]
    assert gan(*typed, "--through", "3,17", "--out", "first")[0] == 0
    again = ["--latents", "first/latents.npz", "--through", "0-1", "--out", "second"]
    assert gan(*typed, *again)[0] == 0
    assert (
        arrays_of("second/latents.npz")["z"].tolist()
        == arrays_of("first/latents.npz")["z"].tolist()
    )


def test_reading_keeps_every_bit(tmp_path: Path) -> None:
    preset = load(zoo_file(CODES)).header.preset
    latent = preset.prior.at(range(5))
    file = tmp_path / "latents.npz"
    file.write_bytes(latents_npz(latent))
    found = read_latents(file, preset)
    for ours, theirs in zip(found, latent, strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or theirs is None or bool((ours == theirs).all())


def changed(**parts: object) -> Arrays:
    found = {**given(DIGITS), **parts}
    return {name: np.asarray(part) for name, part in found.items() if part is not None}


Z = given(DIGITS)["z"].shape[1]
NAN = np.full((2, Z), np.nan, np.float32)
BAD = {
    "z missing": (changed(z=None), "has no array called z"),
    "label missing": (changed(label=None), "has no array called label"),
    "one too many": (changed(noise=np.zeros(2)), "an array called noise, which this generator"),
    "too wide": (changed(z=np.zeros((2, Z + 1), np.float32)), f"has z of (N, {Z + 1})"),
    "flat": (changed(z=np.zeros(2, np.float32)), "has z of (N,)"),
    "lengths": (changed(z=np.zeros((3, Z), np.float32)), "has arrays of different lengths"),
    "scalar": (changed(z=np.float32(1), label=np.int64(1)), "holds no rows"),
    "empty": (changed(z=NAN[:0], label=np.zeros(0, int)), "holds no rows"),
    "nan": (changed(z=NAN), "numbers in z that are infinite or not a number"),
    "whole": (changed(z=np.zeros((2, Z), np.int64)), "has z of torch.int64, not of real numbers"),
    "class": (changed(label=np.array([0, 10])), "has a label that is not one of 0 to 9"),
    "negative": (changed(label=np.array([0, -1])), "has a label that is not one of 0 to 9"),
    "real": (changed(label=np.array([0.0, 1.0])), "label that is not one whole number per row"),
    "shares": (changed(label=np.ones((2, 10), np.float32)), "whose shares do not add up to 1"),
    "text": (changed(z=np.array(["a", "b"])), "something other than arrays of numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_latents_that_do_not_fit(name: str, gan: Gan) -> None:
    arrays, words = BAD[name]
    np.savez("bad.npz", allow_pickle=False, **arrays)
    for command in ("sample", "traverse"):
        code, out, said = gan(command, DIGITS, "--latents", "bad.npz", "--out", "here")
        assert code == 2, out
        assert words in said
        assert f"z (N, {Z}), label (N,)" in said
        assert said.count("\n") == 1
        assert not Path("here").exists()


def test_files_that_are_not_latents(gan: Gan) -> None:
    """Objects of Python are never loaded."""
    whole = latents_npz(load(zoo_file(FACES)).header.preset.prior.at([0, 1]))
    np.savez("objects.npz", z=np.array([{"a": 1}], dtype=object))
    Path("cut.npz").write_bytes(whole[: len(whole) // 2])
    Path("text.npz").write_text("z")
    Path("text.safetensors").write_text("z")
    Path("latents.csv").write_text("z")
    Path("folder.npz").mkdir()
    for file, words in {
        "objects.npz": "holds Python objects, which are never loaded",
        "cut.npz": "is damaged or of another format",
        "text.npz": "is damaged or of another format",
        "text.safetensors": "is damaged or of another format",
        "latents.csv": "does not end in .npz or .safetensors",
        "absent.npz": "could not be read (No such file or directory)",
        "folder.npz": "could not be read (Is a directory)",
    }.items():
        code, _, said = gan("sample", FACES, "--latents", file, "--out", "here")
        assert (code, said.count("\n")) == (2, 1), said
        assert f"--latents {file} {words}" in said


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--seeds", "0-2"], "--latents has 2 rows, of which the last is 1"),
        (["--count", "3"], "--latents has 2 rows, of which the last is 1"),
        (["--per-class", "1"], "--latents gives each row its class"),
        (["--truncation", "1"], "leave one out"),
    ],
)
def test_options_that_do_not_go_with_latents(more: list[str], words: str, gan: Gan) -> None:
    np.savez("latents.npz", allow_pickle=False, **given(DIGITS))
    code, _, said = gan("sample", DIGITS, "--latents", "latents.npz", "--out", "here", *more)
    assert (code, said.count("\n")) == (2, 1)
    assert words in said
