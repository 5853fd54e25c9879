// The page's settings in its address, so that a link shows the same lab.

/** The models of a page for which none was chosen. */
const PAIR = ["gan", "wgan-gp"];
const MOST_SEED = 2 ** 31 - 1;

/** Points as text: thousandths in two bytes, so that 1,000 points take 5 kB. */
function packPoints(points) {
  const numbers = Int16Array.from(points.flat(), (value) => Math.round(1000 * value));
  const bytes = new Uint8Array(numbers.buffer);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The points of a text; none where it is not one. */
function unpackPoints(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
    const numbers = Array.from(new Int16Array(bytes.buffer, 0, bytes.length >> 1), (value) => value / 1000);
    return Array.from({length: numbers.length >> 1}, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
  } catch {
    return [];
  }
}

/** The address of what is shown, after its #. */
function writeLink(session) {
  const {shared} = session, link = new URLSearchParams();
  for (const lab of session.labs) {
    const letter = lab.letter.toLowerCase(), start = startValues(lab.preset);
    link.set(letter, lab.model);
    for (const [name, value] of Object.entries(lab.values)) if (value !== start[name]) link.set(`${letter}.${name}`, value);
  }
  link.set("data", shared.dataset);
  link.set("seed", shared.seed);
  link.set("labs", shared.isOne ? 1 : 2);
  if (shared.speed !== "fast") link.set("speed", shared.speed);
  if (shared.until) link.set("until", shared.until);
  if (!shared.shows.field) link.set("field", 0);
  if (shared.shows.arrows !== "fakes") link.set("arrows", shared.shows.arrows);
  if (shared.dataset === DRAWN.name) link.set("points", packPoints(shared.drawn));
  return link.toString();
}

/** What a link says, as far as it can be understood; the rest is as chosen when the page was made. */
function readLink(text, chosen, datasets) {
  const link = new URLSearchParams(text), models = Lab.models.map(({name}) => name);
  const one = (name, choices, usual) => choices.includes(link.get(name)) ? link.get(name) : usual;
  const number = (name, usual, most) => {
    const value = Number(link.get(name) ?? usual);
    return Number.isInteger(value) && value >= 0 && value <= most ? value : usual;
  };
  const [first, second] = chosen.model === null ? PAIR : [chosen.model, chosen.model];
  const drawn = unpackPoints(link.get("points") ?? "");
  return {
    labs: {A: one("a", models, first), B: one("b", models, chosen.against ?? second)},
    values: {A: valuesIn(link, "a"), B: valuesIn(link, "b")},
    dataset: one("data", datasets, chosen.dataset),
    drawn, seed: number("seed", 1, MOST_SEED), until: number("until", 0, 1e6), isOne: link.has("labs") ? link.get("labs") === "1" : !link.has("b") && chosen.model !== null && chosen.against === null,
    speed: one("speed", SPEEDS.map(([value]) => value), "fast"), runs: link.get("run") === "1",
    shows: {field: link.get("field") !== "0", arrows: one("arrows", ARROWS.map(([value]) => value), "fakes")},
  };
}

/** The values that a link has for a lab; whether they can be is for its model to say. */
function valuesIn(link, letter) {
  const given = [...link].filter(([name]) => name.startsWith(`${letter}.`));
  return Object.fromEntries(given.map(([name, value]) => [name.slice(2), Number(value)]));
}
