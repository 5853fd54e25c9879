// From seeds to latents, number for number as `gan sample` draws them.
// What the page knows of the prior is `PRIOR`: each of its parts, and a key for each stream.

const WORD = (1n << 64n) - 1n;
const PHILOX = {
  multipliers: [0xD2E7470EE14C6C93n, 0xCA5A826395121157n],
  steps: [0x9E3779B97F4A7C15n, 0xBB67AE8584CAA73Bn],
  rounds: 10,
};
const SMALLEST_UNIFORM = 2 ** -53, PARALLEL_SINE = 1e-6;

// Four words of 64 bits for a counter (Salmon et al. 2011: Philox4x64-10).
function philox(counter, key) {
  let [a, b, c, d] = Array.from({length: 4}, (_, i) => (counter >> BigInt(64 * i)) & WORD);
  let [first, second] = key;
  for (let round = 0; round < PHILOX.rounds; round++) {
    const p = PHILOX.multipliers[0] * a, q = PHILOX.multipliers[1] * c;
    [a, b, c, d] = [(q >> 64n) ^ b ^ first, q & WORD, (p >> 64n) ^ d ^ second, p & WORD];
    first = (first + PHILOX.steps[0]) & WORD;
    second = (second + PHILOX.steps[1]) & WORD;
  }
  return [a, b, c, d];
}

// Numbers in (0, 1): seed s owns the s-th stretch of the stream, which begins with counter 1.
function uniforms(seed, key, count) {
  const blocks = Math.ceil(count / 4), made = new Float64Array(blocks * 4);
  const start = BigInt(seed) * BigInt(blocks) + 1n;
  for (let block = 0; block < blocks; block++) {
    philox(start + BigInt(block), key).forEach((word, i) => {
      made[block * 4 + i] = Number(word >> 12n) * 2 ** -52 + SMALLEST_UNIFORM;
    });
  }
  return made.subarray(0, count);
}

const polynomial = (x, factors) => factors.reduce((sum, factor) => sum * x + factor, 0);

// The inverse of the normal distribution, as in Cephes (S. L. Moshier) and torch.
const NDTRI = {
  middle: [
    [-5.99633501014107895267E1, 9.80010754185999661536E1, -5.66762857469070293439E1,
      1.39312609387279679503E1, -1.23916583867381258016],
    [1, 1.95448858338141759834, 4.67627912898881538453, 8.63602421390890590575E1,
      -2.25462687854119370527E2, 2.00260212380060660359E2, -8.20372256168333339912E1,
      1.59056225126211695515E1, -1.18331621121330003142],
  ],
  near: [
    [4.05544892305962419923, 3.15251094599893866154E1, 5.71628192246421288162E1,
      4.40805073893200834700E1, 1.46849561928858024014E1, 2.18663306850790267539,
      -1.40256079171354495875E-1, -3.50424626827848203418E-2, -8.57456785154685413611E-4],
    [1, 1.57799883256466749731E1, 4.53907635128879210584E1, 4.13172038254672030440E1,
      1.50425385692907503408E1, 2.50464946208309415979, -1.42182922854787788574E-1,
      -3.80806407691578277194E-2, -9.33259480895457427372E-4],
  ],
  far: [
    [3.23774891776946035970, 6.91522889068984211695, 3.93881025292474443415,
      1.33303460815807542389, 2.01485389549179081538E-1, 1.23716634817820021358E-2,
      3.01581553508235416007E-4, 2.65806974686737550832E-6, 6.23974539184983293730E-9],
    [1, 6.02427039364742014255, 3.67983563856160859403, 1.37702099489081330271,
      2.16236993594496635890E-1, 1.34204006088543189037E-2, 3.28014464682127739104E-4,
      2.89247864745380683936E-6, 6.79019408009981274425E-9],
  ],
};
const TAIL = 0.13533528323661269189;
const ratio = (x, [above, below]) => polynomial(x, above) / polynomial(x, below);

function ndtri(u) {
  const tail = Math.min(u, 1 - u);
  if (tail > TAIL) {
    const y = u - 0.5;
    return (y + y * y * y * ratio(y * y, NDTRI.middle)) * 2.50662827463100050242;
  }
  const x = Math.sqrt(-2 * Math.log(tail));
  const found = x - Math.log(x) / x - ratio(1 / x, x < 8 ? NDTRI.near : NDTRI.far) / x;
  return u < 0.5 ? -found : found;
}

// The normal distribution, as in Cephes: erf near 0, erfc elsewhere.
const ERF = [
  [9.60497373987051638749, 9.00260197203842689217E1, 2.23200534594684319226E3,
    7.00332514112805075473E3, 5.55923013010394962768E4],
  [1, 3.35617141647503099647E1, 5.21357949780152679795E2, 4.59432382970980127987E3,
    2.26290000613890934246E4, 4.92673942608635921086E4],
];
const ERFC_NEAR = [
  [2.46196981473530512524E-10, 5.64189564831068821977E-1, 7.46321056442269912687,
    4.86371970985681366614E1, 1.96520832956077098242E2, 5.26445194995477358631E2,
    9.34528527171957607540E2, 1.02755188689515710272E3, 5.57535335369399327526E2],
  [1, 1.32281951154744992508E1, 8.67072140885989742329E1, 3.54937778887819891062E2,
    9.75708501743205489753E2, 1.82390916687909736289E3, 2.24633760818710981792E3,
    1.65666309194161350182E3, 5.57535340817727675546E2],
];
const ERFC_FAR = [
  [5.64189583547755073984E-1, 1.27536670759978104416, 5.01905042251180477414,
    6.16021097993053585195, 7.40974269950448939160, 2.97886665372100240670],
  [1, 2.26052863220117276590, 9.39603524938001434673, 1.20489539808096656605E1,
    1.70814450747565897222E1, 9.60896809063285878198, 3.36907645100081516050],
];

function ndtr(x) {
  const y = Math.abs(x) * Math.SQRT1_2;
  if (y < 1) return 0.5 + 0.5 * Math.sign(x) * y * ratio(y * y, ERF);
  const beyond = 0.5 * Math.exp(-y * y) * ratio(y, y < 8 ? ERFC_NEAR : ERFC_FAR);
  return x < 0 ? beyond : 1 - beyond;
}

// Numbers uniform on (0, 1) as N(0, 1) or U(-1, 1), within `truncation` of 0.
function shaped(u, distribution, truncation) {
  if (distribution === "uniform") return (2 * u - 1) * Math.min(1, truncation ?? 1);
  if (truncation === null) return ndtri(u);
  const left = ndtr(-truncation);
  return ndtri(left + u * (1 - 2 * left));
}

// The numbers that `shaped` makes, as N(0, 1) of equal rank.
function score(x, distribution, truncation) {
  const within = (u) => Math.min(Math.max(u, SMALLEST_UNIFORM), 1 - SMALLEST_UNIFORM);
  if (distribution === "uniform") return ndtri(within((x / Math.min(1, truncation ?? 1) + 1) / 2));
  if (truncation === null) return x;
  const left = ndtr(-truncation);
  return ndtri(within((ndtr(x) - left) / (1 - 2 * left)));
}

const streamKey = (label, part) => [0n, BigInt(PRIOR.keys[label === null ? "" : label][part])];

// The latent of a seed, part by part; label null: of no class in particular, then seed mod classes.
function latentOf(seed, label, truncation) {
  const made = {};
  for (const [name, {distribution, middle, scale, count}] of Object.entries(PRIOR.numbers)) {
    made[name] = Float32Array.from(uniforms(seed, streamKey(label, name), count),
      (u) => shaped(u, distribution, truncation) * scale + middle);
  }
  if (PRIOR.categories) {
    const [u] = uniforms(seed, streamKey(label, "category"), 1);
    made.category = Float32Array.of(Math.floor(u * PRIOR.categories));
  }
  if (PRIOR.classes) made.label = Float32Array.of(label ?? seed % PRIOR.classes);
  return made;
}

// A point on the way from one latent to another (White 2016), of the first's class and category.
function between(first, second, share, truncation) {
  if (share === 0) return first;
  const parts = Object.entries(PRIOR.numbers);
  const scores = (latent) => parts.flatMap(([name, {distribution, middle, scale}]) =>
    Array.from(latent[name], (x) => score((x - middle) / scale, distribution, truncation)));
  const moved = slerp(scores(first), scores(second), share), made = {...first};
  let at = 0;
  for (const [name, {distribution, middle, scale, count}] of parts) {
    made[name] = Float32Array.from(moved.slice(at, at + count),
      (x) => shaped(ndtr(x), distribution, truncation) * scale + middle);
    at += count;
  }
  return made;
}

function slerp(first, second, share) {
  const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const cosine = dot(first, second) / Math.sqrt(dot(first, first) * dot(second, second));
  const angle = Math.acos(Math.min(Math.max(cosine, -1), 1)), sine = Math.sin(angle);
  const weights = sine < PARALLEL_SINE ? [1 - share, share]
    : [Math.sin((1 - share) * angle) / sine, Math.sin(share * angle) / sine];
  return first.map((x, i) => weights[0] * x + weights[1] * second[i]);
}
