// The losses in symbols, as they run: what the terms say of themselves, with their weights.

/** What stands for fields' values in the words of a term or constraint. */
function filledIn(table) {
  return table.equation.replace(/\{(\w+)\}/g, (_, field) => shortNumber(table[field]));
}

/** A number with so many digits at most, as Python's format "g" writes it. */
function shortNumber(number, digits = 6) {
  const rounded = Number(Number(number).toPrecision(digits));
  const [mantissa, exponent] = rounded.toExponential().split("e");
  if (exponent >= -4 && exponent < digits) return String(rounded);
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/** A text cut at each mark that stands outside of all brackets. */
function cutOutside(text, mark) {
  let [depth, from] = [0, 0];
  const parts = [];
  for (let i = 0; i < text.length; i += 1) {
    depth += "([".includes(text[i]) ? 1 : 0;
    depth -= ")]".includes(text[i]) ? 1 : 0;
    if (depth === 0 && text.startsWith(mark, i)) {
      parts.push(text.slice(from, i));
      from = i + mark.length;
    }
  }
  return [...parts, text.slice(from)];
}

/** A summand with its weight, and what is said behind it, as `one a ~ U(0,1) per batch`. */
function weighted(term) {
  const [formula, ...remarks] = cutOutside(filledIn(term), ", ");
  if (term.weight === 1) return [formula, remarks];
  const isSum = [" + ", " - "].some((mark) => cutOutside(formula, mark).length > 1);
  const stands = isSum || /^[-\d]/.test(formula) ? `(${formula})` : formula;
  return [`${shortNumber(term.weight)} ${stands}`, remarks];
}

/** The sum of a side's terms; a minus takes the place of a plus. */
function lossText(terms) {
  const found = terms.map(weighted);
  const sum = found.map(([formula]) => formula).join(" + ").replaceAll("+ -", "- ");
  return [sum, ...found.flatMap(([, remarks]) => remarks)].join(", ");
}

/** What each side descends, and what holds the discriminator. */
function equationsOf(settings) {
  return settings.turns.map((turn) => ({
    player: turn.side,
    text: lossText(turn.terms),
    constraints: turn.side === "discriminator" ? settings.constraints.map(filledIn) : [],
  }));
}
