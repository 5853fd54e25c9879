// Trains one lab. The same class runs in a worker and, where workers are refused, on the page.

/** Steps between snapshots, and how many of these are kept before the next, coarser row begins. */
const SNAPSHOT_ROWS = [{every: 10, keep: 12}, {every: 100, keep: 12}, {every: 1000, keep: 40}];
const SHOWN_FAKES = 512;
const SHOWN_REALS = 1000;
/** A prime above the number of points that a page holds, so that no point comes twice. */
const STRIDE = 20011;
/** Fakes that are counted for modes: among fewer, rare modes are missed. */
const COUNTED_FAKES = 1024;
/** Pictures reach from -1 to 1, the units of the networks. */
const REACH = 1;
const FIELD_SIDE = 40;
const HISTOGRAM_BINS = 41;

class LabHost {
  /** Answer a message of the page: use, make, change, advance, back. */
  handle(message) {
    return this[message.kind](message);
  }

  /** A worker has none of the page's tables. */
  use({tables}) {
    Lab.use(tables);
  }

  /** Begin again at step 0. */
  make({settings, options}) {
    Object.assign(this, {options, changedAt: 0, snapshots: [], limits: {}});
    this.lab = new Lab(settings, options);
    this.keep();
    return {...this.look(), equations: this.lab.equations, reals: this.someReals()};
  }

  /** Go on from here with other rates, batches or numbers of steps; the networks stay. */
  change({settings}) {
    const here = this.lab.snapshot();
    this.lab = new Lab(settings, this.options);
    this.lab.restore(here);
    this.changedAt = this.lab.stepCount;
    this.keep();
    return {...this.look(), equations: this.lab.equations};
  }

  /** Take `count` steps; returns a row per step and what there is to see after the last. */
  advance({count}) {
    const began = performance.now(), rows = [];
    for (let taken = 0; taken < count; taken++) {
      const {losses, gradNorms} = this.lab.step();
      rows.push({step: this.lab.stepCount, losses, gradNorms});
      if (this.lab.stepCount % SNAPSHOT_ROWS[0].every === 0) this.keep();
    }
    const spent = performance.now() - began;
    return {...this.look(), rows, spent};
  }

  /** Go back to a step: from the last snapshot before it, the steps are taken again. */
  back({step}) {
    const found = this.snapshots.filter((kept) => kept.step <= step).at(-1) ?? this.snapshots[0];
    this.lab.restore(found.state);
    this.snapshots = this.snapshots.filter((kept) => kept.step <= found.step);
    // Steps before a change of rates were taken with others, which are gone.
    if (found.step >= this.changedAt) while (this.lab.stepCount < step) this.lab.step();
    this.changedAt = Math.min(this.changedAt, this.lab.stepCount);
    return this.look();
  }

  keep() {
    const step = this.lab.stepCount;
    this.snapshots = this.snapshots.filter((kept) => kept.step < step);
    this.snapshots.push({step, state: this.lab.snapshot()});
    this.snapshots = this.snapshots.filter((kept) => this.isKept(kept.step, step));
  }

  isKept(step, now) {
    return step === 0 || step === this.changedAt || step === now
      || SNAPSHOT_ROWS.some(({every, keep}) => step % every === 0 && now - step <= every * keep);
  }

  look() {
    const points = this.lab.samples(COUNTED_FAKES);
    return {
      step: this.lab.stepCount, points: points.subarray(0, 2 * SHOWN_FAKES), ...this.lab.field(FIELD_SIDE, REACH),
      modes: this.lab.modes(points), verdict: this.lab.verdict(), weights: this.histograms(),
    };
  }

  /** Some of the real points, in strides, as neighbours may belong together. */
  someReals() {
    const {reals} = this.lab, count = reals.length / 2, shown = Math.min(count, SHOWN_REALS);
    return Float64Array.from({length: 2 * shown}, (_, i) => reals[2 * ((i >> 1) * STRIDE % count) + i % 2]);
  }

  /** Each player's weights as counts between -limit and limit; a limit never shrinks. */
  histograms() {
    const players = {};
    for (const {player, values} of this.lab.weights()) (players[player] ??= []).push(values);
    return Object.entries(players).map(([player, parts]) => {
      const limit = this.limits[player] = this.limitOf(parts, this.limits[player] ?? 0.1);
      const counts = new Array(HISTOGRAM_BINS).fill(0);
      for (const values of parts) for (const value of values) {
        const bin = Math.floor((value / limit + 1) / 2 * HISTOGRAM_BINS);
        counts[Math.max(0, Math.min(HISTOGRAM_BINS - 1, bin)) || 0]++;
      }
      return {player, limit, counts};
    });
  }

  limitOf(parts, least) {
    let largest = least;
    for (const values of parts) for (const value of values) {
      if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
    }
    return least * 2 ** Math.ceil(Math.log2(largest / least) - 1e-9);
  }
}

if (typeof document === "undefined") {
  const host = new LabHost();
  onmessage = ({data: {id, message}}) => {
    try {
      postMessage({id, answer: host.handle(message)});
    } catch (error) {
      postMessage({id, refusal: String(error?.message ?? error)});
    }
  };
}
