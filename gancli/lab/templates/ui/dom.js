// Small helpers: elements, numbers as text, and waiting.
const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes (functions become listeners) and children. */
function el(kind, attributes = {}, ...children) {
  return fill(document.createElement(kind), attributes, children);
}

/** The same, of SVG. */
function svgEl(kind, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, kind), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A value in few characters: 0.00031 as 3.1e-4, 12345.6 as 1.2e4. */
function short(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : "infinite";
  const size = Math.abs(value);
  if (size >= 1e4 || (size && size < 1e-3)) return (+value.toPrecision(2)).toExponential().replace("+", "");
  return String(+value.toPrecision(3));
}

const counted = (count, one) => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Put text into a node only where it differs, so that nothing is laid out or read out again. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
