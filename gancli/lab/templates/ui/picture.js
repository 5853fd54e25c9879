// The picture of points: the discriminator's field, real points, fakes over them, and arrows, in the
// colours and with the shading of the tool's previews. Points are in the units of the networks, from -1
// to 1.

const REAL_RADIUS = 1.6 / 480, FAKE_RADIUS = 2.2 / 480;
const MOST_ARROWS = 90;
/** Units of the page that a picture is wide. */
const SIDE = 340;

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** Pixels of a picture's side: sharp on screens with several pixels to a point. */
const sidePixels = () => Math.round(SIDE * clamp(globalThis.devicePixelRatio || 1, 1, 2));

function discOf(radius, colour) {
  const side = 2 * Math.ceil(radius + 1), canvas = el("canvas", {width: side, height: side});
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.arc(side / 2, side / 2, radius, 0, 2 * Math.PI);
  context.fill();
  return canvas;
}

/** The field's colours: around its median, by its spread, as critics have no zero of their own. */
function shaded(logits, side, colours) {
  const sorted = Float64Array.from(logits).sort(), middle = sorted[sorted.length >> 1];
  const centred = Array.from(logits, (value) => Number.isFinite(value - middle) ? value - middle : 0);
  const spread = centred.reduce((sum, value) => sum + Math.abs(value), 0) / centred.length || 1;
  const low = rgb(colours.fakeField), high = rgb(colours.realField);
  const image = new ImageData(side, side);
  for (let row = 0; row < side; row++) for (let column = 0; column < side; column++) {
    const share = (Math.tanh(centred[row * side + column] / (2 * spread)) + 1) / 2;
    // Rows of a picture run downwards.
    const at = 4 * ((side - 1 - row) * side + column);
    for (let k = 0; k < 3; k++) image.data[at + k] = low[k] + share * (high[k] - low[k]);
    image.data[at + 3] = 255;
  }
  return image;
}

/** The gradient of the logit anywhere, from the grid that it is known on. */
function gradientAt(grid, side, x, y) {
  const across = clamp((x + 1) / 2 * (side - 1), 0, side - 1.001);
  const up = clamp((y + 1) / 2 * (side - 1), 0, side - 1.001);
  const column = Math.floor(across), row = Math.floor(up), dx = across - column, dy = up - row;
  return [0, 1].map((axis) => {
    const value = (r, c) => grid[2 * (r * side + c) + axis];
    return (value(row, column) * (1 - dx) + value(row, column + 1) * dx) * (1 - dy)
      + (value(row + 1, column) * (1 - dx) + value(row + 1, column + 1) * dx) * dy;
  });
}

class Picture {
  constructor(name, colours) {
    Object.assign(this, {name, colours});
    const side = sidePixels();
    this.canvas = el("canvas", {class: "points", width: side, height: side, role: "img", "aria-label": `${name}: no points yet`});
    this.small = el("canvas");
  }

  /** Draw what a lab looks like; `shows`: {field, arrows}. */
  draw({reals, points, logits, gradients, shows, words}) {
    const context = this.canvas.getContext("2d"), side = this.canvas.width;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, side, side);
    if (shows.field && logits) this.drawField(context, logits);
    context.drawImage(this.layerOf(reals), 0, 0);
    this.dots(context, points, FAKE_RADIUS, this.colours.fake);
    if (gradients && shows.arrows !== "none") this.arrows(context, gradients, shows.arrows === "fakes" ? points : null);
    this.canvas.setAttribute("aria-label", `${this.name}: ${words}`);
  }

  drawField(context, logits) {
    const side = Math.round(Math.sqrt(logits.length));
    this.small.width = this.small.height = side;
    this.small.getContext("2d").putImageData(shaded(logits, side, this.colours), 0, 0);
    context.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.width);
  }

  place(x, y) {
    const side = this.canvas.width;
    return [(x + 1) / 2 * side, (1 - y) / 2 * side];
  }

  /** The real points, drawn once. */
  layerOf(reals) {
    if (this.layer?.reals !== reals) {
      const {width, height} = this.canvas, canvas = el("canvas", {width, height});
      this.dots(canvas.getContext("2d"), reals, REAL_RADIUS, this.colours.real);
      this.layer = {reals, canvas};
    }
    return this.layer.canvas;
  }

  /** A disc for every point; one is drawn, the others are its copies. */
  dots(context, points, share, colour) {
    const radius = Math.max(1.5, share * this.canvas.width), stamp = discOf(radius, colour), half = stamp.width / 2;
    for (let at = 0; at < points.length; at += 2) {
      const [x, y] = this.place(points[at], points[at + 1]);
      if (Number.isFinite(x + y)) context.drawImage(stamp, x - half, y - half);
    }
  }

  /** Where the discriminator's logit grows: the way that the generator is told to move its fakes. */
  arrows(context, grid, points) {
    const side = Math.round(Math.sqrt(grid.length / 2)), places = points ? this.some(points) : this.gridPlaces(side);
    const vectors = places.map(([x, y]) => gradientAt(grid, side, x, y));
    const longest = Math.max(...vectors.map(([x, y]) => Math.hypot(x, y)).filter(Number.isFinite), 1e-12);
    const most = this.canvas.width / side;
    context.strokeStyle = this.colours.ink;
    context.globalAlpha = 0.75;
    context.lineWidth = 1.2;
    context.beginPath();
    places.forEach(([x, y], i) => {
      const [dx, dy] = vectors[i].map((part) => part / longest * most);
      const long = Math.hypot(dx, dy);
      if (long > 2) this.arrow(context, this.place(x, y), dx, -dy, long);
    });
    context.stroke();
    context.globalAlpha = 1;
  }

  arrow(context, [x, y], dx, dy, long) {
    const head = Math.min(7, long / 2), angle = Math.atan2(dy, dx);
    context.moveTo(x, y);
    context.lineTo(x + dx, y + dy);
    for (const turn of [2.6, -2.6]) {
      context.moveTo(x + dx, y + dy);
      context.lineTo(x + dx + head * Math.cos(angle + turn), y + dy + head * Math.sin(angle + turn));
    }
  }

  some(points) {
    const found = [];
    for (let at = 0; at < points.length && found.length < MOST_ARROWS; at += 2) found.push([points[at], points[at + 1]]);
    return found;
  }

  gridPlaces(side) {
    const at = (place) => 2 * place / (side - 1) - 1;
    return Array.from({length: side * side}, (_, i) => [at(i % side), at(Math.floor(i / side))]);
  }
}
