// The terms of losses and the constraints, under the names of a preset's tables. Each side's method
// gives the unweighted summand, a number, from what a turn sees: r = D(x), f = D(G(z)).
// `t` holds the fields of the preset's table.

/** Mean binary cross-entropy of telling fakes from reals; the mean of both parts if halved. */
function crossEntropy(t, see) {
  const [fake, real] = [mean(softplus(see.fakeOutput)), recognised(t.real_target ?? 1, see)];
  return scaled(add(fake, real), t.halved ? 0.5 : 1);
}

function recognised(target, see) {
  const found = mean(softplus(scaled(see.realOutput, -1)));
  if (target === 1) return found;
  return add(scaled(found, target), scaled(mean(softplus(see.realOutput)), 1 - target));
}

function meanMinus(output) {
  return scaled(mean(output), -1);
}

/** The mean of what lacks up to a margin of 1. */
function lacking(output) {
  return mean(relu(scaled(output, -1, 1)));
}

function missed(output, target) {
  return mean(squared(scaled(output, 1, -target)));
}

/** Half of the targets' squared distances, where the side's are halved. */
function halvedOn(t, side) {
  const own = side === "generator" ? t.generator_halved ?? t.halved : t.halved;
  return own ? 0.5 : 1;
}

/** Mean squared norm of the logit's gradient at samples that want one. */
function slopePenalty(t, output, sample) {
  const [slope] = gradients(total(output), [sample.x], true);
  return scaled(total(squared(slope)), (t.every / slope.rows) * (t.halved ? 0.5 : 1));
}

function penaltyAt(kind) {
  return (t, see) => {
    if (t.shared_forward) return slopePenalty(t, see[`${kind}Output`], see[kind]);
    const sample = { ...see[kind], x: leaf(see[kind].x) };
    return slopePenalty(t, see.judge(sample), sample);
  };
}

/** Samples mixed with one share for each, or for all. */
function mixed(see, t) {
  const [real, fake] = [see.real.x, see.fake.x];
  const share = see.uniform("mix", t.per_sample ? real.rows : 1);
  const x = add(fake, times(subtract(real, fake), share));
  return { ...see.real, x: leaf(x) };
}

/** The mean squared distance from 1 of rows' lengths. */
function offUnit(slope) {
  const lengths = root(summedTo(squared(slope), slope.rows, 1));
  return mean(squared(scaled(lengths, 1, -1)));
}

/** How much the first logits lie within the margin of 1 from the other kind's mean, both ways. */
function averageHinge(better, worse) {
  const first = subtract(better, mean(worse));
  const second = subtract(worse, mean(better));
  return add(lacking(first), lacking(scaled(second, -1)));
}

const TERMS = {
  vanilla: {
    discriminator: crossEntropy,
    generator: (t, see) => {
      if (t.saturating) return scaled(mean(softplus(see.fakeOutput)), -1);
      return mean(softplus(scaled(see.fakeOutput, -1)));
    },
  },
  density_ratio: {
    discriminator: crossEntropy,
    generator: (t, see) => meanMinus(see.fakeOutput),
  },
  hinge: {
    discriminator: (t, see) => add(lacking(scaled(see.fakeOutput, -1)), lacking(see.realOutput)),
    generator: (t, see) => {
      return t.generator_margin ? lacking(see.fakeOutput) : meanMinus(see.fakeOutput);
    },
  },
  least_squares: {
    discriminator: (t, see) => {
      const both = add(
        missed(see.fakeOutput, t.fake_target), missed(see.realOutput, t.real_target),
      );
      return scaled(both, halvedOn(t, "discriminator"));
    },
    generator: (t, see) => {
      return scaled(missed(see.fakeOutput, t.generator_target), halvedOn(t, "generator"));
    },
  },
  wasserstein: {
    discriminator: (t, see) => subtract(mean(see.fakeOutput), mean(see.realOutput)),
    generator: (t, see) => meanMinus(see.fakeOutput),
  },
  r1: { discriminator: penaltyAt("real") },
  r2: { discriminator: penaltyAt("fake") },
  gradient_penalty: {
    discriminator: (t, see) => {
      const sample = mixed(see, t);
      const [slope] = gradients(total(see.judge(sample)), [sample.x], true);
      return offUnit(slope);
    },
  },
  latent_reconstruction: {
    generator: (t, see) => {
      const missing = squared(subtract(see.guess(see.fake.x), see.fake.z));
      return t.averaged ? mean(missing) : scaled(total(missing), 0.5 / missing.rows);
    },
  },
  relativistic_average_hinge: {
    discriminator: (t, see) => averageHinge(see.realOutput, see.fakeOutput),
    generator: (t, see) => averageHinge(see.fakeOutput, see.realOutput),
  },
  relativistic_pairing: {
    discriminator: (t, see) => mean(softplus(subtract(see.fakeOutput, see.realOutput))),
    generator: (t, see) => mean(softplus(subtract(see.realOutput, see.fakeOutput))),
  },
};

const CONSTRAINTS = {
  /** Arjovsky et al. 2017, algorithm 1: every parameter stays in [-bound, bound]. */
  weight_clip: {
    project: (t, network) => {
      for (const { data } of Object.values(network.parameters)) {
        for (let i = 0; i < data.length; i += 1) {
          data[i] = Math.min(Math.max(data[i], -t.bound), t.bound);
        }
      }
    },
    gauge: (t, network) => {
      const all = Object.values(network.parameters).flatMap(({ data }) => Array.from(data));
      return { clipped: all.filter((x) => Math.abs(x) >= t.bound).length / all.length };
    },
  },
};
