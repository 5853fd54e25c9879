// Puts the page together.

const DRAWN = {name: "drawn", words: "draw your own"};

/** What both labs have in common. */
class Shared {
  constructor(start, given) {
    Object.assign(this, start, given);
  }

  /** The drawn points that the labs train on; null: a data set has them. */
  ownPoints() {
    return this.dataset === DRAWN.name && this.drawn.length ? this.drawn : null;
  }

  /** The data set whose settings a lab starts from; with drawn points, those of the page's own. */
  namedData() {
    return this.dataset === DRAWN.name ? this.usualData : this.dataset;
  }

  /** Modes of the data; null: they are not known. */
  modes() {
    return this.ownPoints() ? null : Lab.settingsFor(Lab.models[0].name, this.namedData()).data.modes ?? null;
  }
}

function main() {
  const [tables, chosen, colours] = ["tables", "chosen", "colours"].map(
    (name) => JSON.parse(document.getElementById(`lab-${name}`).textContent));
  Lab.use(tables);
  const datasets = [...Lab.datasets, DRAWN];
  const start = readLink(location.hash.slice(1), chosen, datasets.map(({name}) => name));
  const shared = new Shared(start, {colours, tables, datasets, usualData: chosen.dataset});
  const session = new Session(shared);
  const page = new Page(session, shared);
  page.open(start);
}

class Page {
  constructor(session, shared) {
    Object.assign(this, {session, shared});
    this.toolbar = new Toolbar(session, this.acts());
    this.pad = new DrawPad(shared.colours, (points) => this.trainOnDrawn(points));
    session.changed = (words) => this.toolbar.show(words);
  }

  /** Build the labs and begin; with `run` in the link they run at once. */
  async open({labs, values, runs}) {
    const changed = (work) => this.set(work);
    this.session.labs = ["A", "B"].map((letter) => new LabPanel(letter, labs[letter], this.shared, changed));
    document.getElementById("tools").replaceChildren(this.toolbar.node, this.toolbar.choices, this.pad.node);
    document.getElementById("labs").replaceChildren(...this.session.labs.map((lab) => lab.node));
    this.pad.put(this.shared.drawn);
    this.arrange();
    for (const lab of this.session.labs) lab.choose(labs[lab.letter], values[lab.letter]);
    // Before the labs are there: a link may be followed while they are made.
    addEventListener("hashchange", () => location.hash.slice(1) === this.written || location.reload());
    await this.session.queue;
    this.isOpen = true;
    addEventListener("resize", () => this.redraw());
    if (runs) this.session.toggle();
  }

  /** A setting of one lab has changed. */
  set(work) {
    const done = this.session.set(work);
    this.write();
    return done;
  }

  write() {
    if (!this.isOpen) return;
    this.written = writeLink(this.session);
    history.replaceState(null, "", `#${this.written}`);
  }

  arrange() {
    document.getElementById("labs").classList.toggle("one", this.shared.isOne);
    this.session.labs[1].node.hidden = this.shared.isOne;
    this.pad.node.hidden = this.shared.dataset !== DRAWN.name;
  }

  redraw() {
    this.session.inTurn(() => this.session.shown.forEach((lab) => lab.draw(true)));
  }

  restart() {
    this.write();
    return this.session.restart();
  }

  trainOnDrawn(points) {
    if (!points.length) return say(this.pad.said, "There are no points yet: draw some.");
    this.shared.drawn = points;
    say(this.pad.said, `Both labs have these ${counted(points.length, "point")}, and are at step 0: press Run.`);
    return this.restart();
  }

  /** Say that drawn points are not trained on, where Run is pressed before they were taken. */
  tellOfDrawn() {
    const {dataset, drawn} = this.shared, isTaken = this.pad.points().length === drawn.length;
    if (dataset !== DRAWN.name || isTaken && drawn.length) return;
    const now = drawn.length ? "the points of before" : this.shared.namedData();
    say(this.pad.said, `The labs still train on ${now}: “${this.pad.take.textContent}” gives them what is drawn.`);
  }

  /** What the toolbar's controls do. */
  acts() {
    const {session, shared} = this;
    return {
      run: () => { this.tellOfDrawn(); session.toggle(); },
      step: () => { session.running = false; session.advance(1); },
      back: () => session.back(1),
      far: () => session.back(FAR_BACK),
      reset: () => this.restart(),
      data: (name) => this.takeData(name),
      seed: (input) => this.takeSeed(input),
      speed: (value) => { shared.speed = value; this.write(); },
      until: (value) => { shared.until = +value; this.write(); },
      arrows: (value) => { shared.shows.arrows = value; this.write(); this.redraw(); },
      field: (is) => { shared.shows.field = is; this.write(); this.redraw(); },
      two: (are) => { shared.isOne = !are; this.arrange(); this.restart(); },
      link: (button) => { this.write(); copyText(location.href, button); },
    };
  }

  takeSeed(input) {
    if (this.toolbar.wrongSeed(input)) return;
    this.shared.seed = input.value = Number(input.value);
    this.restart();
  }

  takeData(name) {
    this.shared.dataset = name;
    this.arrange();
    if (name !== DRAWN.name || this.shared.drawn.length) return this.restart();
    this.session.running = false;
    this.session.changed();
    this.pad.canvas.focus();
  }
}

main();
