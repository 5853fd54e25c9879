// Operations on tensors, with the names and arguments that they have in ATen's core.
// A tensor is {shape, data}: float32 (whole numbers, too), its last axis innermost in memory.

const size = (shape) => shape.reduce((product, side) => product * side, 1);
const tensor = (shape, data = new Float32Array(size(shape))) => ({shape, data});
const isTensor = (x) => x !== null && typeof x === "object" && "data" in x;
const asTensor = (x) => isTensor(x) ? x : tensor([], Float32Array.of(x));
const axisOf = (x, axis) => axis < 0 ? axis + x.shape.length : axis;

function strides(shape) {
  const found = new Array(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    found[axis] = step;
    step *= shape[axis];
  }
  return found;
}

// Calls visit(from, to, count) for each innermost row: where it begins in sources with these steps.
function eachRow(shape, steps, visit) {
  const last = shape.length - 1;
  function go(axis, places, to) {
    if (axis >= last) return visit(places, to);
    const own = size(shape.slice(axis + 1));
    for (let i = 0; i < shape[axis]; i++) {
      go(axis + 1, places.map((place, n) => place + i * steps[n][axis]), to + i * own);
    }
  }
  if (size(shape)) go(0, steps.map(() => 0), 0);
}

// A tensor of a shape whose numbers are read from x at these steps, one for each axis.
function gathered(x, shape, steps, start = 0) {
  const made = tensor(shape), count = shape.at(-1) ?? 1, step = steps.at(-1) ?? 0;
  eachRow(shape, [steps], ([from], to) => {
    for (let i = 0; i < count; i++) made.data[to + i] = x.data[start + from + i * step];
  });
  return made;
}

function unary(change) {
  return (x, ...settings) => {
    const made = tensor(x.shape), {data} = made;
    for (let i = 0; i < data.length; i++) data[i] = change(x.data[i], ...settings);
    return made;
  };
}

function broadcastShape(a, b) {
  const length = Math.max(a.length, b.length);
  return Array.from({length}, (_, i) => {
    const [p, q] = [a, b].map((shape) => shape[shape.length - length + i] ?? 1);
    return p === 1 ? q : p;
  });
}

function broadcastSteps(x, shape) {
  const own = strides(x.shape), missing = shape.length - x.shape.length;
  return shape.map((_, i) => i < missing || x.shape[i - missing] === 1 ? 0 : own[i - missing]);
}

function binary(join) {
  return (first, second, ...settings) => {
    const a = asTensor(first), b = asTensor(second);
    const shape = broadcastShape(a.shape, b.shape), made = tensor(shape);
    const steps = [a, b].map((x) => broadcastSteps(x, shape));
    const count = shape.at(-1) ?? 1, [p, q] = steps.map((each) => each.at(-1) ?? 0);
    eachRow(shape, steps, ([from, other], to) => {
      for (let i = 0; i < count; i++) {
        made.data[to + i] = join(a.data[from + i * p], b.data[other + i * q], ...settings);
      }
    });
    return made;
  };
}

// Joins the numbers along axes, and ends with what `finish` makes of the result and their count.
function reduction(start, join, finish = (sum) => sum) {
  return (x, axes, keep = false) => {
    const over = new Set((axes?.length ? axes : x.shape.map((_, i) => i)).map((a) => axisOf(x, a)));
    const left = x.shape.map((side, axis) => over.has(axis) ? 1 : side);
    const own = strides(left).map((step, axis) => over.has(axis) ? 0 : step);
    const sums = new Float64Array(size(left)).fill(start), count = x.shape.at(-1) ?? 1;
    eachRow(x.shape, [own], ([to], from) => {
      for (let i = 0; i < count; i++) {
        const place = to + i * (own.at(-1) ?? 0);
        sums[place] = join(sums[place], x.data[from + i]);
      }
    });
    const joined = x.data.length / sums.length;
    const shape = keep ? left : left.filter((_, axis) => !over.has(axis));
    return tensor(shape, Float32Array.from(sums, (sum) => finish(sum, joined)));
  };
}

function view(x, wanted) {
  const known = size(wanted.filter((side) => side >= 0));
  return tensor(wanted.map((side) => side < 0 ? x.data.length / known : side), x.data);
}

function permute(x, axes) {
  const own = strides(x.shape), order = axes.map((axis) => axisOf(x, axis));
  return gathered(x, order.map((axis) => x.shape[axis]), order.map((axis) => own[axis]));
}

function expand(x, wanted) {
  const missing = wanted.length - x.shape.length;
  const shape = wanted.map((side, axis) => side < 0 ? x.shape[axis - missing] : side);
  return gathered(x, shape, broadcastSteps(x, shape));
}

function slice(x, dim, from, to, step) {
  const axis = axisOf(x, dim), side = x.shape[axis], own = strides(x.shape);
  const bound = (place, otherwise) => {
    const at = place ?? otherwise;
    return Math.min(Math.max(at < 0 ? at + side : at, 0), side);
  };
  const start = bound(from, 0), count = Math.max(Math.ceil((bound(to, side) - start) / step), 0);
  const shape = x.shape.with(axis, count);
  if (count === side) return x;
  return gathered(x, shape, own.with(axis, own[axis] * step), start * own[axis]);
}

function select(x, dim, place) {
  const axis = axisOf(x, dim), at = place < 0 ? place + x.shape[axis] : place;
  return view(slice(x, axis, at, at + 1, 1), x.shape.filter((_, n) => n !== axis));
}

function cat(parts, dim = 0) {
  const axis = axisOf(parts[0], dim);
  const side = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  const made = tensor(parts[0].shape.with(axis, side));
  const outer = size(made.shape.slice(0, axis));
  let place = 0;
  for (let row = 0; row < outer; row++) {
    for (const {data} of parts) {
      const own = data.length / outer;
      made.data.set(data.subarray(row * own, (row + 1) * own), place);
      place += own;
    }
  }
  return made;
}

function squeeze(x, axes) {
  const gone = axes.map((axis) => axisOf(x, axis));
  return tensor(x.shape.filter((side, axis) => side !== 1 || !gone.includes(axis)), x.data);
}

function unsqueeze(x, dim) {
  return tensor(x.shape.toSpliced(dim < 0 ? dim + x.shape.length + 1 : dim, 0, 1), x.data);
}

function pad(x, sides, value) {
  const shape = x.shape.map((side, axis) => {
    const at = 2 * (x.shape.length - 1 - axis);
    return side + (sides[at] ?? 0) + (sides[at + 1] ?? 0);
  });
  const made = tensor(shape), own = strides(shape), {data} = made;
  data.fill(value);
  const start = x.shape.reduce(
    (sum, _, axis) => sum + own[axis] * (sides[2 * (x.shape.length - 1 - axis)] ?? 0), 0);
  eachRow(x.shape, [own], ([to], from) => {
    data.set(x.data.subarray(from, from + x.shape.at(-1)), start + to);
  });
  return made;
}

// Rows `from` to `m` of c = a b, for a of (m, k) and b of (k, n), one at a time.
function productOfRows(a, b, c, from, m, k, n) {
  const sums = new Float64Array(n);
  for (let i = from; i < m; i++) {
    sums.fill(0);
    for (let p = 0, at = 0; p < k; p++) {
      const x = a[i * k + p];
      for (let j = 0; j < n; j++) sums[j] += x * b[at++];
    }
    c.set(sums, i * n);
  }
}

// Four rows and two columns at a time: what is read is used several times.
function product(a, b, c, m, k, n) {
  const rows = n < 2 ? 0 : m - m % 4;
  for (let i = 0; i < rows; i += 4) {
    const r0 = i * k, r1 = r0 + k, r2 = r1 + k, r3 = r2 + k;
    for (let column = 0; column < n; column += 2) {
      // Where n is odd, the last two columns overlap those before them.
      const j = Math.min(column, n - 2);
      let a0 = 0, a1 = 0, b0 = 0, b1 = 0, c0 = 0, c1 = 0, d0 = 0, d1 = 0;
      for (let p = 0, at = j; p < k; p++, at += n) {
        const x = b[at], y = b[at + 1];
        const e = a[r0 + p], f = a[r1 + p], g = a[r2 + p], h = a[r3 + p];
        a0 += e * x; a1 += e * y; b0 += f * x; b1 += f * y;
        c0 += g * x; c1 += g * y; d0 += h * x; d1 += h * y;
      }
      const to = i * n + j;
      c[to] = a0; c[to + 1] = a1; c[to + n] = b0; c[to + n + 1] = b1;
      c[to + 2 * n] = c0; c[to + 2 * n + 1] = c1; c[to + 3 * n] = d0; c[to + 3 * n + 1] = d1;
    }
  }
  productOfRows(a, b, c, rows, m, k, n);
}

function mm(a, b) {
  const [m, k] = a.shape, n = b.shape[1], made = tensor([m, n]);
  product(a.data, b.data, made.data, m, k, n);
  return made;
}

function bmm(a, b) {
  const [count, m, k] = a.shape, n = b.shape[2], made = tensor([count, m, n]);
  for (let i = 0; i < count; i++) {
    const part = (data, own) => data.subarray(i * own, (i + 1) * own);
    product(part(a.data, m * k), part(b.data, k * n), part(made.data, m * n), m, k, n);
  }
  return made;
}

const add = binary((x, y, alpha = 1) => x + alpha * y);
const mul = binary((x, y) => x * y);

function addmm(bias, a, b, beta, alpha) {
  return add(mul(mm(a, b), alpha), bias, beta);
}

// Where the kernel's places fall: visit(place in the patch, row of it, column of it).
function eachTap(channels, [height, width], visit) {
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) visit(at++, channel, y, x);
  }
}

// Moves numbers between images of (channels, H, W) and their patches of (channels * taps, h * w).
function patches(image, [channels, height, width], patch, [rows, columns], how, toImage) {
  const {kernel, stride, padding, dilation} = how;
  eachTap(channels, kernel, (tap, channel, ky, kx) => {
    for (let row = 0; row < rows; row++) {
      const y = row * stride[0] - padding[0] + ky * dilation[0];
      if (y < 0 || y >= height) continue;
      const from = (channel * height + y) * width, to = (tap * rows + row) * columns;
      for (let column = 0; column < columns; column++) {
        const x = column * stride[1] - padding[1] + kx * dilation[1];
        if (x < 0 || x >= width) continue;
        if (toImage) image[from + x] += patch[to + column];
        else patch[to + column] = image[from + x];
      }
    }
  });
}

function convolved(x, weight, how, groups) {
  const [batch, inputs, height, width] = x.shape, [outputs, own, ...kernel] = weight.shape;
  const sides = [height, width].map((side, i) => Math.floor(
    (side + 2 * how.padding[i] - how.dilation[i] * (kernel[i] - 1) - 1) / how.stride[i]) + 1);
  const made = tensor([batch, outputs, ...sides]), places = size(sides), taps = own * size(kernel);
  const share = outputs / groups, patch = new Float32Array(taps * places);
  for (let i = 0; i < batch * groups; i++) {
    const from = i * own * height * width, group = i % groups;
    const image = x.data.subarray(from, from + own * height * width);
    patch.fill(0);
    patches(image, [own, height, width], patch, sides, {...how, kernel}, false);
    product(
      weight.data.subarray(group * share * taps, (group + 1) * share * taps), patch,
      made.data.subarray(i * share * places, (i + 1) * share * places), share, taps, places);
  }
  return made;
}

function convolvedBack(x, weight, how, groups) {
  const [batch, inputs, height, width] = x.shape, [, share, ...kernel] = weight.shape;
  const sides = [height, width].map((side, i) => (side - 1) * how.stride[i] - 2 * how.padding[i]
    + how.dilation[i] * (kernel[i] - 1) + how.outputPadding[i] + 1);
  const made = tensor([batch, share * groups, ...sides]), own = inputs / groups;
  const taps = share * size(kernel), places = height * width;
  const patch = new Float32Array(taps * places);
  for (let i = 0; i < batch * groups; i++) {
    const group = i % groups, area = share * size(sides);
    const image = x.data.subarray(i * own * places, (i + 1) * own * places);
    product(turned(weight, group, own, taps), image, patch, taps, own, places);
    const to = made.data.subarray(i * area, (i + 1) * area);
    patches(to, [share, ...sides], patch, [height, width], {...how, kernel}, true);
  }
  return made;
}

const turnedWeights = new WeakMap();

// A group of a transposed convolution's weights as (taps, inputs); made once.
function turned(weight, group, own, taps) {
  const known = turnedWeights.get(weight.data) ?? [];
  if (!known[group]) {
    const part = weight.data.subarray(group * own * taps, (group + 1) * own * taps);
    known[group] = permute(tensor([own, taps], part), [1, 0]).data;
    turnedWeights.set(weight.data, known);
  }
  return known[group];
}

function convolution(
  x, weight, bias, stride, padding, dilation, isTransposed, outputPadding, groups
) {
  const how = {stride, padding, dilation, outputPadding};
  const made = (isTransposed ? convolvedBack : convolved)(x, weight, how, groups);
  if (bias === null) return made;
  return add(made, tensor([bias.shape[0], 1, 1], bias.data));
}

function batchNorm(x, weight, bias, mean, variance, momentum, eps) {
  const shape = [mean.shape[0], ...x.shape.slice(2).map(() => 1)];
  const scale = mean.data.map((_, i) => (weight?.data[i] ?? 1) / Math.sqrt(variance.data[i] + eps));
  const shift = mean.data.map((each, i) => (bias?.data[i] ?? 0) - each * scale[i]);
  return [add(mul(x, tensor(shape, scale)), tensor(shape, shift))];
}

function softmax(x, dim) {
  const axis = [axisOf(x, dim)], largest = reduction(-Infinity, Math.max)(x, axis, true);
  const shares = binary((a, b) => Math.exp(a - b))(x, largest);
  const sums = reduction(0, (sum, value) => sum + value)(shares, axis, true);
  return binary((a, b) => a / b)(shares, sums);
}

function upsampleNearest(x, sides, factors) {
  const [batch, channels, height, width] = x.shape;
  const wanted = sides ?? [height * factors[0], width * factors[1]].map(Math.floor);
  const made = tensor([batch, channels, ...wanted]);
  const column = Array.from({length: wanted[1]}, (_, i) => Math.floor(i * width / wanted[1]));
  for (let to = 0, n = 0; n < batch * channels; n++) {
    for (let row = 0; row < wanted[0]; row++) {
      const from = (n * height + Math.floor(row * height / wanted[0])) * width;
      for (const place of column) made.data[to++] = x.data[from + place];
    }
  }
  return made;
}

function embedding(table, places) {
  const width = table.shape[1], made = tensor([...places.shape, width]);
  places.data.forEach((row, i) => {
    made.data.set(table.data.subarray(row * width, (row + 1) * width), i * width);
  });
  return made;
}

function arange(start, end, step) {
  const count = Math.ceil((end - start) / step);
  return tensor([count], Float32Array.from({length: count}, (_, i) => start + i * step));
}

// `gan export` reads these names: an operation that is not here is refused when a page is written.
const OPERATIONS = {
  "_native_batch_norm_legit_no_training": batchNorm,
  "_softmax": softmax,
  "_to_copy": (x) => x,
  "abs": unary(Math.abs),
  "add.Tensor": add,
  "addmm": addmm,
  "amax": reduction(-Infinity, Math.max),
  "arange.start_step": arange,
  "bmm": bmm,
  "cat": cat,
  "clamp": unary((x, least, most) => Math.min(Math.max(x, least ?? -Infinity), most ?? Infinity)),
  "clone": (x) => x,
  "constant_pad_nd": pad,
  "convolution": convolution,
  "div.Tensor": binary((x, y) => x / y),
  "elu": unary((x, alpha, scale, inner) => scale * (x > 0 ? x : alpha * Math.expm1(x * inner))),
  "embedding": embedding,
  "eq.Tensor": binary((x, y) => +(x === y)),
  "exp": unary(Math.exp),
  "expand": expand,
  "full": (shape, value) => { const made = tensor(shape); made.data.fill(value); return made; },
  "getitem": (values, place) => values[place],
  "leaky_relu": unary((x, slope) => x > 0 ? x : slope * x),
  "mean.dim": reduction(0, (sum, value) => sum + value, (sum, count) => sum / count),
  "mm": mm,
  "mul.Tensor": mul,
  "neg": unary((x) => -x),
  "permute": permute,
  "relu": unary((x) => Math.max(x, 0)),
  "rsqrt": unary((x) => 1 / Math.sqrt(x)),
  "select.int": select,
  "sigmoid": unary((x) => 1 / (1 + Math.exp(-x))),
  "slice.Tensor": slice,
  "sqrt": unary(Math.sqrt),
  "squeeze.dims": squeeze,
  "sub.Tensor": binary((x, y, alpha = 1) => x - alpha * y),
  "sum.dim_IntList": reduction(0, (sum, value) => sum + value),
  "sym_size.int": (x, axis) => x.shape[axisOf(x, axis)],
  "tanh": unary(Math.tanh),
  "unsqueeze": unsqueeze,
  "upsample_nearest2d.vec": upsampleNearest,
  "view": view,
};

function halves(bits) {
  const made = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const sign = bits[i] & 0x8000 ? -1 : 1, power = (bits[i] >> 10) & 31, rest = bits[i] & 1023;
    if (power === 31) made[i] = rest ? NaN : sign * Infinity;
    else made[i] = sign * (power ? 2 ** (power - 25) * (1024 + rest) : 2 ** -24 * rest);
  }
  return made;
}

const STORED = {
  float16: (bytes) => halves(new Uint16Array(bytes)),
  float32: (bytes) => new Float32Array(bytes),
  int64: (bytes) => Float32Array.from(new BigInt64Array(bytes), Number),
};
const BYTES = {float16: 2, float32: 4, int64: 8};

// A program as `gan export` writes it, made ready: run(inputs by name) gives its result.
class Program {
  constructor(written, base64) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer;
    const weight = ({shape, type, start}) =>
      tensor(shape, STORED[type](bytes.slice(start, start + size(shape) * BYTES[type])));
    this.written = written;
    // What depends on weights alone is computed once, and kept.
    this.kept = [...written.inputs.map(() => undefined), ...written.weights.map(weight)];
  }

  run(inputs) {
    const {operations, output} = this.written;
    const values = [...this.kept];
    this.written.inputs.forEach((name, place) => { values[place] = inputs[name]; });
    const first = this.written.inputs.length + this.written.weights.length;
    operations.forEach(({name, arguments: said}, n) => {
      values[first + n] = this.kept[first + n]
        ?? OPERATIONS[name](...said.map((each) => filled(each, values)));
      if (said.every((each) => this.isKept(each))) this.kept[first + n] = values[first + n];
    });
    return values[output];
  }

  isKept(argument) {
    if (Array.isArray(argument)) return argument.every((each) => this.isKept(each));
    return argument === null || typeof argument !== "object"
      || this.kept[argument.value] !== undefined;
  }
}

function filled(argument, values) {
  if (Array.isArray(argument)) return argument.map((each) => filled(each, values));
  return argument !== null && typeof argument === "object" ? values[argument.value] : argument;
}
