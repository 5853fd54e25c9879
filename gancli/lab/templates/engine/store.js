// Where numbers lie. One store belongs to one lab: weights and what optimisers remember at the
// bottom, and above them what a turn computes, which is let go at the turn's end.
//
// With WebAssembly the numbers lie in its memory, where the kernel multiplies matrices without a
// copy; without it they are arrays of their own, and multiplied by loops.

/** The store that tensors are made in: that of the lab at work. */
let store = null;

/** Bytes of a double. */
const DOUBLE = 8;
/** Bytes of a page of WebAssembly's memory. */
const PAGE = 65536;
/** Pages that a memory starts with: 16 MB. It grows as needed. */
const FIRST_PAGES = 256;
/** Numbers start at multiples of this many bytes: a vector's. */
const ALIGNMENT = 16;

/** Whether the kernel can be used at all; tests set it to false to see what loops do. */
const kernelUse = { allowed: typeof WebAssembly === "object" };

/** The kernel, compiled once; null: there is none. */
let compiled = null;

function makeStore() {
  if (!kernelUse.allowed || !KERNEL_BYTES) return new PlainStore();
  const decoded = () => Uint8Array.from(atob(KERNEL_BYTES), (each) => each.charCodeAt(0));
  compiled ??= new WebAssembly.Module(decoded());
  return new KernelStore(compiled);
}

/** Let another store be the one at work while `work` runs; returns what it returns. */
function within(other, work) {
  const before = store;
  store = other;
  try {
    return work();
  } finally {
    store = before;
  }
}

/** As `within`, and all that was computed is let go: what is returned must not be a tensor. */
function brief(other, work) {
  return within(other, () => {
    const mark = store.mark();
    try {
      return work();
    } finally {
      store.release(mark);
    }
  });
}

/** Numbers in WebAssembly's memory. */
class KernelStore {
  constructor(module) {
    this.memory = new WebAssembly.Memory({ initial: FIRST_PAGES });
    const instance = new WebAssembly.Instance(module, { lab: { memory: this.memory } });
    this.kernel = instance.exports;
    this.top = ALIGNMENT;
    /** By place. */
    this.views = new Map();
  }

  /** The place of `count` numbers, which may be anything. */
  reserve(count) {
    const place = this.top;
    this.top = place + Math.ceil((count * DOUBLE) / ALIGNMENT) * ALIGNMENT;
    this._makeRoom(this.top);
    return place;
  }

  _makeRoom(bytes) {
    const lacking = bytes - this.memory.buffer.byteLength;
    if (lacking > 0) {
      // In large steps: each makes views of all numbers stale.
      this.memory.grow(Math.max(FIRST_PAGES, Math.ceil(lacking / PAGE)));
      this.views.clear();
    }
  }

  /**
   * The numbers at a place; stale once the memory has grown. Turns take the same places again and
   * again, and views of them are kept: to make one costs more than a small matrix's arithmetic.
   */
  view(place, count) {
    const kept = this.views.get(place);
    if (kept?.length === count) return kept;
    const made = new Float64Array(this.memory.buffer, place, count);
    this.views.set(place, made);
    return made;
  }

  mark() {
    return this.top;
  }

  release(mark) {
    this.top = mark;
  }

  /** to = a b, where each may be transposed first. */
  multiply(to, a, b, aTurned, bTurned) {
    const inner = aTurned ? a.rows : a.cols;
    const mark = this.mark();
    const spare = this.reserve(4 * inner + inner * 4 * Math.ceil(to.cols / 4) + 16);
    this.kernel.multiply(
      a.place, ...strides(a, aTurned), b.place, ...strides(b, bTurned),
      to.place, to.rows, to.cols, inner, spare,
    );
    this.release(mark);
  }

  /** to = from where `sign` is positive, and slope times it elsewhere; places are pairs of numbers. */
  leaky(to, from, sign, slope) {
    this.kernel.leaky(from.place, sign.place, to.place, to.size, slope);
  }
}

/** Bytes from a row to the next, and from a column to the next. */
function strides(matrix, turned) {
  const along = matrix.cols * DOUBLE;
  return turned ? [DOUBLE, along] : [along, DOUBLE];
}

/** Numbers in arrays of their own. */
class PlainStore {
  reserve() {
    return 0;
  }

  view(place, count) {
    return new Float64Array(count);
  }

  mark() {
    return 0;
  }

  release() {}

  multiply(to, a, b, aTurned, bTurned) {
    const inner = aTurned ? a.rows : a.cols;
    const [x, y, out] = [a.data, b.data, to.data.fill(0)];
    const [aRow, aCol] = aTurned ? [1, a.cols] : [a.cols, 1];
    const [bRow, bCol] = bTurned ? [1, b.cols] : [b.cols, 1];
    for (let i = 0; i < to.rows; i += 1) {
      for (let k = 0; k < inner; k += 1) {
        const factor = x[i * aRow + k * aCol];
        for (let j = 0; j < to.cols; j += 1) {
          out[i * to.cols + j] += factor * y[k * bRow + j * bCol];
        }
      }
    }
  }

  leaky(to, from, sign, slope) {
    const [x, signs, out] = [from.data, sign.data, to.data];
    for (let i = 0; i < out.length; i += 1) out[i] = signs[i] > 0 ? x[i] : slope * x[i];
  }
}
