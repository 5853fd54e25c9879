// What both labs share: run, step and back, the data, the seed, and how things are shown.

const SPEEDS = [["1", "1 step per picture"], ["5", "5 steps per picture"], ["20", "20 steps per picture"], ["fast", "as fast as it goes"]];
const ARROWS = [["fakes", "on the fakes"], ["grid", "on a grid"], ["none", "none"]];
const PAUSES = [0, 200, 500, 1000, 1500, 2000, 3000, 5000];
const SHORTCUTS = {r: "run", s: "step", b: "back"};

class Toolbar {
  constructor(session, act) {
    Object.assign(this, {session, act});
    const button = (name, words, key) => el("button", {type: "button", id: name, click: () => act[name](), "aria-keyshortcuts": key}, words);
    this.buttons = {
      run: button("run", "Run", "r"), step: button("step", "Step", "s"), back: button("back", "Back", "b"),
      far: button("far", `Back ${FAR_BACK}`), reset: button("reset", "Reset"),
    };
    this.buttons.run.classList.add("main");
    this.count = el("output", {id: "count"});
    this.rate = el("span", {class: "rate"});
    this.said = el("p", {class: "said", role: "status"});
    this.node = el("div", {class: "transport", role: "toolbar", "aria-label": "training"},
      ...Object.values(this.buttons), this.count, this.rate, this.said);
    this.choices = this.buildChoices();
    addEventListener("keydown", (event) => this.key(event));
  }

  buildChoices() {
    const {shared} = this.session;
    const select = (name, label, options, value) => {
      const node = el("select", {id: name, change: () => this.act[name](node.value)},
        ...options.map(([each, words]) => el("option", {value: each, selected: `${each}` === `${value}`}, words)));
      return el("label", {for: name}, el("span", {}, label), node);
    };
    const seed = el("input", {id: "seed", type: "number", min: 0, max: MOST_SEED, step: 1, value: shared.seed, "aria-describedby": "wrong-seed", change: () => this.act.seed(seed), input: () => this.wrongSeed(seed)});
    const box = (name, label, checked) => {
      const node = el("input", {id: name, type: "checkbox", checked, change: () => this.act[name](node.checked)});
      return el("label", {class: "box"}, node, label);
    };
    const pauses = [...new Set([...PAUSES, shared.until])].sort((a, b) => a - b);
    return el("div", {class: "shared"},
      select("data", "data", shared.datasets.map(({name, words}) => [name, name === DRAWN.name ? words : name]), shared.dataset),
      el("label", {for: "seed"}, el("span", {}, "seed of both"), seed),
      select("speed", "speed", SPEEDS, shared.speed),
      select("until", "pause at", pauses.map((step) => [step, step ? `step ${step.toLocaleString("en")}` : "no step"]), shared.until),
      select("arrows", "gradients", ARROWS, shared.shows.arrows),
      el("div", {class: "buttons"}, box("field", "field", shared.shows.field), box("two", "two labs", !shared.isOne),
        el("button", {type: "button", id: "link", click: (event) => this.act.link(event.currentTarget)}, "Copy link")),
      this.seedSaid = el("p", {id: "wrong-seed", class: "said", role: "status"}));
  }

  /** Whether what is typed is no seed, which a sentence then says: the labs keep theirs. */
  wrongSeed(input) {
    const seed = Number(input.value), wrong = input.value === "" || !Number.isInteger(seed) || seed < 0 || seed > MOST_SEED;
    input.setAttribute("aria-invalid", wrong);
    say(this.seedSaid, wrong ? `Type a whole number from 0 to ${MOST_SEED} as the seed; the labs still have seed ${this.session.shared.seed}.` : "");
    return wrong;
  }

  key(event) {
    const name = SHORTCUTS[event.key];
    if (!name || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    this.act[name]();
  }

  /** Show where the session stands; `words` are read out. */
  show(words) {
    const {running, step, rate} = this.session, {run, back, far} = this.buttons;
    say(run, running ? "Pause" : "Run");
    run.setAttribute("aria-pressed", running);
    back.disabled = far.disabled = step === 0;
    say(this.count, `step ${step.toLocaleString("en")}`);
    say(this.rate, running && rate ? `${rate.toFixed(0)} steps/s` : "");
    if (words) say(this.said, words);
  }
}
