// The laboratory: a GAN that trains in a page. No part of it touches the page, so that it runs in a
// worker as well.
//
//   const lab = new Lab(settings, {seed, start, draws});
//       settings: Lab.settingsFor(model, dataset), which may be changed before: see below.
//       seed: a whole number; labs with one seed have the same draws. Default: 0.
//       start, draws: the weights to start from and recorded draws, for tests.
//   lab.step()            one training step; returns {step, losses, gradNorms, measures}
//       losses: loss_discriminator, loss_generator, and loss_SIDE_TERM of a side with several terms,
//           as `gan train` logs them: means over the turns of the step.
//       gradNorms: {generator, discriminator, reconstructor}: 2-norms of a player's whole gradient.
//       measures: by player {gradient_norm, update_ratio}; of the discriminator also accuracy_real,
//           accuracy_fake, logit_gap, and clipped or sigma where weights are held.
//   lab.stepCount         steps taken
//   lab.samples(n)        Float64Array of x0, y0, x1, y1, ...: n points of the same noise each call
//   lab.reals             Float64Array: the real points
//   lab.field(n, reach)   {logits: Float64Array n*n, side: m, gradients: Float64Array 2*m*m}
//       logits on a square grid over [-reach, reach]^2, row by row from the lowest y;
//       gradients (d/dx, d/dy) of the logit on a coarser grid of m*m points of the same square.
//   lab.weights()         [{player, name, shape, values}], values a copy
//   lab.snapshot(), lab.restore(snapshot)   for "back": all that training changes, as a plain object
//   lab.modes(points)     {held, captured, highQuality, counts}; null: the modes are not known
//   lab.centres, lab.std  of the modes; null: not known
//   lab.verdict()         {name, sentence, since} in short form: what can be told from points;
//       name null: too early to tell
//   lab.equations         [{player, text, constraints: [text]}]: what each side descends
//   Lab.models            [{name, idea, summary}];  Lab.datasets  [{name, words}]
//   Lab.settingsFor(model, dataset)   a fresh copy that may be changed
//   Lab.use(tables)       what the page has: {models, datasets, presets, rules}; a worker must call
//       it as well, before it makes a lab
//
// All points are in network units: the generator's outputs are within [-1, 1]; `lab.scale` data units
// are one of them.
//
// What may be changed in settings: optimizers.PLAYER.lr (and betas, alpha, eps of its kind),
// schedule.batch_size, schedule.discriminator_steps, players.PLAYER.width, multipliers, slope, norm
// ("none", "batch") and spectral, prior.z_dim, the weight of each term in turns[].terms, the numbers
// named in its `tunable`, and data: that of another set in Lab.datasets, or
// {kind: "points", points: [[x, y], ...], scale: 1}.

/** What the page has to offer. */
let tables = null;

/** Units of a hidden layer in the lab; presets have more. */
const LAB_WIDTH = 64;
/** Points of a look at samples: for how they differ, and for modes. */
const LOOK_POINTS = 500;
const MODE_POINTS = 2500;
/** A gradient is shown at every so many of the field's points. */
const COARSER = 4;

class Lab {
  constructor(settings, { seed = 0, start = null, draws = null } = {}) {
    this.settings = structuredClone(settings);
    this.seed = seed;
    this.store = makeStore();
    this.players = {};
    this.optimizers = {};
    within(this.store, () => this._build(start));
    this.draws = draws
      ? new RecordedDraws(draws, this.settings)
      : new Draws(this.settings, seed);
    this.health = new Health(this.settings, tables.rules);
    this.stepCount = 0;
    /** Batches of reals taken, and turns of each side. */
    this.batches = 0;
    this.counts = { discriminator: 0, generator: 0 };
  }

  _build(start) {
    const stream = new Stream(this.seed, "init");
    for (const [name, spec] of Object.entries(this.settings.players)) {
      const player = new Network(this._sized(name, spec), stream);
      if (start) load(player.tensors(), start[name]);
      this.players[name] = player;
      this.optimizers[name] = new Optimizer(this.settings.optimizers[name], player.parameters);
    }
    if (this.settings.schedule.ema_decay) this._keepAverage();
  }

  /** A player's settings, with how many numbers go in and come out. */
  _sized(name, spec) {
    const noise = this.settings.prior.z_dim;
    const inputs = { generator: noise, discriminator: spec.judges_noise ? 2 + noise : 2, reconstructor: 2 };
    const outputs = { generator: 2, discriminator: 1, reconstructor: noise };
    return { ...spec, inputs: inputs[name], outputs: outputs[name] };
  }

  // ---- Training

  step() {
    const turns = this._turns().map((turn, place) =>
      brief(this.store, () => this._take(turn, [this.stepCount, place])));
    this.stepCount += 1;
    if (this.average) within(this.store, () => this._moveAverage());
    const found = {
      step: this.stepCount,
      losses: lossesOf(turns),
      measures: meansOf(turns),
    };
    found.gradNorms = Object.fromEntries(
      Object.entries(found.measures).map(([name, { gradient_norm: norm }]) => [name, norm]),
    );
    this.health.note(this, found);
    return found;
  }

  /** The turns of a step, in order. */
  _turns() {
    const often = this.settings.schedule.discriminator_steps;
    return this.settings.turns.flatMap((turn) =>
      new Array(turn.side === "discriminator" ? often : 1).fill(turn));
  }

  _take(turn, place) {
    const { losses, measures } = takeTurn(this, turn, place);
    this.batches += turn.takes_real ? 1 : 0;
    this.counts[turn.side] += 1;
    return { side: turn.side, losses, measures };
  }

  /** The factor of every learning rate at this step. */
  rateFactor() {
    const { lr_decay_start: from, steps } = this.settings.schedule;
    if (from === null || this.stepCount < from) return 1;
    return Math.max(0, (steps - this.stepCount) / (steps - from));
  }

  _keepAverage() {
    const spec = this.players.generator.spec;
    this.average = new Network(spec, new Stream(this.seed, "average"));
    copyNumbers(this.players.generator.tensors(), this.average.tensors());
  }

  _moveAverage() {
    const { ema_decay: most, ema_warmup: warms } = this.settings.schedule;
    const count = this.stepCount - 1;
    const decay = warms ? Math.min(most, (2 + count) / (11 + count)) : most;
    for (const [name, tensor] of Object.entries(this.average.parameters)) {
      const now = this.players.generator.parameters[name].data;
      tensor.set(tensor.data.map((kept, i) => kept + (1 - decay) * (now[i] - kept)));
    }
    copyNumbers(this.players.generator.buffers, this.average.buffers);
  }

  // ---- Looking

  samples(count) {
    return this._look(() => {
      const noise = noiseOf(this.settings.prior, count, new Stream(this.seed, "sample"));
      return (this.average ?? this.players.generator).make(noise, false).data.slice();
    });
  }

  field(side, reach) {
    const coarse = Math.max(2, Math.round(side / COARSER));
    const logits = this._look(() => this._logits(gridOf(side, reach)).data.slice());
    const slopes = brief(this.store, () => {
      const points = leaf(gridOf(coarse, reach));
      const [found] = gradients(total(this._logits(points)), [points]);
      return found.data.slice();
    });
    return { logits, side: coarse, gradients: slopes };
  }

  /** Logits of points; of pairs, with the guessed noise. */
  _logits(points) {
    const { discriminator, reconstructor } = this.players;
    if (!discriminator.spec.judges_noise) return discriminator.judge(points, false);
    return discriminator.judge(joined(points, reconstructor.judge(points, false)), false);
  }

  _look(work) {
    return brief(this.store, () => remember(false, work));
  }

  weights() {
    return Object.entries(this.players).flatMap(([player, { parameters }]) =>
      Object.entries(parameters).map(([name, { rows, cols, data }]) =>
        ({ player, name, shape: [rows, cols], values: data.slice() })));
  }

  get reals() {
    return this.draws.points;
  }

  get scale() {
    return this.settings.data.scale;
  }

  get centres() {
    if (this.settings.data.kind !== "mixture") return null;
    return centresOf(this.settings.data).map((at) => at.map((x) => x / this.scale));
  }

  get std() {
    return this.settings.data.kind === "mixture" ? this.settings.data.std / this.scale : null;
  }

  modes(points) {
    return this.centres && coverage(points, this.centres, this.std, tables.rules);
  }

  verdict() {
    return this.health.verdict();
  }

  get equations() {
    return equationsOf(this.settings);
  }

  // ---- Going back

  snapshot() {
    const copies = (named) => Object.fromEntries(
      Object.entries(named).map(([name, tensor]) => [name, tensor.data.slice()]));
    const nets = { ...this.players, ...(this.average ? { average: this.average } : {}) };
    return structuredClone({
      networks: Object.fromEntries(
        Object.entries(nets).map(([name, net]) => [name, copies(net.tensors())])),
      optimizers: Object.fromEntries(
        Object.entries(this.optimizers).map(([name, { counts, slots }]) => [name, { counts, slots }])),
      stepCount: this.stepCount,
      batches: this.batches,
      counts: this.counts,
      health: this.health.state,
    });
  }

  restore(snapshot) {
    const { networks, optimizers, health, ...rest } = structuredClone(snapshot);
    for (const [name, numbers] of Object.entries(networks)) {
      load((this.players[name] ?? this.average).tensors(), numbers);
    }
    for (const [name, kept] of Object.entries(optimizers)) {
      Object.assign(this.optimizers[name], kept);
    }
    this.health.state = health;
    Object.assign(this, rest);
  }

  // ---- What there is to choose

  static use(offered) {
    tables = offered;
  }

  static get models() {
    return tables.models;
  }

  static get datasets() {
    return tables.datasets.map(({ name, words }) => ({ name, words }));
  }

  static settingsFor(model, dataset) {
    const set = tables.datasets.find(({ name }) => name === dataset);
    const presets = tables.presets[model];
    const settings = structuredClone(presets[dataset] ?? presets[tables.usual]);
    settings.data = structuredClone(set.data);
    for (const spec of Object.values(settings.players)) {
      spec.preset_width = spec.width;
      spec.width = LAB_WIDTH;
    }
    return settings;
  }
}

/** Put numbers into tensors, by name. */
function load(named, numbers) {
  for (const [name, tensor] of Object.entries(named)) tensor.set(numbers[name]);
}

function copyNumbers(from, to) {
  for (const [name, tensor] of Object.entries(to)) tensor.set(from[name].data);
}

/** Points of a square grid, (side^2, 2), row by row from the lowest y. */
function gridOf(side, reach) {
  const made = new Tensor(side * side, 2);
  const at = (i) => reach * ((2 * i) / (side - 1) - 1);
  for (let i = 0; i < side * side; i += 1) {
    made.data.set([at(i % side), at(Math.floor(i / side))], 2 * i);
  }
  return made;
}

/** Each side's whole loss, and its summands where it has several: means over its turns. */
function lossesOf(turns) {
  const found = {};
  for (const side of ["discriminator", "generator"]) {
    const means = averaged(turns.filter((turn) => turn.side === side).map(({ losses }) => losses));
    const parts = Object.entries(means);
    found[`loss_${side}`] = parts.reduce((sum, [, value]) => sum + value, 0);
    if (parts.length > 1) {
      for (const [term, value] of parts) found[`loss_${side}_${term}`] = value;
    }
  }
  return found;
}

/** Each player's measures: means over the turns in which it steps. */
function meansOf(turns) {
  const names = [...new Set(turns.flatMap(({ measures }) => Object.keys(measures)))];
  return Object.fromEntries(names.map((name) =>
    [name, averaged(turns.map(({ measures }) => measures[name]).filter(Boolean))]));
}

/** The mean of each named number. */
function averaged(rows) {
  const names = Object.keys(rows[0] ?? {});
  return Object.fromEntries(names.map((name) =>
    [name, rows.reduce((sum, row) => sum + row[name], 0) / rows.length]));
}
