// Numbers over steps, thinned as they grow: neighbours become their mean.

const MOST_VALUES = 400;

class Series {
  constructor() {
    this.steps = [];
    this.values = [];
    this.stride = 1;
    this.waiting = [];
  }

  add(step, value) {
    this.waiting.push(value);
    if (this.waiting.length < this.stride) return;
    this.steps.push(step);
    this.values.push(this.waiting.reduce((a, b) => a + b) / this.waiting.length);
    this.waiting = [];
    if (this.steps.length >= MOST_VALUES) this.thin();
  }

  thin() {
    this.steps = this.steps.filter((_, place) => place % 2);
    this.values = this.steps.map((_, place) => (this.values[2 * place] + this.values[2 * place + 1]) / 2);
    this.stride *= 2;
  }

  /** Forget what came after a step. */
  cut(step) {
    const left = this.steps.filter((each) => each <= step).length;
    this.steps.length = this.values.length = left;
    this.waiting = [];
  }

  get latest() {
    return this.values.at(-1);
  }
}

/** Series by name, in the order in which they came. */
class SeriesByName {
  constructor() {
    this.all = new Map();
  }

  add(step, values) {
    for (const [name, value] of Object.entries(values)) {
      if (!this.all.has(name)) this.all.set(name, new Series());
      this.all.get(name).add(step, value);
    }
  }

  cut(step) {
    for (const series of this.all.values()) series.cut(step);
  }
}
