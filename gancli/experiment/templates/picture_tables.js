// Tables of pictures: a slider chooses the step, a list the seed. Each picture stands in the page
// once, under a number.
const pictures = JSON.parse(document.getElementById("pictures").textContent);

function placeOf(figure) {
  return {
    shots: JSON.parse(figure.dataset.shots), name: figure.dataset.name,
    image: figure.querySelector("img"), fate: figure.querySelector(".fate"),
  };
}

// Show one cell at a stop of the slider; a cell that ended early keeps its last picture.
function showShot(place, seed, stop, title, heading) {
  const [keys, fate, numbers] = place.shots[seed] || [[""], "", [""]];
  const at = Math.min(stop, keys.length - 1), name = [place.name, heading].filter(Boolean).join(", ");
  const said = [fate, numbers[at]].filter(Boolean).join(", ");
  place.image.src = pictures[keys[at]];
  place.image.alt = keys[at] ? `${title}: ${name}${said && `; ${said}`}` : `${name}: no picture`;
  place.fate.textContent = fate || (keys[at] ? "" : "no picture");
}

function panelOf(element) {
  const headings = JSON.parse(element.dataset.stops), chooser = element.querySelector("select");
  const places = [...element.querySelectorAll("[data-shots]")].map(placeOf);
  const seed = () => chooser ? chooser.selectedIndex : 0;
  const show = (stop) => places.forEach((place) => showShot(place, seed(), stop, element.dataset.title, headings[stop]));
  const panel = {element, headings, show, slider: element.querySelector("input"), output: element.querySelector("output")};
  if (chooser) chooser.addEventListener("change", () => showPlace(panel));
  return panel;
}

offerSliders([...document.querySelectorAll(".panel")].map(panelOf));
