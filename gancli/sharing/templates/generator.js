// The page itself: what is chosen, the picture of it, and the walk.

const byId = (id) => document.getElementById(id);
const program = new Program(JSON.parse(byId("program").textContent), byId("weights").textContent);
const isPoints = SHOWN.kind === "points";
const POINTS = 1000, KEPT_LATENTS = 4 * POINTS, Z_SHOWN = 10, TRUNCATION_STEP = 0.05;
const NO_LIMIT = Math.max(...Object.values(PRIOR.numbers).map(
  ({distribution}) => distribution === "uniform" ? 1 : 3));
const chosen = {
  seed: 0, label: null, truncation: PRIOR.truncation, count: isPoints ? POINTS : 1,
  held: new Map(), walk: null,
};

// Latents and samples

const latents = new Map();

function knownLatent(seed, label, truncation) {
  const key = `${seed} ${label} ${truncation}`;
  if (!latents.has(key)) {
    if (latents.size >= KEPT_LATENTS) latents.clear();
    latents.set(key, latentOf(seed, label, truncation));
  }
  return latents.get(key);
}

// The latent with what is held in the place of its own; `held` maps "part place" to a number.
function withHeld(latent, held) {
  const made = {...latent};
  for (const [axis, value] of held) {
    const [part, place] = axis.split(" ");
    if (made[part] === latent[part]) made[part] = latent[part].slice();
    made[part][+place] = value;
  }
  return made;
}

function samples(all) {
  const inputs = {};
  for (const name of Object.keys(PRIOR.shapes)) {
    const own = all[0][name].length, data = new Float32Array(all.length * own);
    all.forEach((latent, i) => data.set(latent[name], i * own));
    inputs[name] = tensor([all.length, ...PRIOR.shapes[name]], data);
  }
  return program.run(inputs);
}

// Grey levels of an image of (C, H, W), as bytes of (H, W, C), rounded as `gan sample` does.
function pixels(image) {
  const [channels, height, width] = SHOWN.shape, [black, white] = SHOWN.range;
  const made = new Uint8Array(image.length), area = height * width, scale = 255 / (white - black);
  for (let i = 0; i < image.length; i++) {
    const value = Math.min(Math.max(image[i], black), white) - black;
    made[(i % area) * channels + Math.floor(i / area)] = Math.floor(value * scale + 0.5);
  }
  return made;
}

// Pictures

const canvas = byId("picture");
const pen = canvas.getContext("2d", {willReadFrequently: true});
let extent = 1;

function placeImage(bytes, column, row) {
  const [channels, height, width] = SHOWN.shape, data = pen.createImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = bytes[i * channels + Math.min(c, channels - 1)];
    data.data[4 * i + 3] = channels === 2 || channels === 4 ? bytes[i * channels + channels - 1] : 255;
  }
  pen.putImageData(data, column * width, row * height);
}

function drawPoints(points) {
  const side = 720, colour = getComputedStyle(document.documentElement);
  canvas.width = canvas.height = side;
  canvas.style.imageRendering = "auto";
  const at = (x) => side / 2 + x / extent * side / 2;
  pen.strokeStyle = colour.getPropertyValue("--line");
  pen.beginPath();
  pen.moveTo(0, side / 2); pen.lineTo(side, side / 2);
  pen.moveTo(side / 2, 0); pen.lineTo(side / 2, side);
  pen.stroke();
  pen.fillStyle = colour.getPropertyValue("--soft");
  pen.font = "20px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.fillText(extent.toFixed(1), side - 8, side / 2 - 8);
  pen.fillText(extent.toFixed(1), side / 2 - 8, 24);
  pen.fillStyle = colour.getPropertyValue("--accent");
  pen.globalAlpha = 0.5;
  const own = SHOWN.shape[0];
  for (let i = 0; i < points.length; i += own) {
    pen.beginPath();
    pen.arc(at(points[i]), at(-points[i + 1]), 3, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

// The latent that is shown for a seed, or, on a walk, as many seeds behind the walk's place.
function shownLatent(offset) {
  const {label, truncation, walk, seed, held} = chosen;
  if (walk === null) return withHeld(knownLatent(seed + offset, label, truncation), held);
  const leg = Math.floor(walk.place) % walk.seeds.length;
  const [from, to] = [leg, (leg + 1) % walk.seeds.length].map((place) =>
    knownLatent(walk.seeds[place] + offset, label, truncation));
  return withHeld(between(from, to, walk.place % 1, truncation), held);
}

let drawing = 0;

// Draws what is chosen, image by image, until something else is chosen.
async function draw() {
  const own = ++drawing, began = performance.now();
  if (isPoints) {
    drawPoints(samples(Array.from({length: POINTS}, (_, i) => shownLatent(i))).data);
  } else {
    const columns = Math.sqrt(chosen.count), [, height, width] = SHOWN.shape;
    if (canvas.width !== columns * width || canvas.height !== columns * height) {
      [canvas.width, canvas.height] = [columns * width, columns * height];
      canvas.style.aspectRatio = `${width} / ${height}`;
    }
    for (let i = 0; i < chosen.count; i++) {
      if (i) await new Promise((go) => setTimeout(go));
      if (own !== drawing) return;
      placeImage(pixels(samples([shownLatent(i)]).data), i % columns, Math.floor(i / columns));
    }
  }
  tell(performance.now() - began);
}

// What is shown, in words.
function described() {
  const {seed, count, label, held, walk} = chosen;
  const what = isPoints ? `${POINTS.toLocaleString("en")} points of seeds`
    : count > 1 ? "Images of seeds" : "Image of seed";
  const which = walk ? `Walk along seeds ${walk.seeds.join(", ")}, at ${walk.place.toFixed(2)}`
    : `${what} ${seed}${count > 1 ? ` to ${seed + count - 1}` : ""}`;
  const first = walk ? walk.seeds[Math.floor(walk.place)] : seed;
  const own = label ?? (count > 1 ? null : first % PRIOR.classes);
  const kind = PRIOR.classes && own !== null ? `, class ${SHOWN.classes[own]}` : "";
  return which + kind + (held.size ? `, ${held.size} ${held.size > 1 ? "axes" : "axis"} held` : "");
}

function tell(milliseconds) {
  const said = described();
  canvas.setAttribute("aria-label", said);
  if (chosen.walk === null) byId("said").textContent = `${said} · ${milliseconds.toFixed(0)} ms`;
}

// Controls

let drawn = null;

// Draws in the next frame, once for all that has changed till then.
function refresh() {
  drawn ??= new Promise((done) => requestAnimationFrame(() => {
    drawn = null;
    for (const slider of sliders) slider.follow();
    done(draw());
  }));
  return drawn;
}

function stopWalk() {
  if (chosen.walk === null) return;
  pause();
  chosen.walk = null;
}

// The largest seed that the picture can begin with.
const largestSeed = () => PRIOR.seeds - chosen.count;
const isSeed = (seed) => Number.isInteger(seed) && seed >= 0 && seed <= largestSeed();

// Take the seed that is typed; what is none is answered in a sentence, and the picture stays.
function typeSeed() {
  const field = byId("seed"), seed = field.value === "" ? NaN : Number(field.value);
  const wrong = !isSeed(seed), many = chosen.count.toLocaleString("en");
  const what = chosen.count === 1 ? "A seed" : `The first of ${many} seeds`;
  field.setAttribute("aria-invalid", wrong);
  byId("seed-said").textContent = wrong
    ? `${what} is a whole number from 0 to ${largestSeed()}: the picture stays as it is, until you type one.` : "";
  if (!wrong) chooseSeed(seed);
}

// Show a seed, or the nearest that there is.
function chooseSeed(seed) {
  stopWalk();
  const largest = largestSeed();
  chosen.seed = Math.min(Math.max(seed, 0), largest);
  byId("seed").value = chosen.seed;
  byId("seed").setAttribute("aria-invalid", false);
  byId("seed-said").textContent = "";
  byId("way").value = [0, 1, 2, 3].map((n) => Math.min(chosen.seed + n, largest)).join(", ");
  checkWay();
  refresh();
}

const sliders = [];

// A slider or a selection for one number of a latent, of which `seed's own` is the value at rest.
function addAxis(parent, name, input, axis, shown) {
  const line = document.createElement("div"), label = document.createElement("label");
  const control = document.createElement("span"), output = document.createElement("output");
  const free = document.createElement("button");
  const [part, place] = axis.split(" ");
  line.className = "line";
  control.className = "slide";
  input.id = label.htmlFor = `axis-${axis.replace(" ", "-")}`;
  input.autocomplete = "off";
  label.textContent = name;
  Object.assign(free, {type: "button", textContent: "×"});
  free.setAttribute("aria-label", `release ${name}`);
  control.append(input, ...(shown ? [output] : []), free);
  line.append(label, control);
  parent.append(line);
  const follow = () => {
    const isHeld = chosen.held.has(axis), value = shownLatent(0)[part][+place];
    input.value = value;
    output.textContent = shown ? shown(value) : "";
    free.disabled = !isHeld;
    line.toggleAttribute("data-held", isHeld);
    byId("release").disabled = !chosen.held.size;
  };
  input.addEventListener("input", () => { chosen.held.set(axis, +input.value); refresh(); });
  free.addEventListener("click", () => { chosen.held.delete(axis); refresh(); input.focus(); });
  sliders.push({follow});
}

function rangeOf({low, high}) {
  const input = document.createElement("input");
  return Object.assign(input, {type: "range", min: low, max: high, step: "any"});
}

function selectionOf(names) {
  const input = document.createElement("select");
  names.forEach((name, value) => input.append(new Option(name, value)));
  return input;
}

function folded(title) {
  const details = document.createElement("details"), summary = document.createElement("summary");
  summary.textContent = title;
  details.append(summary);
  return details;
}

function addAxes() {
  const section = byId("axes"), twoPlaces = (value) => value.toFixed(2);
  const release = byId("release"), own = [];
  if (PRIOR.categories) addAxis(section, "category", selectionOf(SHOWN.categories), "category 0");
  for (const {name, part, place, layer} of SHOWN.axes) {
    const parent = part === "levels" ? own[layer] ??= folded(`layer ${layer}`) : section;
    if (part === "levels") section.append(parent);
    addAxis(parent, name, rangeOf(PRIOR.numbers[part]), `${part} ${place}`, twoPlaces);
  }
  if (own[0]) own[0].open = true;
  const noise = folded(`noise z, ${PRIOR.numbers.z.count} numbers`);
  noise.open = !SHOWN.axes.length && !PRIOR.categories;
  const numbers = document.createElement("div"), turns = document.createElement("div");
  turns.className = "row";
  noise.append(numbers, turns);
  section.append(noise, release);
  addNoise(numbers, turns);
}

// Ten numbers of the noise at a time.
function addNoise(numbers, turns) {
  const before = sliders.length, {count} = PRIOR.numbers.z;
  let first = 0;
  const show = (from) => {
    first = from;
    sliders.length = before;
    numbers.replaceChildren();
    for (let place = from; place < Math.min(from + Z_SHOWN, count); place++) {
      addAxis(numbers, `z${place}`, rangeOf(PRIOR.numbers.z), `z ${place}`, (x) => x.toFixed(2));
    }
    earlier.disabled = from === 0;
    later.disabled = from + Z_SHOWN >= count;
    for (const slider of sliders) slider.follow();
  };
  const [earlier, later] = ["◀ earlier", "later ▶"].map((text, i) => {
    const button = Object.assign(document.createElement("button"), {type: "button", textContent: text});
    button.addEventListener("click", () => show(first + (i ? Z_SHOWN : -Z_SHOWN)));
    return button;
  });
  if (count > Z_SHOWN) turns.append(earlier, later);
  show(0);
}

function chooseTruncation() {
  const slider = byId("truncation"), value = +slider.value;
  chosen.truncation = value > NO_LIMIT ? null : value;
  const said = chosen.truncation === null ? "no limit" : value.toFixed(2);
  byId("truncation-said").textContent = said;
  slider.setAttribute("aria-valuetext", said);
}

// The walk

let playing = null;

function checkWay() {
  const field = byId("way"), said = byId("way-said");
  const seeds = field.value.split(/[\s,]+/).filter(Boolean).map(Number);
  const wrong = seeds.length < 2 || !seeds.every(isSeed);
  said.toggleAttribute("data-wrong", wrong);
  field.setAttribute("aria-invalid", wrong);
  said.textContent = wrong ? `Type two or more whole numbers from 0 to ${largestSeed()}, with commas.`
    : "From each to the next on the sphere, and back to the first.";
  if (!wrong) byId("place").max = seeds.length;
  return wrong ? null : seeds;
}

function walkTo(place) {
  const seeds = checkWay();
  if (seeds === null) return false;
  chosen.walk = {seeds, place: place % seeds.length};
  byId("place").value = chosen.walk.place;
  const leg = Math.floor(chosen.walk.place), next = seeds[(leg + 1) % seeds.length];
  const said = `${seeds[leg]} to ${next}`;
  byId("place-said").textContent = said;
  byId("place").setAttribute("aria-valuetext", `${said}, ${Math.round(place % 1 * 100)} %`);
  byId("said").textContent = `Walk along seeds ${seeds.join(", ")}`;
  return true;
}

function pause() {
  playing = null;
  byId("play").textContent = "play";
  byId("play").setAttribute("aria-pressed", "false");
}

async function play() {
  byId("play").textContent = "pause";
  byId("play").setAttribute("aria-pressed", "true");
  const own = playing = {};
  let place = chosen.walk?.place ?? +byId("place").value, before = performance.now();
  while (playing === own && walkTo(place)) {
    await refresh();
    const now = performance.now();
    place = chosen.walk ? chosen.walk.place + (now - before) / (1000 * +byId("pace").value) : 0;
    before = now;
  }
  if (playing === own) pause();
}

function showPace() {
  byId("pace-said").textContent = `${(+byId("pace").value).toFixed(1)} s`;
}

function save() {
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = `${SHOWN.file}-seed-${chosen.seed}.png`;
  link.click();
}

function listen() {
  const on = (id, event, act) => byId(id)?.addEventListener(event, act);
  on("seed", "change", typeSeed);
  on("previous", "click", () => chooseSeed(chosen.seed - chosen.count));
  on("next", "click", () => chooseSeed(chosen.seed + chosen.count));
  on("random", "click", () => chooseSeed(Math.floor(Math.random() * 2 ** 31)));
  on("label", "change", () => {
    chosen.label = byId("label").value === "" ? null : +byId("label").value;
    refresh();
  });
  on("truncation", "input", () => { chooseTruncation(); refresh(); });
  on("release", "click", () => { chosen.held.clear(); refresh(); });
  on("way", "input", () => { stopWalk(); checkWay(); });
  on("place", "input", () => {
    pause();
    if (walkTo(+byId("place").value)) refresh();
  });
  on("pace", "input", showPace);
  on("play", "click", () => playing ? pause() : play());
  on("save", "click", save);
  on("ground", "click", refresh);
  for (const radio of document.querySelectorAll("[name=count]")) {
    radio.addEventListener("change", () => { chosen.count = +radio.value; chooseSeed(chosen.seed); });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
}

function begin() {
  Object.assign(byId("truncation"), {
    min: TRUNCATION_STEP, max: NO_LIMIT + TRUNCATION_STEP, step: TRUNCATION_STEP,
    value: PRIOR.truncation ?? NO_LIMIT + TRUNCATION_STEP,
  });
  chooseTruncation();
  chosen.truncation = PRIOR.truncation;
  byId("seed").max = PRIOR.seeds - 1;
  if (isPoints) {
    const all = samples(Array.from({length: POINTS}, (_, i) => knownLatent(i, null, null)));
    extent = 1.15 * all.data.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-9);
  }
  addAxes();
  showPace();
  listen();
  chooseSeed(0);
}

// For other scripts: samples of seeds, as `gan sample` gives them: images of (H, W, C), or points.
window.ganPage = {
  samples: (seeds, label = null, truncation = PRIOR.truncation) => seeds.map((seed) => {
    const {data} = samples([latentOf(seed, label, truncation)]);
    return Array.from(isPoints ? data : pixels(data));
  }),
  latent: latentOf,
  between,
};
begin();
