"""What a beginner gets wrong in a plugin's loss is said as such, not as a fault of this program."""

import json
from pathlib import Path

import pytest
from conftest import Gan
from test_plugins import fresh

PLUGIN = """
from torch.nn.functional import softplus

from gancli import parts, register


@register.term("mine")
class Mine(parts.Adversarial):
    def reads(self, side):
        return {reads}

    def initial(self):
        return {{"gap": 0.0}}

    def advance(self, side, state, seen):
        return {advanced}

    def {discriminator}(self, context):
        {observed}
        return {loss}

    def generator(self, context):
        return softplus(-context.fake_output.logit).mean()
"""
RIGHT = {
    "reads": '{"real_output", "fake_output"}',
    "advanced": "state",
    "discriminator": "discriminator",
    "observed": 'context.observe("real", context.real_output.logit.mean())',
    "loss": "softplus(context.fake_output.logit - context.real_output.logit).mean()",
}
PRESET = """
base = { preset = "gan", dataset = "ring8" }
without = ["objective.vanilla"]
[objective.mine]
[generator.network]
width = 8
[discriminator.network]
width = 8
[schedule]
steps = 2
batch_size = 8
"""
MISTAKES = [
    ({"loss": "softplus(context.fake_output.logit)"}, "mine.discriminator() returns must be a sca"),
    ({"loss": "None"}, "mine.discriminator() returns must be a scalar tensor, and is None"),
    ({"observed": 'context.observe("real", context.real_output.logit)'}, "of shape (8,): take its"),
    ({"reads": '{"fake_output"} if side == "generator" else {"real", "fake_output"}'}, "discrim"),
    ({"reads": '["real_outputs"]'}, "returns 'real_outputs', which is not one of real, fake,"),
    ({"reads": '{"fake_output"}'}, "no term looks at real samples: its reads() must return"),
    ({"advanced": '{"gab": state["gap"]}'}, "advance() of mine returns gab, and its initial()"),
    ({"discriminator": "discriminater"}, "mine has no method discriminator()"),
    ({"loss": "contxt.fake_output"}, "mine.py, line 20: NameError: name 'contxt' is not defined"),
]


def typed(gan: Gan, parts: dict[str, str]) -> tuple[int, str, str]:
    Path("mine.py").write_text(PLUGIN.format(**RIGHT | parts))
    Path("mine.toml").write_text(PRESET)
    with fresh():
        return gan("train", "mine.toml", "--plugin", "mine.py", "--out", "run")


def test_the_plugin_without_mistakes_trains(gan: Gan) -> None:
    code, out, err = typed(gan, {})
    assert code == 0, out + err


@pytest.mark.parametrize(("parts", "said"), MISTAKES)
def test_a_mistake_is_named(gan: Gan, parts: dict[str, str], said: str) -> None:
    code, _, err = typed(gan, parts)
    assert code == 2, err
    assert said in err
    assert "internal error" not in err


def test_without_its_plugin_the_table_is_asked_for(gan: Gan) -> None:
    Path("mine.toml").write_text(PRESET)
    code, _, err = gan("train", "mine.toml")
    assert code == 2
    assert (
        "no field objective.mine, did you mean objective.hinge? If a plugin brings it, add "
        "--plugin FILE.py" in err
    )


def test_the_term_with_a_state_that_the_page_shows(gan: Gan) -> None:
    page = Path(__file__).parent.parent / "docs" / "terms-and-turns.md"
    code = page.read_text().partition("```python\n# steady.py\n")[2].partition("```")[0]
    Path("steady.py").write_text(code)
    options = ["--plugin", "steady.py", "--set", "objective.steady.weight=0.1", "--out", "run"]
    options += ["--set", "schedule.batch_size=8", "--set", "schedule.log_every=1", "--steps", "2"]
    options += ["--set", "schedule.discriminator_steps=1"]
    with fresh():
        assert gan("train", "gan", "--dataset", "ring8", *options)[0] == 0
    first, second = map(json.loads, Path("run/metrics.jsonl").read_text().splitlines())
    mean, average = "discriminator.steady.mean", "discriminator.steady.average"
    assert first[average] == pytest.approx(0.1 * first[mean])
    assert second[average] == pytest.approx(0.9 * first[average] + 0.1 * second[mean])


def test_a_loss_without_an_equation_is_shown_by_its_name(gan: Gan) -> None:
    Path("mine.py").write_text(PLUGIN.format(**RIGHT))
    Path("mine.toml").write_text(PRESET)
    with fresh():
        code, out, err = gan("train", "mine.toml", "--plugin", "mine.py", "--dry-run")
    assert code == 0, err
    assert "Mine, which has no equation()" in out
