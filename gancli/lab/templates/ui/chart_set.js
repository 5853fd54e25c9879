// The charts of a lab: losses, their terms, gradient norms, modes held, and the weights.

const PLAYER_COLOURS = {generator: "var(--series-1)", discriminator: "var(--series-2)", reconstructor: "var(--series-4)"};
const MORE_COLOURS = ["var(--series-2)", "var(--series-3)", "var(--series-1)", "var(--series-4)"];
const MOST_LINES = 4;
const LOSS = "loss_";

class ChartSet {
  constructor() {
    this.totals = new Chart("Losses");
    this.norms = new Chart("Gradient norms", {log: true, note: "logarithmic"});
    this.held = new Chart("Modes held", {whole: true});
    this.terms = new Map();
    this.weights = new Map();
    this.curves = el("div", {class: "curves"}, this.totals.node, this.norms.node, this.held.node);
    this.histograms = el("div", {class: "curves small"});
    this.node = el("div", {}, this.curves, this.histograms);
  }

  draw({losses, norms, modes, step, seen, shared}) {
    const named = [...losses.all].map(([key, series]) => ({key, series, name: key.replace(LOSS, "")}));
    this.totals.draw(named.filter(({name}) => name in PLAYER_COLOURS).map((line) => ({...line, colour: PLAYER_COLOURS[line.name]})), step);
    this.norms.draw([...norms.all].map(([name, series]) => ({name, series, colour: PLAYER_COLOURS[name]})), step);
    this.held.node.hidden = !seen.modes;
    this.held.span = [0, shared.modes() ?? 1];
    if (seen.modes) this.held.draw([...modes.all].map(([, series]) => ({name: `${seen.modes.held} of ${shared.modes()}`, series, colour: "var(--good)"})), step);
    this.drawTerms(named, step);
    this.drawWeights(seen.weights);
  }

  /** A player's terms, where it has several; where these are many, each in a chart of its own. */
  drawTerms(named, step) {
    const charts = new Map();
    for (const player of Object.keys(PLAYER_COLOURS)) {
      const own = named.filter(({name}) => name.startsWith(`${player}_`)).map((line) => ({...line, name: line.name.slice(player.length + 1).replaceAll("_", " ")}));
      if (own.length > MOST_LINES) for (const line of own) charts.set(`${player}: ${line.name}`, [line]);
      else if (own.length > 1) charts.set(`Terms of the ${player}'s loss`, own);
    }
    for (const [title, lines] of charts) {
      if (!this.terms.has(title)) {
        this.terms.set(title, new Chart(title));
        this.curves.append(this.terms.get(title).node);
      }
      this.terms.get(title).draw(lines.map((line, i) => ({...line, colour: MORE_COLOURS[i]})), step);
    }
    for (const [title, chart] of this.terms) chart.node.hidden = !charts.has(title);
  }

  drawWeights(weights) {
    for (const each of weights) {
      if (!this.weights.has(each.player)) {
        this.weights.set(each.player, new Histogram(each.player, PLAYER_COLOURS[each.player]));
        this.histograms.append(this.weights.get(each.player).node);
      }
      this.weights.get(each.player).draw(each);
    }
    const players = weights.map(({player}) => player);
    for (const [player, histogram] of this.weights) histogram.node.hidden = !players.includes(player);
  }
}
