// Perceptrons as gancli's family "mlp" has them, under the same names. Each block is (batch norm,
// leaky ReLU, linear): a norm acts on the layer before it.

/** What batch norm adds to the variance, and how fast its statistics follow; both are torch's. */
const NORM_EPS = 1e-5;
const NORM_MOMENTUM = 0.1;
/** Radford et al. 2016 (DCGAN), section 3: weights start as N(0, 0.02^2). */
const START_STD = 0.02;
/** Power iterations that spectral norm starts from, and the least length that it divides by. */
const FIRST_ITERATIONS = 15;
const SPECTRAL_EPS = 1e-12;

/** How weights of (out, in) start, by the name of the start: what one number is, from a stream. */
const STARTS = {
  default: (out, inputs) => evenly(1 / Math.sqrt(inputs)),
  torch: (out, inputs) => evenly(1 / Math.sqrt(inputs)),
  normal: () => (stream) => START_STD * stream.normal(),
  kaiming: (out, inputs) => (stream) => Math.sqrt(2 / inputs) * stream.normal(),
  xavier: (out, inputs, gain) => (stream) => gain * Math.sqrt(2 / (inputs + out)) * stream.normal(),
  xavier_uniform: (out, inputs, gain) => evenly(gain * Math.sqrt(6 / (inputs + out))),
};

/** Uniform on (-bound, bound). */
function evenly(bound) {
  return (stream) => bound * (2 * stream.uniform() - 1);
}

/** One player's network. */
class Network {
  /**
   * `spec`: its settings, with how many numbers go in and come out.
   * `stream`: what its weights start from.
   */
  constructor(spec, stream) {
    this.spec = spec;
    /** What learns, by name, in the order of torch's state. */
    this.parameters = {};
    /** What passes leave behind, by name. */
    this.buffers = {};
    this.layers = this._layers();
    for (const layer of this.layers) this._start(layer, stream);
  }

  /** Whether a pass leaves something behind. */
  get remembersPasses() {
    return Object.keys(this.buffers).length > 0;
  }

  _layers() {
    const { inputs, outputs, width, multipliers, norm, first_norm: firstNorm } = this.spec;
    const widths = multipliers.map((times) => times * width);
    const last = widths.length - 1;
    const normed = (place) => norm === "batch" && (place > 0 || firstNorm);
    const block = (place) => ({
      path: place === last ? "last_layer" : `layers.${place}`,
      inputs: widths[place],
      outputs: place === last ? outputs : widths[place + 1],
      norm: normed(place),
      inner: true,
    });
    const first = { path: "first_layer", inputs, outputs: widths[0], norm: false, inner: false };
    return [first, ...widths.map((_, place) => block(place))];
  }

  _start(layer, stream) {
    layer.linear = layer.inner ? `${layer.path}.2` : layer.path;
    if (layer.norm) this._startNorm(layer, stream);
    const { init, gain, spectral } = this.spec;
    const one = STARTS[init](layer.outputs, layer.inputs, gain);
    const biasOne = init === "torch" ? one : () => 0;
    const weight = new Tensor(layer.outputs, layer.inputs);
    weight.set(Float64Array.from({ length: weight.size }, () => one(stream)));
    const bias = new Tensor(1, layer.outputs);
    this.parameters[`${layer.linear}.bias`] = bias.set(bias.data.map(() => biasOne(stream)));
    if (spectral) this._startSpectral(layer, weight, stream);
    else this.parameters[`${layer.linear}.weight`] = weight;
  }

  _startNorm(layer, stream) {
    layer.normed = `${layer.path}.0`;
    const scale = () => (this.spec.norm_start === "spread" ? 1 + START_STD * stream.normal() : 1);
    const row = () => new Tensor(1, layer.inputs);
    this.parameters[`${layer.normed}.weight`] = row().set(row().data.map(scale));
    this.parameters[`${layer.normed}.bias`] = filled(1, layer.inputs, 0);
    this.buffers[`${layer.normed}.running_mean`] = filled(1, layer.inputs, 0);
    this.buffers[`${layer.normed}.running_var`] = filled(1, layer.inputs, 1);
  }

  _startSpectral(layer, weight, stream) {
    const path = `${layer.linear}.parametrizations.weight`;
    layer.spectral = path;
    this.parameters[`${path}.original`] = weight;
    for (const [name, count] of [["_u", weight.rows], ["_v", weight.cols]]) {
      this.buffers[`${path}.0.${name}`] = drawnFrom(stream, "normal", count, 1);
      normalise(this.buffers[`${path}.0.${name}`]);
    }
    const times = this.spec.power_iteration === "v_first" ? 0 : FIRST_ITERATIONS;
    for (let i = 0; i < times; i += 1) this._iterate(path);
  }

  /** The last layer's output, (B, outputs), of x, (B, inputs); `training`: as passes in turns. */
  judge(x, training) {
    let values = x;
    for (const layer of this.layers) {
      if (layer.norm) values = this._normed(layer, values, training);
      if (layer.inner) values = leaky(values, this.spec.slope);
      values = linear(values, this._weight(layer, training), this.parameters[`${layer.linear}.bias`]);
    }
    return values;
  }

  /** Samples of noise, (B, 2). */
  make(noise, training) {
    const last = this.judge(noise, training);
    if (this.spec.output === "linear") return last;
    return this.spec.output === "tanh" ? tanh(last) : sigmoid(last);
  }

  _normed(layer, x, training) {
    const statistic = (name) => this.buffers[`${layer.normed}.running_${name}`];
    const average = training ? scaled(summedTo(x, 1, x.cols), 1 / x.rows) : statistic("mean");
    const centred = subtract(x, average);
    const variance = training
      ? scaled(summedTo(squared(centred), 1, x.cols), 1 / x.rows)
      : statistic("var");
    if (training) {
      follow(statistic("mean"), average, 1);
      follow(statistic("var"), variance, x.rows / (x.rows - 1));
    }
    const even = divide(centred, root(scaled(variance, 1, NORM_EPS)));
    const scale = this.parameters[`${layer.normed}.weight`];
    return add(times(even, scale), this.parameters[`${layer.normed}.bias`]);
  }

  /** A layer's weight, divided by its largest singular value where the settings say so. */
  _weight(layer, training) {
    if (!layer.spectral) return this.parameters[`${layer.linear}.weight`];
    if (training) this._iterate(layer.spectral);
    const weight = this.parameters[`${layer.spectral}.original`];
    return divide(weight, this._sigma(layer.spectral, weight));
  }

  /** u^T W v, with u and v as they are now: later passes move them. */
  _sigma(path, weight) {
    const [u, v] = ["_u", "_v"].map((name) => this.buffers[`${path}.0.${name}`].cut());
    return multiply(u, multiply(weight, v), true);
  }

  /** One power iteration of a layer's vectors, in place. */
  _iterate(path) {
    const weight = this.parameters[`${path}.original`];
    const [u, v] = ["_u", "_v"].map((name) => this.buffers[`${path}.0.${name}`]);
    remember(false, () => {
      const moves = [() => u.set(multiply(weight, v).data), () => v.set(multiply(weight, u, true).data)];
      if (this.spec.power_iteration === "v_first") moves.reverse();
      moves.forEach((move) => normalise(move()));
    });
  }

  /** The largest singular value of any layer before it is divided by it; null: it is not. */
  largestSingularValue() {
    const under = this.layers.filter((layer) => layer.spectral);
    const found = under.map(({ spectral }) =>
      this._sigma(spectral, this.parameters[`${spectral}.original`]).number);
    return found.length ? Math.max(...found) : null;
  }

  /** All of its numbers by name: what learns, and what passes leave behind. */
  tensors() {
    return { ...this.parameters, ...this.buffers };
  }
}

/** Let a vector have length 1, in place. */
function normalise(vector) {
  const length = Math.max(Math.sqrt(sumOfSquares(vector.data)), SPECTRAL_EPS);
  vector.set(vector.data.map((x) => x / length));
}

function sumOfSquares(numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i += 1) sum += numbers[i] * numbers[i];
  return sum;
}

/** Move a running statistic towards that of a batch, times a factor. */
function follow(running, found, factor) {
  const [kept, now] = [running.data, found.data];
  for (let i = 0; i < kept.length; i += 1) {
    kept[i] = (1 - NORM_MOMENTUM) * kept[i] + NORM_MOMENTUM * factor * now[i];
  }
}
