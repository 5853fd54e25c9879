// Curves with their names at their ends, and histograms; drawn as SVG.

const MARGIN = {left: 44, top: 8, bottom: 20};
/** Pixels of a letter of a name, at most on average, and the least that is left for names. */
const LETTER = 6.4, LEAST_ROOM = 104;
const LABEL_HEIGHT = 14;
/** Pixels between two steps that are written. */
const STEPS_APART = 90;
const CHART_HEIGHT = 176;

function ticksBetween(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((each) => each >= rough * (1 - 1e-9));
  const found = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + step * 1e-9; t += step) {
    found.push(Math.abs(t) < step * 1e-9 ? 0 : t);
  }
  return found;
}

/** Powers of ten, at most four. */
function powersBetween(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  const apart = Math.max(1, Math.ceil((last - first) / 3));
  const found = [];
  for (let power = first; power <= last; power += apart) found.push(10 ** power);
  return found;
}

/** Move labels apart that overlap, down first and then up from the bottom. */
function spread(labels, top, bottom) {
  labels.sort((a, b) => a.y - b.y);
  let free = top;
  for (const label of labels) free = (label.y = Math.max(label.y, free)) + LABEL_HEIGHT;
  let least = bottom;
  for (const label of labels.toReversed()) least = (label.y = Math.min(label.y, least)) - LABEL_HEIGHT;
}

class Chart {
  /** `log`: a logarithmic axis; `span`: a fixed one; `whole`: counts. */
  constructor(title, {log = false, span = null, whole = false, note = ""} = {}) {
    Object.assign(this, {title, log, span, whole});
    this.svg = svgEl("svg", {class: "chart", role: "img", height: CHART_HEIGHT, "aria-label": `${title}: no steps yet`});
    this.node = el("figure", {class: "curve"}, el("figcaption", {}, title, note ? el("span", {}, ` ${note}`) : null), this.svg);
  }

  /** Draw lines: each {name, colour, series}. */
  draw(lines, step) {
    const width = this.svg.clientWidth || 260;
    const shown = lines.filter((line) => line.series.values.some((value) => this.has(value)));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${CHART_HEIGHT}`);
    this.right = width - Math.max(LEAST_ROOM, ...shown.map(({name}) => LETTER * name.length + 8));
    const scale = this.scaleOf(shown, step);
    const marks = [...this.axes(scale), ...shown.map((line) => this.curve(line, scale)), ...this.labels(shown, scale)];
    this.svg.replaceChildren(...marks);
    const said = shown.map((line) => this.whole ? line.name : `${line.name} ${short(line.series.latest)}`).join(", ");
    this.svg.setAttribute("aria-label", shown.length ? `${this.title} at step ${step}: ${said}` : `${this.title}: no steps yet`);
  }

  has(value) {
    return Number.isFinite(value) && (!this.log || value > 0);
  }

  scaleOf(lines, step) {
    const values = lines.flatMap((line) => line.series.values.filter((value) => this.has(value)));
    const [low, high] = this.span ?? this.rangeOf(values);
    const turn = this.log ? Math.log10 : (value) => value;
    const bottom = CHART_HEIGHT - MARGIN.bottom;
    return {
      low, high, last: Math.max(step, 10),
      x: (at) => MARGIN.left + at / Math.max(step, 10) * (this.right - MARGIN.left),
      y: (value) => clamp(MARGIN.top + (turn(high) - turn(value)) / (turn(high) - turn(low)) * (bottom - MARGIN.top), MARGIN.top, bottom),
    };
  }

  rangeOf(values) {
    if (!values.length) return this.log ? [0.1, 10] : [0, 1];
    let low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    if (this.log) return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high * 1.001))];
    const air = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
    if (low >= 0) low = Math.max(0, low - air); else low -= air;
    return [low, high + air];
  }

  axes({low, high, last, x, y}) {
    const marks = [];
    const values = this.log ? powersBetween(low, high) : this.whole ? [low, Math.floor(high / 2), high] : ticksBetween(low, high, 3);
    for (const value of values) {
      marks.push(svgEl("line", {class: "grid", x1: MARGIN.left, x2: this.right, y1: y(value), y2: y(value)}));
      marks.push(svgEl("text", {x: MARGIN.left - 6, y: y(value), "text-anchor": "end", "dominant-baseline": "middle"}, short(value)));
    }
    const steps = ticksBetween(0, last, Math.max(3, Math.round((this.right - MARGIN.left) / STEPS_APART))).filter(Number.isInteger);
    for (const step of steps) {
      marks.push(svgEl("text", {x: x(step), y: CHART_HEIGHT - 5, "text-anchor": step ? "middle" : "start"}, step.toLocaleString("en")));
    }
    return marks;
  }

  curve({colour, series}, {x, y}) {
    const places = series.steps.map((step, i) => [x(step), series.values[i]]).filter(([, value]) => this.has(value));
    const points = places.map(([at, value]) => `${at.toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    return svgEl("polyline", {points, fill: "none", stroke: colour, "stroke-width": 1.6, "stroke-linejoin": "round"});
  }

  labels(lines, {y}) {
    const labels = lines.map((line) => ({...line, y: y(line.series.values.findLast((value) => this.has(value)))}));
    spread(labels, MARGIN.top + 2, CHART_HEIGHT - MARGIN.bottom - 2);
    return labels.map(({name, colour, y: at}) => svgEl("text", {
      class: "name", x: this.right + 6, y: at, fill: colour, style: `fill: ${colour}`, "dominant-baseline": "middle",
    }, name));
  }
}

class Histogram {
  constructor(player, colour) {
    Object.assign(this, {player, colour});
    this.svg = svgEl("svg", {class: "chart", role: "img", height: 84});
    this.node = el("figure", {class: "curve"}, el("figcaption", {}, `Weights of the ${player}`), this.svg);
  }

  /** Bars of the roots of the counts, so that few large weights are seen, too. */
  draw({limit, counts}) {
    const width = this.svg.clientWidth || 260, base = 64, most = Math.max(...counts, 1);
    this.svg.setAttribute("viewBox", `0 0 ${width} 84`);
    const step = (width - 16) / counts.length;
    const bars = counts.map((count, bin) => {
      const tall = Math.sqrt(count / most) * (base - 6);
      return `M${(8 + bin * step).toFixed(1)},${base}v${-tall.toFixed(1)}h${(step - 1).toFixed(1)}v${tall.toFixed(1)}z`;
    });
    const number = (value, x, anchor) => svgEl("text", {x, y: 79, "text-anchor": anchor}, short(value));
    this.svg.replaceChildren(
      svgEl("path", {d: bars.join(""), fill: this.colour}),
      svgEl("line", {class: "grid", x1: 8, x2: width - 8, y1: base, y2: base}),
      number(-limit, 8, "start"), number(0, width / 2, "middle"), number(limit, width - 8, "end"),
    );
    const edge = counts[0] + counts.at(-1), all = counts.reduce((a, b) => a + b, 0);
    this.svg.setAttribute("aria-label", `Weights of the ${this.player}: ${all.toLocaleString("en")} between ${short(-limit)} and ${short(limit)}, ${edge.toLocaleString("en")} of them in the outermost bars`);
  }
}
