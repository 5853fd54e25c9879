// Optimisers as torch has them. Each moves a parameter by its gradient, and keeps what it remembers
// of it in slots: arrays of as many numbers, by name, which start at 0.

const OPTIMIZERS = {
  /** Kingma and Ba 2015. */
  adam: {
    slots: ["exp_avg", "exp_avg_sq"],
    move(weights, gradient, slots, spec, step) {
      const [first, second] = [slots.exp_avg, slots.exp_avg_sq];
      const [beta1, beta2] = spec.betas;
      const rate = spec.lr / (1 - beta1 ** step);
      const spread = Math.sqrt(1 - beta2 ** step);
      for (let i = 0; i < weights.length; i += 1) {
        const slope = gradient[i];
        first[i] += (1 - beta1) * (slope - first[i]);
        second[i] = beta2 * second[i] + (1 - beta2) * slope * slope;
        weights[i] -= (rate * first[i]) / (Math.sqrt(second[i]) / spread + spec.eps);
      }
    },
  },
  /** Tieleman and Hinton 2012. */
  rmsprop: {
    slots: ["square_avg"],
    move(weights, gradient, slots, spec) {
      const square = slots.square_avg;
      for (let i = 0; i < weights.length; i += 1) {
        const slope = gradient[i];
        square[i] = spec.alpha * square[i] + (1 - spec.alpha) * slope * slope;
        weights[i] -= (spec.lr * slope) / (Math.sqrt(square[i]) + spec.eps);
      }
    },
  },
};

/** One player's optimiser. */
class Optimizer {
  constructor(spec, parameters) {
    this.spec = spec;
    this.rule = OPTIMIZERS[spec.kind];
    /** How often it has moved each parameter. */
    this.counts = {};
    this.slots = {};
    for (const [name, { size }] of Object.entries(parameters)) {
      this.counts[name] = 0;
      this.slots[name] = Object.fromEntries(
        this.rule.slots.map((slot) => [slot, new Float64Array(size)]),
      );
    }
  }

  /** Move parameters; those without a gradient stay. `factor`: of the learning rate. */
  step(parameters, found, factor) {
    const spec = { ...this.spec, lr: this.spec.lr * factor };
    for (const [name, gradient] of Object.entries(found)) {
      if (gradient === null) continue;
      this.counts[name] += 1;
      this.rule.move(
        parameters[name].data, gradient.data, this.slots[name], spec, this.counts[name],
      );
    }
  }
}
