// The rules of verdicts that can be had of points, in the order of gancli's: a rule sees the series
// and the thresholds `k`, which are gancli's own, and gives what it finds, or null.

/** The first step of the rows, at the end, that something holds at: k.SURE of them at least. */
function sinceWhen(rows, k, holds) {
  let count = 0;
  while (count < rows.length && holds(rows[rows.length - 1 - count])) count += 1;
  return count >= k.SURE ? rows[rows.length - count].step : null;
}

function finding(name, since, said) {
  return since === null ? null : { name, since, said };
}

function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)}%`;
}

function last(rows) {
  return rows[rows.length - 1];
}

/** Each player whose measure is beyond its bound: [player, last value, since when]. */
function beyond(rows, k, measure, boundOf) {
  const players = Object.entries(last(rows)?.[measure] ?? {});
  return players
    .map(([player, value]) => [
      player, value, sinceWhen(rows, k, (row) => (row[measure][player] ?? 0) > boundOf(player)),
    ])
    .filter(([, , began]) => began !== null);
}

function leaping({ turns }, k) {
  const bound = (player) => (player === "discriminator" ? k.WILD_DISCRIMINATOR_UPDATE : k.WILD_UPDATE);
  const [found] = beyond(turns, k, "updates", bound);
  if (!found) return null;
  const [player, share, began] = found;
  return finding("diverging", began, `a step moves the ${player}'s weights by ${percent(share)} of their norm`);
}

function exploding({ turns }, k) {
  const [found] = beyond(turns, k, "gradients", () => k.WILD_GRADIENT);
  if (!found) return null;
  const [player, norm, began] = found;
  return finding("diverging", began, `the ${player}'s gradient has a norm of ${shortNumber(norm, 3)}`);
}

function growing({ turns }, k) {
  const early = turns.slice(0, Math.max(1, Math.floor(turns.length / 4)))
    .map(({ loss }) => loss).sort((a, b) => a - b);
  const usual = Math.max(1, early[Math.floor(early.length / 2)] ?? 0);
  const began = sinceWhen(turns, k, ({ loss }) => loss > k.WILD_LOSS * usual);
  const now = last(turns)?.loss ?? 0;
  return finding("diverging", began,
    `a loss has grown to ${shortNumber(now, 3)}, from ${shortNumber(usual, 3)} at first`);
}

/** A loss, weight or gradient that is no number ends a run of `gan train`. */
function notFinite({ turns }) {
  const bad = turns.find(({ loss, updates }) =>
    ![loss, ...Object.values(updates)].every(Number.isFinite));
  return bad ? finding("diverging", bad.step, "a loss or a weight is no longer finite") : null;
}

function deadGenerator({ turns }, k) {
  const began = sinceWhen(turns, k, ({ gradients: norms }) => norms.generator === 0);
  return finding("diverging", began,
    "the generator gets no gradient at all: its units, or the discriminator's, are dead");
}

function standingStill({ turns }, k) {
  const began = sinceWhen(turns, k, ({ updates }) => Math.max(...Object.values(updates)) < k.STILL_UPDATE);
  return finding("plateau", began, "the weights of all players stand still");
}

function warm(rows, k) {
  return rows.filter(({ step }) => step >= k.WARM_UP_OF_POINTS);
}

/** How many modes are held, as a further clause. */
function heldClause({ known, modes }) {
  if (!known.length) return "";
  return `; ${Math.round(last(known).held * modes)} of ${modes} mode${modes === 1 ? "" : "s"} are held`;
}

function alike(seen, k) {
  const looks = warm(seen.looks, k);
  const began = sinceWhen(looks, k, ({ diversity }) => diversity < k.LOW_DIVERSITY);
  const all = seen.looks.map(({ diversity }) => diversity);
  if (began === null || Math.max(...all) - Math.min(...all) < k.STUCK) return null;
  const said = `two samples differ ${percent(last(looks).diversity)} as much as two reals do`;
  return finding("collapsing", began, said + heldClause(seen));
}

/** The first count from which on no more than half of the modes are held, which once were. */
function fallen(seen, k) {
  let [began, hasRisen] = [null, false];
  for (const { step, held } of seen.known) {
    if (held > 0.5) [began, hasRisen] = [null, true];
    else began ??= step;
  }
  const count = seen.known.filter(({ step }) => step >= began).length;
  if (!hasRisen || began === null || count < k.SURE) return null;
  const said = `no more than half of the modes are held since step ${grouped(began)}`;
  return finding("collapsing", began, said + heldClause(seen));
}

function average(numbers) {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}

function variance(numbers) {
  const middle = average(numbers);
  return numbers.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (numbers.length - 1);
}

/** Distances from the data: of the last looks, and before them those of as many others. */
function windows(rows, k) {
  const size = Math.max(k.TREND, Math.floor(rows.length / k.TREND_SHARE));
  const found = rows.map(({ misfit }) => misfit);
  const first = Math.max(0, found.length - 2 * size);
  const middle = Math.max(0, found.length - size);
  return [found.slice(first, middle), found.slice(middle), size];
}

/** Whether the last looks are nearer to the data than those before; null: there are too few. */
function improves(rows, k) {
  const [before, now] = windows(rows, k);
  if (before.length < k.TREND || now.length < k.TREND) return null;
  const error = Math.sqrt((variance(before) + variance(now)) / now.length);
  const least = Math.max(k.TREND_ERRORS * error, k.LEAST_FALL * average(before));
  return average(before) - average(now) > least;
}

/** Whether samples are unlike the data, and get no better. */
function staysBad({ known }, k) {
  const unlike = ({ misfit, held }) => misfit > k.BAD_FIT && held < k.FEW_HELD;
  return sinceWhen(warm(known, k), k, unlike) !== null && improves(known, k) !== true;
}

function discriminatorTooStrong(seen, k) {
  const began = sinceWhen(seen.turns, k, ({ accuracy }) => accuracy > k.SURE_ACCURACY);
  if (began === null || !staysBad(seen, k)) return null;
  const share = percent(last(seen.turns).accuracy, 1);
  return finding("discriminator-too-strong", began,
    `the discriminator tells ${share} of reals and fakes right, and samples stay unlike the data`);
}

function generatorTooStrong(seen, k) {
  const began = sinceWhen(seen.turns, k, ({ accuracy }) => accuracy < k.BLIND_ACCURACY);
  if (!seen.hasBoundary || began === null || !staysBad(seen, k)) return null;
  const share = percent(last(seen.turns).accuracy);
  return finding("generator-too-strong", began,
    `the discriminator tells only ${share} of reals and fakes right (guessing: 50 %), although `
      + "samples are unlike the data");
}

/** Whether the last counts held no more at their best than as many before them. */
function noMoreCome(counts, k) {
  const held = counts.map((count) => count.held);
  if (held.length < 2 * k.SURE) return false;
  return Math.max(...held.slice(-k.SURE)) <= Math.max(...held.slice(-2 * k.SURE, -k.SURE));
}

function modeDropping(seen, k) {
  const counts = warm(seen.known, k);
  const began = sinceWhen(counts, k, ({ held }) => held < k.FEW_HELD);
  if (began === null || improves(seen.known, k) === true || !noMoreCome(counts, k)) return null;
  return finding("mode-dropping", began, `it does not get better${heldClause(seen)}`);
}

function improving({ known }, k) {
  if (!improves(known, k)) return null;
  const [before, now, size] = windows(known, k);
  const said = `the distance from the data falls from ${average(before).toFixed(3)} to `
    + `${average(now).toFixed(3)} over the last ${size} looks`;
  return finding("improving", known[known.length - size].step, said);
}

function levelled({ known }, k) {
  const fits = warm(known, k);
  if (improves(fits, k) !== false) return null;
  const [before, now, size] = windows(fits, k);
  if (average(now) < (1 - k.SMALL_FALL) * average(before)) return null;
  const said = `the distance from the data stays at ${average(now).toFixed(3)} over the last ${size} looks`;
  return finding("plateau", fits[fits.length - size].step, said);
}

function healthy(seen, k) {
  const { looks, known } = seen;
  const counts = known.length ? known : looks;
  if (looks.length < k.SURE || (last(counts).held ?? 0) < k.FEW_HELD) return null;
  return finding("healthy", looks[looks.length - k.SURE].step, `no sign of trouble${heldClause(seen)}`);
}

/** The first that finds something gives the verdict. */
const RULES = [
  notFinite, leaping, exploding, growing, deadGenerator, standingStill, alike, fallen,
  discriminatorTooStrong, generatorTooStrong, modeDropping, improving, levelled, healthy,
];
