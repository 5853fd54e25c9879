// Samples to pick from: clicks and keys choose favourites, whose commands and sheet are offered.
const choices = [...document.querySelectorAll("[data-key]")];
const byKey = new Map(choices.map((choice) => [choice.dataset.key, choice]));
const [count, commands, sheet, clear] = ["count", "commands", "sheet", "clear"].map((id) => document.getElementById(id));
// Keys in the order of the clicks, which is that of a walk.
let picked = [];
let current = choices[0];

const CELL = 128, GAP = 8, LINE = 18, HEAD = 32, MOST_COLUMNS = 8;

function fromAddress() {
  const keys = location.hash.slice(1).split(",");
  return [...new Set(keys)].filter((key) => byKey.has(key));
}

function toAddress() {
  // An address that ends in # keeps the page where it is.
  history.replaceState(null, "", `#${picked.join(",")}`);
}

function groups() {
  const found = new Map();
  for (const key of picked) {
    const section = byKey.get(key).closest("section");
    found.set(section, [...(found.get(section) ?? []), byKey.get(key).dataset.seed]);
  }
  return [...found];
}

function lines() {
  return groups().flatMap(([section, seeds]) => {
    const found = [`${section.dataset.sample} --seeds ${seeds.join(",")}`];
    if (seeds.length > 1) found.push(`${section.dataset.walk} --through ${seeds.join(",")}`);
    return found;
  });
}

// Lines break between the words of a command, not at the hyphens of its options.
function words(text) {
  return text.split(" ").flatMap((word, place) => {
    const shown = document.createElement("span");
    shown.textContent = word;
    return place ? [" ", shown] : [shown];
  });
}

function commandLine(text) {
  const item = document.createElement("li"), code = document.createElement("code"), copy = document.createElement("button");
  code.append(...words(text));
  copy.type = "button";
  copy.textContent = "Copy";
  copy.setAttribute("aria-label", `Copy: ${text}`);
  copy.addEventListener("click", () => copyText(text, code, copy));
  item.append(code, copy);
  return item;
}

async function copyText(text, code, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages from disk may not be allowed to: the command is marked, and copied as marked text is.
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function show() {
  for (const choice of choices) choice.setAttribute("aria-pressed", picked.includes(choice.dataset.key));
  count.textContent = picked.length ? `${picked.length} ${picked.length === 1 ? "favourite" : "favourites"}` : "No favourites yet";
  commands.replaceChildren(...lines().map(commandLine));
  sheet.disabled = clear.disabled = !picked.length;
}

function change(keys) {
  picked = keys;
  toAddress();
  show();
}

function toggle(choice) {
  const key = choice.dataset.key;
  change(picked.includes(key) ? picked.filter((each) => each !== key) : [...picked, key]);
}

function moveTo(choice) {
  // One stop for the tab key, wherever the arrows have led.
  current.tabIndex = -1;
  current = choice;
  current.tabIndex = 0;
}

// The choice straight above (-1) or below (1), in whichever row is next.
function vertical(choice, way) {
  const here = choice.getBoundingClientRect();
  const ahead = choices.map((each) => [each, each.getBoundingClientRect()])
    .filter(([, box]) => way * (box.top - here.top) > 1);
  const row = Math.min(...ahead.map(([, box]) => way * box.top));
  const near = ahead.filter(([, box]) => way * box.top - row < 1)
    .sort(([, a], [, b]) => Math.abs(a.left - here.left) - Math.abs(b.left - here.left));
  return near.length ? near[0][0] : choice;
}

function target(key, choice) {
  const place = choices.indexOf(choice);
  return {
    ArrowLeft: () => choices[Math.max(0, place - 1)],
    ArrowRight: () => choices[Math.min(choices.length - 1, place + 1)],
    ArrowUp: () => vertical(choice, -1),
    ArrowDown: () => vertical(choice, 1),
    Home: () => choices[0],
    End: () => choices[choices.length - 1],
  }[key];
}

function drawCell(pen, choice, left, top) {
  const image = choice.querySelector("img");
  const scale = CELL / Math.max(image.naturalWidth, image.naturalHeight);
  pen.drawImage(image, left, top, scale * image.naturalWidth, scale * image.naturalHeight);
  pen.fillText(choice.title, left, top + CELL + LINE - 5, CELL);
}

function drawSheet() {
  const columns = Math.min(MOST_COLUMNS, Math.max(3, Math.ceil(Math.sqrt(picked.length))));
  const rows = Math.ceil(picked.length / columns), canvas = document.createElement("canvas");
  canvas.width = GAP + columns * (CELL + GAP);
  canvas.height = HEAD + rows * (CELL + LINE + GAP);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = !document.querySelector(".small");
  pen.fillStyle = "#1c2530";
  pen.font = "13px system-ui, sans-serif";
  pen.fillText(choices[0].closest("section").dataset.title, GAP, HEAD - 11, canvas.width - 2 * GAP);
  picked.forEach((key, place) => {
    const left = GAP + (place % columns) * (CELL + GAP), top = HEAD + Math.floor(place / columns) * (CELL + LINE + GAP);
    drawCell(pen, byKey.get(key), left, top);
  });
  return canvas;
}

function download() {
  const link = document.createElement("a");
  link.download = "favourites.png";
  link.href = drawSheet().toDataURL("image/png");
  link.click();
}

for (const choice of choices) {
  choice.tabIndex = choice === current ? 0 : -1;
  choice.addEventListener("click", () => { moveTo(choice); toggle(choice); });
  choice.addEventListener("keydown", (event) => {
    const found = target(event.key, choice);
    if (!found || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    moveTo(found());
    current.focus();
    current.scrollIntoView({block: "center"});
  });
}
sheet.addEventListener("click", download);
clear.addEventListener("click", () => { change([]); current.focus(); });
addEventListener("hashchange", () => { picked = fromAddress(); show(); });
picked = fromAddress();
show();
