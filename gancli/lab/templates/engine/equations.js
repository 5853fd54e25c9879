// The losses in symbols, as they run: weights are put before what the terms say of themselves.

/** What stands for a field's value in the words of a term. */
function filledIn(text, table) {
  return text.replace(/\{(\w+)\}/g, (_, field) => shortNumber(table[field]));
}

/** A number with six digits at most. */
function shortNumber(number) {
  return String(Number(Number(number).toPrecision(6)));
}

/** A weighted summand; one of several parts stands in brackets. */
function summand(term) {
  const text = filledIn(term.equation, term);
  if (term.weight === 1) return text;
  return `${shortNumber(term.weight)} (${text})`;
}

/** One line for each side: what it descends; and what holds the discriminator. */
function equationsOf(settings) {
  return settings.turns.map((turn) => ({
    player: turn.side,
    text: turn.terms.map(summand).join(" + "),
    constraints: turn.side === "discriminator"
      ? settings.constraints.map((held) => filledIn(held.equation, held))
      : [],
  }));
}
