// Matrices of doubles, and how they were computed, so that they can be differentiated. The
// derivative of each operation is made of the same operations, and so has a derivative itself:
// penalties on gradients need that.

/** A matrix; a vector is one with a single row or column, a number one with both. */
class Tensor {
  constructor(rows, cols) {
    this.rows = rows;
    this.cols = cols;
    this.place = store.reserve(rows * cols);
    this._view = store.view(this.place, rows * cols);
    this._store = store;
    /** Whether its gradient is asked for, or that of something it was computed from. */
    this.wants = false;
    /** What it was computed from, where that is remembered. */
    this.parents = [];
    /** For each parent: from this tensor's gradient to the parent's share of it. */
    this.backs = [];
  }

  get size() {
    return this.rows * this.cols;
  }

  /** The numbers, row by row. */
  get data() {
    // A view of a memory that has grown since is empty.
    if (this._view.length !== this.size) this._view = this._store.view(this.place, this.size);
    return this._view;
  }

  /** The only number of a tensor of one. */
  get number() {
    return this.data[0];
  }

  set(numbers) {
    this.data.set(numbers);
    return this;
  }

  /** The same numbers, without how they were computed. */
  cut() {
    return new Tensor(this.rows, this.cols).set(this.data);
  }
}

let remembering = true;

/** Run `work`, remembering how tensors are computed, or not. */
function remember(wanted, work) {
  const before = remembering;
  remembering = wanted;
  try {
    return work();
  } finally {
    remembering = before;
  }
}

/** A tensor computed from others, given how gradients go back to each of them. */
function computed(rows, cols, parents, backs) {
  const made = new Tensor(rows, cols);
  if (remembering && parents.some((each) => each.wants)) {
    made.wants = true;
    made.parents = parents;
    made.backs = backs;
  }
  return made;
}

function filled(rows, cols, number) {
  const made = new Tensor(rows, cols);
  made.data.fill(number);
  return made;
}

function constant(rows, cols, numbers) {
  return new Tensor(rows, cols).set(numbers);
}

/** A leaf with the same numbers whose gradient is asked for. */
function leaf(tensor) {
  const made = tensor.cut();
  made.wants = true;
  return made;
}

// ---- Products

/** a b, each transposed first if asked. */
function multiply(a, b, aTurned = false, bTurned = false) {
  const rows = aTurned ? a.cols : a.rows;
  const cols = bTurned ? b.rows : b.cols;
  const made = computed(rows, cols, [a, b], [
    (g) => (aTurned ? multiply(b, g, bTurned, true) : multiply(g, b, false, !bTurned)),
    (g) => (bTurned ? multiply(g, a, true, aTurned) : multiply(a, g, !aTurned, false)),
  ]);
  store.multiply(made, a, b, aTurned, bTurned);
  return made;
}

/** x W^T + b: x is (B, in), W (out, in), b (1, out). */
function linear(x, weight, bias) {
  const made = computed(x.rows, weight.rows, [x, weight, bias], [
    (g) => multiply(g, weight),
    (g) => multiply(g, x, true, false),
    (g) => summedTo(g, 1, weight.rows),
  ]);
  store.multiply(made, x, weight, false, true);
  const [out, shift, cols] = [made.data, bias.data, made.cols];
  for (let start = 0; start < out.length; start += cols) {
    for (let j = 0; j < cols; j += 1) out[start + j] += shift[j];
  }
  return made;
}

// ---- Number by number; a row, column or number is repeated to the other's shape
//
// The loops that run over whole layers are written out: one that calls a rule for each number is ten
// times slower as soon as it has had several rules.

/** How far apart a tensor's rows and columns lie, where it is repeated along axes of 1. */
function steps(tensor) {
  return [tensor.rows === 1 ? 0 : tensor.cols, tensor.cols === 1 ? 0 : 1];
}

/** A tensor of the common shape of two, to be filled. */
function jointly(a, b, backs) {
  return computed(Math.max(a.rows, b.rows), Math.max(a.cols, b.cols), [a, b], backs);
}

function like(g, tensor) {
  return summedTo(g, tensor.rows, tensor.cols);
}

function add(a, b) {
  const made = jointly(a, b, [(g) => like(g, a), (g) => like(g, b)]);
  const [x, y, out, { rows, cols }] = [a.data, b.data, made.data, made];
  const [[xRow, xCol], [yRow, yCol]] = [steps(a), steps(b)];
  for (let i = 0, at = 0; i < rows; i += 1) {
    let xAt = i * xRow;
    let yAt = i * yRow;
    for (let j = 0; j < cols; j += 1, at += 1, xAt += xCol, yAt += yCol) out[at] = x[xAt] + y[yAt];
  }
  return made;
}

function times(a, b) {
  const made = jointly(a, b, [(g) => like(times(g, b), a), (g) => like(times(g, a), b)]);
  const [x, y, out, { rows, cols }] = [a.data, b.data, made.data, made];
  const [[xRow, xCol], [yRow, yCol]] = [steps(a), steps(b)];
  for (let i = 0, at = 0; i < rows; i += 1) {
    let xAt = i * xRow;
    let yAt = i * yRow;
    for (let j = 0; j < cols; j += 1, at += 1, xAt += xCol, yAt += yCol) out[at] = x[xAt] * y[yAt];
  }
  return made;
}

function subtract(a, b) {
  return add(a, scaled(b, -1));
}

/** a / b; where b is 0 it is 0. */
function divide(a, b) {
  return times(a, inverse(b));
}

/** factor x + shift. */
function scaled(x, factor, shift = 0) {
  const made = computed(x.rows, x.cols, [x], [(g) => scaled(g, factor)]);
  const [from, out] = [x.data, made.data];
  for (let i = 0; i < out.length; i += 1) out[i] = factor * from[i] + shift;
  return made;
}

function squared(x) {
  const made = computed(x.rows, x.cols, [x], [(g) => scaled(times(g, x), 2)]);
  const [from, out] = [x.data, made.data];
  for (let i = 0; i < out.length; i += 1) out[i] = from[i] * from[i];
  return made;
}

/** `rule` of each number; for what has few of them. */
function each(x, rule, back) {
  const made = computed(x.rows, x.cols, [x], [(g) => back(g, made)]);
  const [from, out] = [x.data, made.data];
  for (let i = 0; i < out.length; i += 1) out[i] = rule(from[i]);
  return made;
}

/** 1 / x; of 0 it is 0. */
function inverse(x) {
  return each(x, (v) => (v === 0 ? 0 : 1 / v), (g, y) => scaled(times(g, squared(y)), -1));
}

/** The square root, whose derivative at 0 is taken as 0. */
function root(x) {
  return each(x, Math.sqrt, (g, y) => scaled(times(g, inverse(y)), 0.5));
}

function tanh(x) {
  return each(x, Math.tanh, (g, y) => times(g, scaled(squared(y), -1, 1)));
}

function sigmoid(x) {
  const rule = (v) => (v >= 0 ? 1 / (1 + Math.exp(-v)) : Math.exp(v) / (1 + Math.exp(v)));
  return each(x, rule, (g, y) => times(g, times(y, scaled(y, -1, 1))));
}

/** log(1 + e^x); as in torch it is x beyond 20. */
function softplus(x) {
  const rule = (v) => (v > 20 ? v : Math.log1p(Math.exp(v)));
  return each(x, rule, (g) => times(g, sigmoid(x)));
}

/** x where it is positive, and `slope` times x elsewhere. */
function leaky(x, slope) {
  const made = computed(x.rows, x.cols, [x], [(g) => sloped(g, made, slope)]);
  store.leaky(made, x, x, slope);
  return made;
}

/** g, times the slope that a leaky ReLU has where it put out y; constant in y. */
function sloped(g, y, slope) {
  const made = computed(g.rows, g.cols, [g], [(next) => sloped(next, y, slope)]);
  store.leaky(made, g, y, slope);
  return made;
}

function relu(x) {
  return leaky(x, 0);
}

// ---- Sums and shapes

/** The sum along the axes in which the shape has 1. */
function summedTo(x, rows, cols) {
  if (x.rows === rows && x.cols === cols) return x;
  const made = computed(rows, cols, [x], [(g) => spread(g, x.rows, x.cols)]);
  const [from, out] = [x.data, made.data.fill(0)];
  const [down, right] = steps(made);
  for (let i = 0, at = 0; i < x.rows; i += 1) {
    for (let j = 0; j < x.cols; j += 1, at += 1) out[i * down + j * right] += from[at];
  }
  return made;
}

/** Repeated along the axes in which x has 1. */
function spread(x, rows, cols) {
  if (x.rows === rows && x.cols === cols) return x;
  return add(x, filled(rows, cols, 0));
}

/** The sum of all numbers. */
function total(x) {
  return summedTo(x, 1, 1);
}

/** The mean of all numbers. */
function mean(x) {
  return scaled(total(x), 1 / x.size);
}

/** Two matrices with as many rows, next to each other. */
function joined(a, b) {
  const cols = a.cols + b.cols;
  const made = computed(a.rows, cols, [a, b], [
    (g) => columns(g, 0, a.cols),
    (g) => columns(g, a.cols, b.cols),
  ]);
  const out = made.data;
  for (let i = 0; i < a.rows; i += 1) {
    out.set(a.data.subarray(i * a.cols, (i + 1) * a.cols), i * cols);
    out.set(b.data.subarray(i * b.cols, (i + 1) * b.cols), i * cols + a.cols);
  }
  return made;
}

/** Some consecutive columns. */
function columns(x, first, count) {
  const made = computed(x.rows, count, [x], [(g) => widened(g, first, x.cols)]);
  for (let i = 0; i < x.rows; i += 1) {
    const start = i * x.cols + first;
    made.data.set(x.data.subarray(start, start + count), i * count);
  }
  return made;
}

/** Columns of zeros on both sides, so that x is the columns from `first` on. */
function widened(x, first, cols) {
  const made = computed(x.rows, cols, [x], [(g) => columns(g, first, x.cols)]);
  made.data.fill(0);
  for (let i = 0; i < x.rows; i += 1) {
    made.data.set(x.data.subarray(i * x.cols, (i + 1) * x.cols), i * cols + first);
  }
  return made;
}
