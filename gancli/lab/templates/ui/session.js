// Both labs together: they take the same steps with the same draws, and stop together.

/** Milliseconds between pictures: about fifteen in a second. */
const FRAME_MILLISECONDS = 66;
const MOST_STEPS_PER_FRAME = 50;
const FAR_BACK = 50;

class Session {
  constructor(shared) {
    this.shared = shared;
    this.labs = [];
    this.running = false;
    this.queue = Promise.resolve();
    this.pace = 1;
    this.rate = null;
    shared.isRunning = () => this.running;
  }

  get shown() {
    return this.shared.isOne ? this.labs.slice(0, 1) : this.labs;
  }

  get step() {
    return this.labs[0]?.step ?? 0;
  }

  /** What is done to labs is done in turn: a setting never changes in the middle of a step. */
  inTurn(work) {
    this.queue = this.queue.then(work).catch((error) => this.refused(error));
    return this.queue;
  }

  refused(error) {
    this.running = false;
    this.changed(`It stopped: ${error.message}`);
  }

  /** A lab was set otherwise: `work` does that; the other begins again, too, if this one does. */
  set(work) {
    return this.inTurn(async () => {
      await work();
      const first = Math.min(...this.shown.map((lab) => lab.step));
      await Promise.all(this.shown.filter((lab) => lab.step > first).map((lab) => lab.restart()));
      this.changed();
    });
  }

  restart() {
    return this.inTurn(async () => {
      await Promise.all(this.shown.map((lab) => lab.restart()));
      this.changed();
    });
  }

  advance(count) {
    return this.inTurn(async () => {
      const spent = await Promise.all(this.shown.map((lab) => lab.advance(count)));
      this.perStep = Math.max(...spent) / count;
      this.changed();
    });
  }

  back(count) {
    this.running = false;
    return this.inTurn(async () => {
      const target = Math.max(0, this.step - count);
      await Promise.all(this.shown.map((lab) => lab.back(target)));
      this.changed();
    });
  }

  toggle() {
    this.running = !this.running;
    this.changed();
    if (this.running) this.run();
    else this.inTurn(() => this.shown.forEach((lab) => lab.draw(true)));
  }

  /** Steps until it is paused, as many between two pictures as are asked for. */
  async run() {
    while (this.running) {
      const began = performance.now(), before = this.step, count = this.stepsNow();
      await this.advance(count);
      const spent = performance.now() - began;
      this.pace = this.paceAfter(count, spent);
      await pause(Math.max(0, FRAME_MILLISECONDS - spent));
      this.tally(count, performance.now() - began);
      if (before < this.shared.until && this.step >= this.shared.until) this.running = false;
    }
    this.inTurn(() => this.shown.forEach((lab) => lab.draw(true)));
    this.changed();
  }

  /** Steps of the next frame: it keeps its length, and steps take two thirds of it at least. */
  paceAfter(count, spent) {
    const looking = Math.max(0, spent - this.perStep * count);
    const training = Math.max(FRAME_MILLISECONDS - looking, 2 * looking);
    return clamp(Math.round(training / this.perStep) || 1, 1, MOST_STEPS_PER_FRAME);
  }

  stepsNow() {
    const count = this.shared.speed === "fast" ? this.pace : +this.shared.speed;
    return this.shared.until > this.step ? Math.min(count, this.shared.until - this.step) : count;
  }

  tally(count, milliseconds) {
    const now = 1000 * count / milliseconds;
    this.rate = this.rate === null ? now : 0.9 * this.rate + 0.1 * now;
  }
}
