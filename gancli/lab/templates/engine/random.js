// Randomness without state: every draw is a function of what it is drawn for, so that two labs with
// one seed have the same draws, whatever their models are. Not the numbers of `gan train`.

/** A generator of 32 random bits (sfc32 of PractRand, by Chris Doty-Humphrey). */
class Stream {
  constructor(seed, purpose, step = 0, turn = 0) {
    const start = hashed(`${purpose}/${seed}/${step}/${turn}`);
    this.a = start;
    this.b = start ^ 0x9e3779b9;
    this.c = seed | 0;
    this.counter = 1;
    this.spare = null;
    for (let i = 0; i < 12; i += 1) this.bits();
  }

  bits() {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform on (0, 1). */
  uniform() {
    return (this.bits() + 0.5) / 4294967296;
  }

  /** Standard normal: Box and Muller's pair, one after the other. */
  normal() {
    if (this.spare !== null) {
      const kept = this.spare;
      this.spare = null;
      return kept;
    }
    const length = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = length * Math.sin(angle);
    return length * Math.cos(angle);
  }

  /** A whole number from 0 to count - 1. */
  below(count) {
    return Math.floor(this.uniform() * count);
  }

  /** An array of `count` numbers, as `draw` gives them: "normal" or "uniform". */
  numbers(count, draw) {
    return Float64Array.from({ length: count }, () => this[draw]());
  }

  /** The numbers from 0 to count - 1 in random order (Fisher and Yates). */
  order(count) {
    const found = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i -= 1) {
      const j = this.below(i + 1);
      [found[i], found[j]] = [found[j], found[i]];
    }
    return found;
  }
}

/** 32 bits of a text (Fowler, Noll and Vo's hash 1a). */
function hashed(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash;
}
