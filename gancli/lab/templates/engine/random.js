// Randomness without state: every draw is a function of what it is drawn for, so that two labs with
// one seed have the same draws, whatever their models are. Not the numbers of `gan train`.

/** A generator of 32 random bits (sfc32 of PractRand, by Chris Doty-Humphrey). */
class Stream {
  constructor(seed, purpose, step = 0, turn = 0) {
    const start = hashed(`${purpose}/${seed}/${step}/${turn}`);
    /** Three words and a counter. */
    this.state = Int32Array.of(start, start ^ 0x9e3779b9, seed, 1);
    this.spare = NaN;
    for (let i = 0; i < 12; i += 1) this.bits();
  }

  bits() {
    const words = this.state;
    const sum = (words[0] + words[1] + words[3]) | 0;
    words[3] += 1;
    words[0] = words[1] ^ (words[1] >>> 9);
    words[1] = words[2] + (words[2] << 3);
    words[2] = ((words[2] << 21) | (words[2] >>> 11)) + sum;
    return sum >>> 0;
  }

  /** Uniform on (0, 1). */
  uniform() {
    return (this.bits() + 0.5) / 4294967296;
  }

  /** Standard normal: Box and Muller's pair, one after the other. */
  normal() {
    const kept = this.spare;
    if (!Number.isNaN(kept)) {
      this.spare = NaN;
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

  /** Fill an array with numbers, as `draw` gives them: "normal" or "uniform"; returns it. */
  fill(numbers, draw) {
    const isNormal = draw === "normal";
    for (let i = 0; i < numbers.length; i += 1) {
      numbers[i] = isNormal ? this.normal() : this.uniform();
    }
    return numbers;
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
