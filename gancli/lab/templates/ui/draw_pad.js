// Draws a distribution: with a pointer, or with the keyboard alone.

const MOST_DRAWN = 4000;
const STAMP = 40;
const SPRAY = 6;
/** Drawn points are within the square that the networks reach. */
const DRAW_REACH = 1;
/** Units of the networks that an arrow key moves the cross by, and with Shift. */
const FAR_MOVE = 0.1, NEAR_MOVE = 0.02;

class DrawPad {
  /** `colours`: of the pictures; `use`: takes the points, [x, y] each. */
  constructor(colours, use) {
    Object.assign(this, {colours, use, strokes: [], cursor: [0, 0], spread: 0.04});
    this.canvas = el("canvas", {
      class: "points", width: sidePixels(), height: sidePixels(), tabindex: 0, role: "application",
      "aria-label": "Drawing area: arrow keys move the cross, with Shift in small steps; Enter adds a Gaussian of 40 points there; Backspace takes the last one away.",
      keydown: (event) => this.key(event), pointerdown: (event) => this.press(event),
      pointermove: (event) => this.drag(event), pointerup: () => this.lift(), pointercancel: () => this.lift(),
      focus: () => this.draw(), blur: () => this.draw(),
    });
    this.said = el("p", {class: "counts", role: "status"});
    this.width = el("select", {change: () => { this.spread = +this.width.value; }},
      ...[0.01, 0.02, 0.04, 0.08, 0.16].map((value) => el("option", {value, selected: value === 0.04}, `${value}`)));
    const button = (name, act) => el("button", {type: "button", click: act}, name);
    this.take = button("Use these points", () => this.use(this.points()));
    this.node = el("section", {class: "pad", hidden: true, "aria-label": "Draw your own distribution"},
      el("h2", {}, "Draw your own distribution"),
      el("div", {class: "top"}, el("div", {class: "sight"}, this.canvas, this.said),
        el("div", {class: "settings"},
          el("p", {}, "Drag over the square to spray points. Or, by keyboard: arrow keys move the cross (with Shift in small steps), Enter adds a Gaussian, Backspace takes the last one away."),
          el("label", {}, el("span", {}, "standard deviation of the spray"), this.width),
          el("div", {class: "buttons"}, button("Undo", () => this.undo()), button("Clear", () => this.clear()), button("Save points", () => this.save()), this.take),
          el("p", {class: "note"}, "“Use these points” gives them to both labs, which begin again at step 0; Run then trains. Until then the labs keep their data."),
          el("p", {class: "note"}, "“Save points” writes points.csv: gan lab points.csv opens this page with them. The link of this page carries them, too."))));
    this.draw();
  }

  points() {
    return this.strokes.flat();
  }

  /** Take points that come from a link. */
  put(points) {
    this.strokes = points.length ? [points] : [];
    this.draw();
  }

  key(event) {
    const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
    const move = moves[event.key];
    if (move) {
      const far = event.shiftKey ? NEAR_MOVE : FAR_MOVE;
      this.cursor = this.cursor.map((at, axis) => clamp(Math.round(100 * (at + far * move[axis])) / 100, -DRAW_REACH, DRAW_REACH));
      say(this.said, `cross at ${this.cursor.join(", ")}`);
    } else if (event.key === "Enter" || event.key === " ") this.stamp(this.cursor, STAMP);
    else if (event.key === "Backspace") this.undo();
    else return;
    event.preventDefault();
    this.draw();
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke = [];
    this.strokes.push(this.stroke);
    this.drag(event);
  }

  drag(event) {
    if (!this.stroke) return;
    const {left, top, width} = this.canvas.getBoundingClientRect();
    const at = [(event.clientX - left) / width, 1 - (event.clientY - top) / width].map((share) => (2 * share - 1) * DRAW_REACH);
    this.cursor = at.map((value) => Math.round(100 * clamp(value, -DRAW_REACH, DRAW_REACH)) / 100);
    this.spray(at, SPRAY, this.stroke);
    this.draw();
  }

  lift() {
    this.stroke = null;
    this.tell();
  }

  stamp(at, count) {
    const stroke = [];
    this.spray(at, count, stroke);
    if (stroke.length) this.strokes.push(stroke);
    this.tell();
  }

  spray([x, y], count, stroke) {
    const room = Math.min(count, MOST_DRAWN - this.points().length);
    for (let i = 0; i < room; i++) {
      // Box and Muller's; kept to thousandths, as a link keeps them.
      const far = this.spread * Math.sqrt(-2 * Math.log(1 - Math.random())), turn = 2 * Math.PI * Math.random();
      stroke.push([x + far * Math.cos(turn), y + far * Math.sin(turn)].map((value) => clamp(Math.round(1000 * value) / 1000, -DRAW_REACH, DRAW_REACH)));
    }
  }

  undo() {
    this.strokes.pop();
    this.tell();
  }

  clear() {
    this.strokes = [];
    this.tell();
  }

  tell() {
    const count = this.points().length;
    say(this.said, `${counted(count, "point")}${count >= MOST_DRAWN ? ", which are as many as fit" : ""}`);
    this.draw();
  }

  save() {
    const text = this.points().map((point) => point.join(",")).join("\n");
    const address = URL.createObjectURL(new Blob([`x,y\n${text}\n`], {type: "text/csv"}));
    el("a", {href: address, download: "points.csv"}).click();
    URL.revokeObjectURL(address);
  }

  draw() {
    const context = this.canvas.getContext("2d"), side = this.canvas.width;
    const place = (value) => (value / DRAW_REACH + 1) / 2 * side;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, side, side);
    context.fillStyle = this.colours.real;
    for (const [x, y] of this.points()) context.fillRect(place(x) - 2, side - place(y) - 2, 4, 4);
    if (document.activeElement !== this.canvas) return;
    const [x, y] = [place(this.cursor[0]), side - place(this.cursor[1])];
    context.strokeStyle = this.colours.ink;
    context.lineWidth = 2;
    context.strokeRect(x - 9, y - 9, 18, 18);
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [0, 1]]) {
      context.moveTo(x - 16 * dx, y - 16 * dy);
      context.lineTo(x + 16 * dx, y + 16 * dy);
    }
    context.stroke();
  }
}
