// What turns draw: real samples, noise, and the numbers that terms ask for.

/** Centres of a mixture's modes, pairs in data units, in the order of gancli's. */
function centresOf(data) {
  if (data.layout === "ring") {
    return Array.from({ length: data.modes }, (_, i) => {
      const angle = (2 * Math.PI * i) / data.modes;
      return [data.extent * Math.cos(angle), data.extent * Math.sin(angle)];
    });
  }
  const side = Math.round(Math.sqrt(data.modes));
  const at = (i) => data.extent * ((2 * i) / (side - 1) - 1);
  return Array.from({ length: data.modes }, (_, i) => [at(Math.floor(i / side)), at(i % side)]);
}

/** All real points, one after the other, in network units. */
function pointsOf(data, seed) {
  if (data.kind === "points") return Float64Array.from(data.points.flat());
  const [centres, stream] = [centresOf(data), new Stream(seed, "data")];
  const count = data.modes * data.points_per_mode;
  const found = new Float64Array(2 * count);
  for (let i = 0; i < found.length; i += 1) {
    const centre = centres[Math.floor(i / 2) % data.modes][i % 2];
    found[i] = (centre + data.std * stream.normal()) / data.scale;
  }
  return found;
}

/** The draws of a lab with a seed. */
class Draws {
  constructor(settings, seed) {
    this.seed = seed;
    this.prior = settings.prior;
    this.points = pointsOf(settings.data, seed);
    this.batchSize = settings.schedule.batch_size;
    this.count = this.points.length / 2;
    this.epoch = -1;
  }

  /** Real samples, (B, 2): the batch of this number; epochs without replacement. */
  real(batch) {
    const size = Math.min(this.batchSize, this.count);
    const perEpoch = Math.floor(this.count / size);
    const epoch = Math.floor(batch / perEpoch);
    if (epoch !== this.epoch) {
      this.order = new Stream(this.seed, "shuffle", epoch).order(this.count);
      this.epoch = epoch;
    }
    const made = new Tensor(this.batchSize, 2);
    const [out, start] = [made.data, (batch % perEpoch) * size];
    for (let i = 0; i < this.batchSize; i += 1) {
      // Fewer points than a batch has come more than once.
      const point = this.order[start + (i % size)];
      out[2 * i] = this.points[2 * point];
      out[2 * i + 1] = this.points[2 * point + 1];
    }
    return made;
  }

  /** Noise for the generator, (rows, z_dim). */
  noise(rows, step, turn) {
    return noiseOf(this.prior, rows, new Stream(this.seed, "latent", step, turn));
  }

  /** Numbers uniform on [0, 1) for a purpose, (rows, 1). */
  uniform(purpose, rows, step, turn) {
    return drawnFrom(new Stream(this.seed, purpose, step, turn), "uniform", rows, 1);
  }

  /** Standard normal numbers for a purpose. */
  normal(purpose, rows, cols, step, turn) {
    return drawnFrom(new Stream(this.seed, purpose, step, turn), "normal", rows, cols);
  }
}

/** A tensor of a stream's numbers. */
function drawnFrom(stream, draw, rows, cols) {
  const made = new Tensor(rows, cols);
  stream.fill(made.data, draw);
  return made;
}

/** Noise of a prior, from a stream. */
function noiseOf(prior, rows, stream) {
  const made = drawnFrom(stream, prior.distribution, rows, prior.z_dim);
  if (prior.distribution === "normal") return scaled(made, prior.scale);
  const low = prior.low ?? -prior.scale;
  return scaled(made, prior.scale - low, low);
}

/** Draws that were recorded: numbers by step, turn and purpose. */
class RecordedDraws {
  /** `steps`: for each step, for each of its turns: arrays of numbers by purpose. */
  constructor(steps, settings) {
    this.steps = steps;
    this.zDim = settings.prior.z_dim;
    this.points = pointsOf(settings.data, 0);
  }

  real(batch, step, turn) {
    return this._drawn("real", 2, step, turn);
  }

  noise(rows, step, turn) {
    return this._drawn("latent", this.zDim, step, turn);
  }

  uniform(purpose, rows, step, turn) {
    return this._drawn(purpose, 1, step, turn);
  }

  normal(purpose, rows, cols, step, turn) {
    return this._drawn(purpose, cols, step, turn);
  }

  _drawn(purpose, cols, step, turn) {
    const numbers = this.steps[step][turn][purpose];
    return constant(numbers.length / cols, cols, numbers);
  }
}
