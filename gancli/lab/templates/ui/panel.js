// One lab: its model and settings, its picture, what is measured, and what to type for the same.

const TONES = {healthy: "good", improving: "good", plateau: "still"};
const CHART_MILLISECONDS = 400;

/** The models, grouped by the first term of the discriminator's loss. */
function groupedModels() {
  const groups = new Map();
  for (const {name} of Lab.models) {
    const turn = Lab.settingsFor(name, Lab.datasets[0].name).turns.find(({side}) => side === "discriminator");
    const group = turn.terms[0].name.replaceAll("_", " ");
    groups.set(group, [...groups.get(group) ?? [], name]);
  }
  return [...groups].map(([label, names]) => el("optgroup", {label}, ...names.map((name) => el("option", {value: name}, name))));
}

class LabPanel {
  /** `letter`: A or B; `shared`: what both labs have in common; `changed`: called after a setting. */
  constructor(letter, model, shared, changed) {
    Object.assign(this, {letter, model, shared, changed});
    this.client = new LabClient(shared.tables);
    this.step = 0;
    this.build();
  }

  build() {
    const title = `lab-${this.letter}`;
    this.models = el("select", {id: `${title}-model`, change: () => this.choose(this.models.value)}, ...groupedModels());
    this.verdict = el("p", {class: "verdict", role: "status"});
    this.picture = new Picture(`Lab ${this.letter}`, this.shared.colours);
    this.counts = el("p", {class: "counts"});
    this.knobs = el("div", {class: "knobs"});
    this.equations = el("dl", {class: "equations"});
    this.charts = new ChartSet();
    this.command = el("code", {});
    this.copy = el("button", {type: "button", click: () => copyText(this.command.textContent, this.copy)}, "Copy");
    this.plain = el("button", {type: "button", click: () => this.asInThePreset()}, "As in the preset");
    this.note = el("p", {class: "note"});
    this.whose = el("h3", {class: "whose"});
    this.node = el("section", {class: "lab", "aria-labelledby": title},
      el("div", {class: "seen"},
        el("header", {}, el("h2", {id: title}, `Lab ${this.letter}`), el("label", {}, "model ", this.models)),
        this.verdict,
        el("div", {class: "sight"}, this.picture.canvas, legend(), this.counts)),
      // On a narrow screen the pictures of both labs come first, and this below them says whose it is.
      el("div", {class: "rest"},
        this.whose,
        el("div", {class: "settings"}, this.knobs, this.plain, this.note),
        this.charts.node,
        el("div", {}, el("h3", {}, "The loss, as it runs"), this.equations),
        el("div", {}, el("h3", {}, "What to type"), el("div", {class: "command"}, this.command, this.copy))));
  }

  get preset() {
    return Lab.settingsFor(this.model, this.shared.namedData());
  }

  get settings() {
    const settings = settingsWith(this.preset, this.values), points = this.shared.ownPoints();
    return points ? {...settings, data: {kind: "points", points, scale: 1}} : settings;
  }

  /** Take another model, with the lab's usual values or those given. */
  async choose(model, values = {}) {
    this.model = this.models.value = model;
    say(this.whose, `Lab ${this.letter}: ${model}`);
    this.values = {...startValues(this.preset), ...takenValues(this.preset, values)};
    await this.changed(() => this.restart());
  }

  asInThePreset() {
    this.values = presetValues(this.preset);
    return this.changed(() => this.restart());
  }

  turn(knob, value) {
    this.values[knob.name] = value;
    if (knob.restarts) return this.changed(() => this.restart());
    return this.changed(() => this.adjust());
  }

  /** Begin again at step 0. */
  async restart() {
    this.changedAt = null;
    this.losses = new SeriesByName();
    this.norms = new SeriesByName();
    this.modes = new SeriesByName();
    this.drawKnobs();
    this.show(await this.client.ask({kind: "make", settings: this.settings, options: {seed: this.shared.seed}}));
  }

  /** Go on with other settings. */
  async adjust() {
    if (this.step) this.changedAt = this.step;
    this.drawKnobs();
    this.show(await this.client.ask({kind: "change", settings: this.settings}));
  }

  /** Take steps; returns the milliseconds that they took. */
  async advance(count) {
    const answer = await this.client.ask({kind: "advance", count});
    for (const {step, losses, gradNorms} of answer.rows) {
      this.losses.add(step, losses);
      this.norms.add(step, gradNorms);
    }
    if (answer.modes) this.modes.add(answer.step, {held: answer.modes.held});
    this.show(answer);
    return answer.spent;
  }

  async back(step) {
    const answer = await this.client.ask({kind: "back", step});
    for (const series of [this.losses, this.norms, this.modes]) series.cut(answer.step);
    if (this.changedAt > answer.step) this.changedAt = null;
    this.show(answer);
  }

  show(answer) {
    this.step = answer.step;
    this.seen = {...this.seen, ...answer};
    this.draw();
  }

  /** Draw everything; curves less often than points, unless `whole`. */
  draw(whole = !this.shared.isRunning()) {
    if (!this.seen) return;
    const words = this.words(), now = performance.now();
    this.picture.draw({...this.seen, shows: this.shared.shows, words});
    say(this.counts, words);
    this.tellVerdict();
    if (!whole && now - (this.drawnAt ?? 0) < CHART_MILLISECONDS) return;
    this.drawnAt = now;
    this.charts.draw(this);
    this.tellEquations();
    this.tellCommand();
  }

  words() {
    const {modes, step} = this.seen;
    if (!modes) return `step ${step.toLocaleString("en")}`;
    return `${modes.held} of ${this.shared.modes()} modes held, ${(100 * modes.highQuality).toFixed(0)}% within 3 std`;
  }

  tellVerdict() {
    const {verdict} = this.seen;
    const tone = verdict.name ? TONES[verdict.name] ?? "bad" : "early";
    const name = verdict.name ? verdict.name.replaceAll("-", " ") : "too early to tell";
    const words = verdict.name ? `since step ${verdict.since.toLocaleString("en")}: ${verdict.said}` : "a verdict needs some hundreds of steps";
    if (this.told === name + words) return;
    this.told = name + words;
    this.verdict.replaceChildren(el("strong", {class: tone}, name), el("span", {}, words));
  }

  tellEquations() {
    const rows = this.seen.equations.flatMap(({player, text, constraints}) => [el("dt", {class: player}, player), el("dd", {}, [text, ...constraints].join("; "))]);
    if (this.equations.textContent !== rows.map((row) => row.textContent).join("")) this.equations.replaceChildren(...rows);
  }

  tellCommand() {
    const {shared, preset} = this, isKnown = preset.data.kind !== "points" && !shared.ownPoints();
    const command = isKnown ? trainCommand(this.model, shared.namedData(), shared.seed, preset, this.values)
      : `gan lab ${shared.ownPoints() ? "points.csv" : shared.dataset}`;
    if (this.command.textContent !== command) this.command.replaceChildren(...unbroken(command));
    say(this.note, this.changedAt ? `Changed at step ${this.changedAt.toLocaleString("en")}: the command below trains with these values from step 0, as Reset does.`
      : this.widthNote());
  }

  widthNote() {
    const {generator} = this.preset.players;
    return `Networks of the lab have a width of ${generator.width}, for speed; the preset's have ${generator.preset_width}.`;
  }

  drawKnobs() {
    const {preset} = this, focused = document.activeElement?.id;
    const rows = knobsOf(preset).map((knob) => this.knobRow(knob, preset));
    this.knobs.replaceChildren(...rows);
    if (focused?.startsWith(`lab-${this.letter}-`)) document.getElementById(focused)?.focus();
  }

  knobRow(knob, preset) {
    const usual = presetValue(preset, knob), value = this.values[knob.name];
    const values = [...new Set([...knob.usual, usual, value])].sort((a, b) => a - b);
    const id = `lab-${this.letter}-${knob.name}`;
    const select = el("select", {id, change: () => this.turn(knob, +select.value)},
      ...values.map((each) => el("option", {value: each, selected: each === value}, each === usual ? `${short(each)} (preset)` : short(each))));
    return el("label", {for: id, class: usual === value ? "" : "changed"}, el("span", {}, knob.label), select);
  }
}

/** A command whose lines end before an option. */
function unbroken(command) {
  return command.split(/ (?=--)/).flatMap((part, place) => [place ? " " : "", el("span", {}, part)]);
}

function legend() {
  return el("ul", {class: "legend", "aria-label": "colours"}, ...["real", "fake", "judged real", "judged fake"].map(
    (name) => el("li", {}, el("i", {class: name.replace(" ", "-")}), name)));
}

async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages from disk may be refused the clipboard's newer door.
    const area = el("textarea", {style: "position: fixed; opacity: 0"});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  const before = button.dataset.name ??= button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}
