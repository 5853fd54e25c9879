// What may be set in a lab: numbers of its settings, and the names that `gan train --set` has for them.

const PLAYERS = ["discriminator", "generator", "reconstructor"];
const RATES = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2];

/** What a number may be: a whole one up to `most`, a positive one, or any. */
const wholeTo = (most) => (value) => Number.isInteger(value) && value >= 1 && value <= most;
const positive = (value) => value > 0 && value < Infinity;

/**
 * Each: its name in links, its label, its places in the settings with their names for `--set`, its
 * usual values, and whether it `takes` one; `restarts`: it makes other networks; `preset`: where the
 * preset's own value is.
 */
const KNOBS = [
  ...PLAYERS.map((player) => ({
    name: `${player}.rate`, label: `${player} rate`,
    fields: [[`optimizers.${player}.lr`, `${player}.optimizer.lr`]], usual: RATES, takes: positive,
  })),
  {name: "ratio", label: "discriminator turns per step",
    fields: [["schedule.discriminator_steps", "schedule.discriminator_steps"]], usual: [1, 2, 3, 5, 10], takes: wholeTo(100)},
  {name: "batch", label: "batch",
    fields: [["schedule.batch_size", "schedule.batch_size"]], usual: [16, 32, 64, 128, 256, 512],
    takes: wholeTo(4096)},
  {name: "width", label: "width of the networks", restarts: true, preset: "players.generator.preset_width",
    fields: PLAYERS.map((player) => [`players.${player}.width`, `${player}.network.width`]),
    usual: [16, 32, 64, 128, 256], takes: wholeTo(1024)},
];

/** Usual values of numbers of terms and constraints, by their names; of any other: targets. */
const TERM_VALUES = {weight: [0, 0.01, 0.1, 1, 10], bound: [0.001, 0.01, 0.1, 1]};
const TARGETS = [-1, 0, 0.5, 0.9, 1];

/** The knobs that settings have: those above that apply, and the numbers of terms and constraints. */
function knobsOf(settings) {
  const found = new Map(KNOBS.map((knob) => [knob.name, knob]));
  for (const [place, part, names] of partsOf(settings)) for (const name of names) {
    const knob = found.get(`${part.name}.${name}`) ?? {
      name: `${part.name}.${name}`, label: `${part.name} ${name}`.replaceAll("_", " "), fields: [], usual: TERM_VALUES[name] ?? TARGETS,
      takes: name === "bound" ? positive : Number.isFinite,
    };
    knob.fields.push([`${place}.${name}`, `objective.${part.name}.${name}`]);
    found.set(knob.name, knob);
  }
  return [...found.values()].filter((knob) => fieldsIn(settings, knob).length);
}

/** Each term and constraint: where it is, itself, and the names of its numbers. The weight of what is added. */
function partsOf(settings) {
  const terms = settings.turns.flatMap((turn, i) => turn.terms.map((term, j) =>
    [`turns.${i}.terms.${j}`, term, j ? ["weight", ...term.tunable] : term.tunable]));
  return [...terms, ...settings.constraints.map((held, i) => [`constraints.${i}`, held, held.tunable])];
}

const valueAt = (table, place) => place.split(".").reduce((part, key) => part?.[key], table);

function putAt(table, place, value) {
  const keys = place.split("."), last = keys.pop();
  keys.reduce((part, key) => part[key], table)[last] = value;
}

/** The fields of a knob that a model has; none: the knob does not apply. */
const fieldsIn = (settings, knob) => knob.fields.filter(([place]) => Number.isFinite(valueAt(settings, place)));

/** What the preset has, which `gan train` starts from. */
const presetValue = (settings, knob) => valueAt(settings, knob.preset ?? fieldsIn(settings, knob)[0][0]);

/** The value of each knob; `valueOf`: of a knob. */
const valuesOf = (settings, valueOf) => Object.fromEntries(knobsOf(settings).map((knob) => [knob.name, valueOf(knob)]));

/** Those of a link's values that a model has and that can be. */
function takenValues(settings, values) {
  const given = knobsOf(settings).filter(({name, takes}) => name in values && takes(values[name]));
  return Object.fromEntries(given.map(({name}) => [name, values[name]]));
}

/** What a lab starts with. */
const startValues = (settings) => valuesOf(settings, (knob) => valueAt(settings, fieldsIn(settings, knob)[0][0]));

const presetValues = (settings) => valuesOf(settings, (knob) => presetValue(settings, knob));

/** Settings with a lab's values; the given ones are left as they are. */
function settingsWith(settings, values) {
  const changed = structuredClone(settings);
  for (const knob of knobsOf(settings)) {
    for (const [place] of fieldsIn(settings, knob)) putAt(changed, place, values[knob.name]);
  }
  return changed;
}

/** What to type to train the same in a terminal. */
function trainCommand(model, dataset, seed, settings, values) {
  const changed = knobsOf(settings).filter((knob) => values[knob.name] !== presetValue(settings, knob));
  const sets = changed.flatMap((knob) => fieldsIn(settings, knob).map(([, field]) => `--set ${field}=${values[knob.name]}`));
  return [`gan train ${model} --dataset ${dataset} --seed ${seed}`, ...new Set(sets)].join(" ");
}
