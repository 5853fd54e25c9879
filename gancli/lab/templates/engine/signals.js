// The series that verdicts are given on, as gancli logs them: a line of the turns, a look at samples
// and a count of modes every so many steps.

class Health {
  constructor(settings, rules) {
    this.rules = rules;
    this.every = settings.schedule.log_every;
    this.looksEvery = settings.schedule.looks_every;
    this.modes = settings.data.kind === "mixture" ? settings.data.modes : 0;
    this.hasBoundary = settings.boundary !== null;
    this.state = { sums: {}, steps: 0, turns: [], looks: [], known: [] };
  }

  /** Take a step in; `lab` is looked at where it is time. */
  note(lab, found) {
    const { sums } = this.state;
    for (const [name, value] of Object.entries(found.losses)) sums[name] = (sums[name] ?? 0) + value;
    this.state.steps += 1;
    if (found.step % this.every === 0) this._addTurns(found);
    if (this.looksEvery && found.step % this.looksEvery === 0) {
      this._addLook(lab, found.step);
    }
  }

  _addTurns({ step, measures }) {
    const { sums, steps, turns } = this.state;
    const of = (name) => Object.fromEntries(
      Object.entries(measures).map(([player, each]) => [player, each[name]]));
    const { accuracy_real: real, accuracy_fake: fake } = measures.discriminator;
    turns.push({
      step,
      accuracy: (real + fake) / 2,
      updates: of("update_ratio"),
      gradients: of("gradient_norm"),
      loss: Math.max(...Object.values(sums).map((sum) => Math.abs(sum / steps))),
    });
    Object.assign(this.state, { sums: {}, steps: 0 });
  }

  _addLook(lab, step) {
    this.spreadOfReals ??= Math.max(meanDistance(spacedOut(lab.reals, LOOK_POINTS)), 1e-12);
    const points = lab.samples(MODE_POINTS);
    const spreadNow = meanDistance(points.subarray(0, 2 * LOOK_POINTS));
    this.state.looks.push({ step, diversity: spreadNow / this.spreadOfReals });
    const found = lab.modes(points);
    if (found) {
      this.state.known.push({ step, held: found.held / this.modes, misfit: 1 - found.highQuality });
    }
  }

  /** The first rule that finds something; name null: it is too early to tell. */
  verdict() {
    const seen = { ...this.state, modes: this.modes, hasBoundary: this.hasBoundary };
    for (const rule of RULES) {
      const found = rule(seen, this.rules);
      if (found) {
        const name = found.name.replaceAll("-", " ");
        return { ...found, sentence: `${name} since step ${grouped(found.since)}: ${found.said}` };
      }
    }
    return { name: null, since: null, sentence: "too early to tell" };
  }
}

/** A whole number with commas. */
function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}
