// How samples spread: over the modes of a mixture, as gancli counts them, and from each other.

/** Which modes samples hold. Points and centres are in network units, one after the other. */
function coverage(points, centres, std, rules) {
  const counts = new Array(centres.length).fill(0);
  const count = points.length / 2;
  for (let i = 0; i < count; i += 1) {
    const [mode, distance] = nearest(points[2 * i], points[2 * i + 1], centres);
    if (distance < rules.RADIUS_IN_STD * std) counts[mode] += 1;
  }
  const fair = (rules.FAIR_SHARE * count) / centres.length;
  return {
    captured: counts.filter((each) => each > 0).length,
    held: counts.filter((each) => each > 0 && each >= fair).length,
    highQuality: counts.reduce((sum, each) => sum + each, 0) / count,
    counts,
  };
}

/** The place of the nearest centre, and its distance. */
function nearest(x, y, centres) {
  let [place, least] = [0, Infinity];
  for (let i = 0; i < centres.length; i += 1) {
    const distance = Math.hypot(x - centres[i][0], y - centres[i][1]);
    if (distance < least) [place, least] = [i, distance];
  }
  return [place, least];
}

/** The mean distance of two points. */
function meanDistance(points) {
  const count = points.length / 2;
  let sum = 0;
  for (let i = 0; i < count; i += 1) {
    for (let j = 0; j < i; j += 1) {
      sum += Math.hypot(points[2 * i] - points[2 * j], points[2 * i + 1] - points[2 * j + 1]);
    }
  }
  return sum / ((count * (count - 1)) / 2);
}

/** `wanted` of the points, from all over them. */
function spacedOut(points, wanted) {
  const there = points.length / 2;
  const count = Math.min(there, wanted);
  const found = new Float64Array(2 * count);
  for (let i = 0; i < count; i += 1) {
    const from = Math.floor((i * (there - 1)) / Math.max(count - 1, 1));
    found.set(points.subarray(2 * from, 2 * from + 2), 2 * i);
  }
  return found;
}
