// Turns: what one sees, its loss, and how its players move. The order of the passes is gancli's,
// because each pass moves batch norm's statistics and spectral norm's vectors.

/** What a turn's terms look at, all together. */
function readsOf(terms) {
  return new Set(terms.flatMap((term) => term.reads));
}

function has(reads, ...names) {
  return names.some((name) => reads.has(name));
}

/** What one turn shows its terms. */
class Scene {
  constructor(game, turn, reads, place) {
    this.game = game;
    this.place = place;
    if (has(reads, "real", "real_output", "real_gradient")) this._deal(reads);
    this._make(turn, reads);
    const order = turn.judged_first === "real" ? ["real", "fake"] : ["fake", "real"];
    for (const kind of order) {
      if (!has(reads, `${kind}_output`, `${kind}_gradient`)) continue;
      this[`${kind}Output`] = this.judge(this[kind]);
    }
  }

  /** The real samples, with a guess at their noise where a player guesses. */
  _deal(reads) {
    const { draws, players } = this.game;
    const x = draws.real(this.game.batches, ...this.place);
    this.real = { x: has(reads, "real_gradient") ? leaf(x) : x };
    if (players.reconstructor) {
      const guess = remember(false, () => players.reconstructor.judge(x, true));
      const noise = draws.normal("guess", guess.rows, guess.cols, ...this.place);
      this.real.z = add(guess, scaled(noise, players.reconstructor.spec.noise));
    }
  }

  /** The fakes, with the generator's graph where it steps. */
  _make(turn, reads) {
    const moves = turn.steppers.includes("generator");
    const z = this.game.draws.noise(this.game.settings.schedule.batch_size, ...this.place);
    const x = remember(moves, () => this.game.players.generator.make(z, true));
    this.fake = { x: !moves && has(reads, "fake_gradient") ? leaf(x) : x, z };
  }

  /** A pass of the discriminator: logits, (B, 1). */
  judge(sample) {
    const judge = this.game.players.discriminator;
    return judge.judge(judge.spec.judges_noise ? joined(sample.x, sample.z) : sample.x, true);
  }

  /** The reconstructor's guesses at the noise of samples. */
  guess(x) {
    return this.game.players.reconstructor.judge(x, true);
  }

  /** Numbers uniform on [0, 1), for the term that asks. */
  uniform(name, rows) {
    return this.game.draws.uniform(name, rows, ...this.place);
  }
}

/** Take a turn; returns its losses by term, and its measures by player. */
function takeTurn(game, turn, place) {
  const due = turn.terms.filter((term) => game.counts[turn.side] % (term.every ?? 1) === 0);
  for (const [name, player] of Object.entries(game.players)) {
    wantGradients(player, turn.steppers.includes(name));
  }
  project(game, turn, "before");
  const scene = new Scene(game, turn, readsOf(due), place);
  const losses = due.map((term) =>
    scaled(TERMS[term.name][turn.side](term, scene), term.weight));
  const measures = move(game, turn, losses.reduce(add), scene);
  const values = new Map(due.map((term, i) => [term.name, losses[i].number]));
  return {
    losses: Object.fromEntries(turn.terms.map(({ name }) => [name, values.get(name) ?? 0])),
    measures,
  };
}

function wantGradients(player, wanted) {
  for (const tensor of Object.values(player.parameters)) tensor.wants = wanted;
}

/** Step down the loss; returns how. */
function move(game, turn, loss, scene) {
  const found = gradientsByPlayer(game, turn, loss);
  const measures = {};
  for (const [name, own] of Object.entries(found)) {
    const { parameters } = game.players[name];
    const before = Object.values(parameters).map((tensor) => tensor.cut());
    game.optimizers[name].step(parameters, own, game.rateFactor());
    measures[name] = { gradient_norm: lengthOf(Object.values(own)), before };
  }
  project(game, turn, "after");
  for (const [name, measured] of Object.entries(measures)) {
    measured.update_ratio = moved(measured.before, Object.values(game.players[name].parameters));
    delete measured.before;
  }
  if (turn.side === "discriminator") Object.assign(measures.discriminator, judged(game, scene));
  return measures;
}

/** Each stepper's gradients, by parameter. */
function gradientsByPlayer(game, turn, loss) {
  const names = turn.steppers.flatMap((player) =>
    Object.keys(game.players[player].parameters).map((name) => [player, name]));
  const tensors = names.map(([player, name]) => game.players[player].parameters[name]);
  const found = gradients(loss, tensors);
  const grouped = Object.fromEntries(turn.steppers.map((player) => [player, {}]));
  names.forEach(([player, name], i) => { grouped[player][name] = found[i]; });
  return grouped;
}

function project(game, turn, when) {
  if (!turn.steppers.includes("discriminator")) return;
  for (const held of game.settings.constraints) {
    if (held.when === when) CONSTRAINTS[held.name].project(held, game.players.discriminator);
  }
}

/** The 2-norm of all gradients together. */
function lengthOf(tensors) {
  const there = tensors.filter((tensor) => tensor !== null);
  return Math.sqrt(there.reduce((sum, { data }) => sum + sumOfSquares(data), 0));
}

/** The 2-norm of what has changed, over that of what was there. */
function moved(before, tensors) {
  let [change, length] = [0, 0];
  before.forEach(({ data: old }, i) => {
    const now = tensors[i].data;
    for (let j = 0; j < old.length; j += 1) {
      change += (now[j] - old[j]) ** 2;
      length += old[j] ** 2;
    }
  });
  return Math.sqrt(change) / Math.max(Math.sqrt(length), 1e-12);
}

/** How well the discriminator told reals and fakes apart, and what holds it. */
function judged(game, scene) {
  const [real, fake] = [scene.realOutput, scene.fakeOutput].map((output) => output.data);
  const average = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const boundary = game.settings.boundary ?? (average(real) + average(fake)) / 2;
  const positive = (numbers, sign) =>
    average(numbers.map((x) => Math.sign(sign * (x - boundary)))) / 2 + 0.5;
  const found = {
    accuracy_real: positive(real, 1),
    accuracy_fake: positive(fake, -1),
    logit_gap: average(real) - average(fake),
  };
  for (const held of game.settings.constraints) {
    Object.assign(found, CONSTRAINTS[held.name].gauge(held, game.players.discriminator));
  }
  const sigma = game.players.discriminator.largestSingularValue();
  return sigma === null ? found : { ...found, sigma };
}
