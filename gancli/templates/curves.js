// Curves over steps as SVG: few lines share one plot and have their names at their ends; more have a
// small plot each, the others faint behind. All plots of a page are read at one step, which the
// slider above them or the pointer chooses.
const SVG = "http://www.w3.org/2000/svg";
const NAME_LINE = 14;
const charts = JSON.parse(document.getElementById("charts")?.textContent || "[]");
const reading = document.getElementById("reading");
const inWords = (step) => Math.round(step).toLocaleString("en");
const colourOf = (place) => `var(--series-${place % 8 + 1})`;
const dashesOf = (place) => ["none", "7 3", "2 3"][Math.floor(place / 4) % 3];

function short(value) {
  const isExtreme = Math.abs(value) >= 1e4 || (value && Math.abs(value) < 1e-3);
  return isExtreme ? value.toExponential(1) : String(+value.toPrecision(4));
}

function draw(parent, kind, attributes, text) {
  const node = document.createElementNS(SVG, kind);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({length: last - first + 1}, (_, i) => +((first + i) * step).toPrecision(12));
}

function ends(numbers) {
  return numbers.reduce(([a, b], n) => [Math.min(a, n), Math.max(b, n)], [Infinity, -Infinity]);
}

// What the axes of a chart reach from and to.
function reachOf(chart) {
  const drawn = chart.lines.flatMap((line) => [line.points, line.low, line.high, ...line.parts].flat());
  const [left, right] = ends(drawn.map((point) => point[0]));
  let [low, high] = ends(drawn.map((point) => point[1]));
  const air = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  // What is never negative has no axis below 0.
  low = low >= 0 ? Math.max(0, low - air) : low - air;
  const [bottom, top] = chart.span || [low, high + air];
  return {left, right: Math.max(right, left + 1), bottom, top};
}

// Where values stand in an SVG, in its pixels; `room` is left for names, `above` for a title.
function scalesOf(svg, reach, room, above) {
  const width = svg.clientWidth, height = svg.clientHeight;
  const left = 48, right = width - room, top = above, bottom = height - 24;
  return {
    left, right, top, bottom,
    x: (step) => left + (step - reach.left) / (reach.right - reach.left) * (right - left),
    y: (value) => top + (reach.top - value) / (reach.top - reach.bottom) * (bottom - top),
    step: (x) => reach.left + Math.min(1, Math.max(0, (x - left) / (right - left))) * (reach.right - reach.left),
  };
}

function drawAxes(svg, scales, reach) {
  for (const t of ticks(reach.bottom, reach.top, Math.max(2, (scales.bottom - scales.top) / 40))) {
    draw(svg, "line", {class: "grid", x1: scales.left, x2: scales.right, y1: scales.y(t), y2: scales.y(t)});
    draw(svg, "text", {x: scales.left - 6, y: scales.y(t) + 4, "text-anchor": "end"}, short(t));
  }
  for (const t of ticks(reach.left, reach.right, Math.max(1, (scales.right - scales.left) / 90))) {
    if (t % 1) continue;
    const anchor = scales.x(t) > scales.right - 24 ? "end" : "middle";
    draw(svg, "text", {x: scales.x(t), y: scales.bottom + 18, "text-anchor": anchor}, inWords(t));
  }
}

function pathOf(points, scales) {
  return points.map(([step, value]) => `${scales.x(step).toFixed(1)},${scales.y(value).toFixed(1)}`).join(" ");
}

function drawLine(svg, line, place, scales) {
  const stroke = `stroke: ${colourOf(place)}; fill: none`;
  if (line.low.length) {
    const around = pathOf([...line.high, ...line.low.toReversed()], scales);
    draw(svg, "polygon", {points: around, style: `fill: ${colourOf(place)}`, opacity: 0.14});
  }
  for (const part of line.parts)
    draw(svg, "polyline", {points: pathOf(part, scales), style: stroke, opacity: 0.4, "stroke-width": 0.8});
  const look = {style: stroke, "stroke-width": 1.8, "stroke-dasharray": dashesOf(place)};
  if (line.points.length > 1) draw(svg, "polyline", {points: pathOf(line.points, scales), ...look});
  for (const [step, value] of line.points.length === 1 ? line.points : [])
    draw(svg, "circle", {cx: scales.x(step), cy: scales.y(value), r: 3.5, style: `fill: ${colourOf(place)}`});
}

// Cut a text node's words until it is no wider than this many pixels.
function fit(node, most) {
  const whole = node.textContent;
  for (let kept = whole.length - 1; kept > 3 && node.getComputedTextLength() > most; kept--)
    node.textContent = `${whole.slice(0, kept).trimEnd()}\u2026`;
}

// Heights for names whose lines end at these heights: in the same order, and nowhere on each other.
function spread(heights, low, high) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const found = [...heights];
  let next = low;
  for (const i of order) { found[i] = Math.max(found[i], next); next = found[i] + NAME_LINE; }
  next = high;
  for (const i of order.toReversed()) { found[i] = Math.min(found[i], next); next = found[i] - NAME_LINE; }
  return found;
}

function drawNames(svg, lines, scales, room) {
  const last = (line) => line.points[line.points.length - 1];
  const own = lines.map((line) => scales.y(last(line)[1]));
  spread(own, scales.top + 4, scales.bottom).forEach((height, i) => {
    const colour = colourOf(lines[i].place), end = scales.x(last(lines[i])[0]);
    const leader = `${end + 2},${own[i]} ${scales.right + 3},${own[i]} ${scales.right + 12},${height}`;
    draw(svg, "polyline", {points: leader, style: `stroke: ${colour}; fill: none`, opacity: 0.6});
    const look = {class: "name", x: scales.right + 15, y: height + 4, style: `fill: ${colour}`};
    fit(draw(svg, "text", look, lines[i].name), room - 16);
  });
}

function widthOf(svg, texts) {
  const node = draw(svg, "text", {class: "name"});
  const widths = texts.map((text) => { node.textContent = text; return node.getComputedTextLength(); });
  node.remove();
  return Math.max(0, ...widths);
}

function describe(svg, id, title, lines) {
  const said = lines.map(({name, points}) => {
    const [first, last] = [points[0], points[points.length - 1]];
    return `${name}: ${short(first[1])} at step ${inWords(first[0])}, ${short(last[1])} at step ${inWords(last[0])}`;
  });
  draw(svg, "title", {id: `${id}-title`}, `${title} over the steps`);
  draw(svg, "desc", {id: `${id}-desc`}, said.join("; "));
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-labelledby", `${id}-title`);
  svg.setAttribute("aria-describedby", `${id}-desc`);
}

function drawMark(svg, scales) {
  return draw(svg, "line", {class: "mark", y1: scales.top, y2: scales.bottom, visibility: "hidden"});
}

// An empty SVG in a place that takes the pointer: over the SVG itself its title would pop up.
function newPlot(place) {
  const plot = document.createElement("div");
  plot.className = "plot";
  place.append(plot);
  return draw(plot, "svg", {});
}

function plotTogether(place, chart, lines, id) {
  const svg = newPlot(place), reach = reachOf(chart);
  describe(svg, id, chart.title, lines);
  const isNamed = lines.length > 1 || lines[0].name !== chart.title;
  const names = isNamed ? lines.map((line) => line.name) : [];
  const room = isNamed ? Math.min(widthOf(svg, names) + 18, svg.clientWidth * 0.4) : 12;
  const scales = scalesOf(svg, reach, room, 10);
  drawAxes(svg, scales, reach);
  for (const line of lines) drawLine(svg, line, line.place, scales);
  if (isNamed) drawNames(svg, lines, scales, room);
  return [{svg, scales, mark: drawMark(svg, scales)}];
}

function plotApart(place, chart, lines, id) {
  const reach = reachOf(chart);
  return lines.map((line) => {
    const svg = newPlot(place);
    describe(svg, `${id}-${line.place}`, `${chart.title}, ${line.name}`, [line]);
    const scales = scalesOf(svg, reach, 10, 24), most = svg.clientWidth - 60;
    drawAxes(svg, scales, reach);
    for (const other of lines)
      if (other !== line) draw(svg, "polyline", {class: "other", points: pathOf(other.points, scales), fill: "none"});
    drawLine(svg, line, line.place, scales);
    fit(draw(svg, "text", {class: "name", x: 2, y: 13}, line.name), most);
    const value = draw(svg, "text", {x: svg.clientWidth - 8, y: 13, "text-anchor": "end"});
    return {svg, scales, mark: drawMark(svg, scales), line, value};
  });
}

function nearest(points, step) {
  return points.reduce((a, b) => Math.abs(b[0] - step) < Math.abs(a[0] - step) ? b : a);
}

// The words below a chart: the step, and the value there of each line that shares the plot.
function tell(section, chart, lines, step) {
  const at = nearest(lines[0].points, step)[0];
  const items = section.classList.contains("many") ? [] : chart.lines.map((line, place) => {
    const item = document.createElement("span"), key = document.createElement("i");
    key.style.background = colourOf(place);
    const value = line.points.length ? short(nearest(line.points, step)[1]) : "none";
    item.append(key, line.name === chart.title ? value : `${line.name} ${value}`);
    return item;
  });
  section.querySelector(".values").replaceChildren(`step ${inWords(at)}`, ...items);
}

function plotChart(section) {
  const number = section.dataset.chart, chart = charts[number];
  const lines = chart.lines.map((line, place) => ({...line, place})).filter((line) => line.points.length);
  const place = section.querySelector(".plots");
  place.replaceChildren();
  const plotAll = section.classList.contains("many") ? plotApart : plotTogether;
  return {section, chart, lines, plots: plotAll(place, chart, lines, `chart-${number}`)};
}

function readAt(drawn, step, isMarked) {
  for (const {section, chart, lines, plots} of drawn) {
    tell(section, chart, lines, step);
    for (const {scales, mark, line, value} of plots) {
      const x = scales.x(nearest((line || lines[0]).points, step)[0]);
      mark.setAttribute("x1", x); mark.setAttribute("x2", x);
      mark.setAttribute("visibility", isMarked ? "visible" : "hidden");
      if (value) value.textContent = short(nearest(line.points, step)[1]);
    }
  }
}

function readBySlider(drawn) {
  const step = +reading.value, said = inWords(step);
  reading.setAttribute("aria-valuetext", `step ${said}`);
  reading.nextElementSibling.textContent = said;
  readAt(drawn, step, step < +reading.max);
}

function followPointer(drawn) {
  for (const {plots} of drawn) {
    for (const {svg, scales} of plots) {
      svg.parentElement.onpointermove = (event) =>
        readAt(drawn, scales.step(event.clientX - svg.getBoundingClientRect().left), true);
      svg.parentElement.onpointerleave = () => readBySlider(drawn);
    }
  }
}

function plotCharts() {
  const drawn = [...document.querySelectorAll("[data-chart]")].map(plotChart);
  followPointer(drawn);
  reading.oninput = () => readBySlider(drawn);
  readBySlider(drawn);
}

function offerCurves() {
  if (!charts.length) return;
  const [first, last] = ends(charts.flatMap((chart) => chart.lines.flatMap((line) => line.points.map((p) => p[0]))));
  Object.assign(reading, {min: first, max: last, step: "any", value: last});
  reading.parentElement.hidden = false;
  plotCharts();
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; plotCharts(); } });
}

offerCurves();
