/* The ranges that tinyq's observers choose, for the page: histogram.py, percentile.py, mse.py,
   entropy.py. They read one array at once; the same numbers in any batches give the same. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { lround, clamp } = ui.int8;
  const float32 = Math.fround;
  const HALF = 2048; // bins on each side of zero
  const LEAST_POWER = -149;

  /* frexp's exponent: the least e with |x| < 2**e. */
  function exponent(x) {
    let e = Math.floor(Math.log2(Math.abs(x))) + 1;
    while (2 ** e <= Math.abs(x)) e += 1;
    while (2 ** (e - 1) > Math.abs(x)) e -= 1;
    return e;
  }

  /* The least power for which bins of width 2**power hold lo..hi. */
  function powerFor(lo, hi) {
    const ends = [LEAST_POWER];
    if (lo < 0) ends.push(exponent(lo) - (lo === -(2 ** (exponent(lo) - 1)) ? 1 : 0) - 11);
    if (hi > 0) ends.push(exponent(hi) - 11);
    return Math.max(...ends);
  }

  /* { lo, hi, zeros, power, counts }: bin i of width 2**power at index 2048 + i. */
  function histogram(xs) {
    let [lo, hi, zeros] = [Infinity, -Infinity, 0];
    for (const x of xs) {
      lo = Math.min(lo, x);
      hi = Math.max(hi, x);
      if (x === 0) zeros += 1;
    }
    const power = powerFor(lo, hi);
    const counts = new Float64Array(2 * HALF);
    for (const x of xs) counts[Math.floor(x * 2 ** -power) + HALF] += 1;
    return { lo, hi, zeros, power, counts };
  }

  function withoutZeros({ counts, zeros }) {
    const others = counts.slice();
    others[HALF] -= zeros;
    return others;
  }

  /* limit, and below it `steps` rungs an octave through 8 octaves. */
  function ladder(limit, steps) {
    if (limit === 0) return [0];
    const top = exponent(limit) - 1;
    const rungs = [limit];
    for (let octave = 0; octave < 8; octave += 1) {
      for (let m = 2 * steps - 1; m >= steps; m -= 1) {
        const rung = 2 ** (top - octave) * m / steps;
        if (rung < limit) rungs.push(rung);
      }
    }
    return rungs;
  }

  const minMax = ({ lo, hi }) => [lo, hi];

  /* Half of what 99.9 % leaves is cut off at each end, as whole bins. */
  function percentile({ lo, hi, power, counts }) {
    const count = counts.reduce((sum, n) => sum + n, 0);
    const mayCut = Math.floor(count / 2000);
    let [below, first, last] = [0, -1, 0];
    for (let i = 0; i < counts.length; i += 1) {
      if (below >= count - mayCut) break;
      below += counts[i];
      if (first < 0 && below > mayCut) first = i;
      last = i;
    }
    const width = 2 ** power;
    return [Math.max(lo, (first - HALF) * width), Math.min(hi, (last + 1 - HALF) * width)];
  }

  /* Running sums of the numbers, of x and of x**2, spread evenly in each bin; a bin is the unit. */
  function moments(counts) {
    const sums = [0, 1, 2].map(() => new Float64Array(counts.length + 1));
    for (let i = 0; i < counts.length; i += 1) {
      const bin = i - HALF;
      sums[0][i + 1] = sums[0][i] + counts[i];
      sums[1][i + 1] = sums[1][i] + counts[i] * (bin + 0.5);
      sums[2][i + 1] = sums[2][i] + counts[i] * (bin * bin + bin + 1 / 3);
    }
    return { counts, number: sums[0], total: sums[1], squares: sums[2] };
  }

  /* The squared error of the numbers on a grid, scale in bins: mse.py's squared_error. */
  function squaredError({ counts, number, total, squares }, scale, zero_point, qmin, qmax) {
    let error = squares[2 * HALF];
    let [numberBelow, totalBelow] = [0, 0];
    for (let q = qmin; q <= qmax; q += 1) {
      const value = scale * (q - zero_point);
      let [numberUpto, totalUpto] = [number[2 * HALF], total[2 * HALF]];
      if (q < qmax) {
        const edge = clamp(value + scale / 2, -HALF, HALF);
        const i = Math.min(Math.floor(edge), HALF - 1);
        const part = edge - i;
        const here = counts[i + HALF] * part;
        numberUpto = number[i + HALF] + here;
        totalUpto = total[i + HALF] + here * (i + part / 2);
      }
      error += value * (value * (numberUpto - numberBelow) - 2 * (totalUpto - totalBelow));
      [numberBelow, totalBelow] = [numberUpto, totalUpto];
    }
    return error;
  }

  /* Grid.from_range without its checks. */
  function gridFor(lo, hi, qmin, qmax) {
    const scale = float32(float32(float32(hi) - float32(lo)) / (qmax - qmin));
    return { scale, zero_point: clamp(lround(qmin - float32(lo) / scale), qmin, qmax) };
  }

  /* What clipping alone costs at least, counted in whole bins beyond the first and last code. */
  function clippingError({ number, total, squares }, first, last) {
    const part = (value, a, b) => squares[b] - squares[a] - 2 * value * (total[b] - total[a]) +
      value * value * (number[b] - number[a]);
    const from = clamp(Math.floor(first), -HALF, HALF) + HALF;
    const to = clamp(Math.ceil(last), -HALF, HALF) + HALF;
    return part(first, 0, from) + part(last, to, 2 * HALF);
  }

  /* As mse.py, but a range is left out whose clipping alone costs more than the best so far. */
  function mse(seen, qmin, qmax) {
    const sums = moments(withoutZeros(seen));
    const slack = 1e-9 * sums.squares[2 * HALF]; // far above what float64 rounds off
    let [best, least] = [[seen.lo, seen.hi], Infinity];
    for (const low of ladder(Math.max(-seen.lo, 0), 8)) {
      for (const hi of ladder(Math.max(seen.hi, 0), 8)) {
        const { scale, zero_point } = gridFor(-low, hi, qmin, qmax);
        if (!(scale >= 2 ** -126 && scale < Infinity)) continue; // as gridFromRange refuses
        const step = scale / 2 ** seen.power; // in bins
        const ends = [step * (qmin - zero_point), step * (qmax - zero_point)];
        if (clippingError(sums, ...ends) > least + slack) continue;
        const error = squaredError(sums, step, zero_point, qmin, qmax);
        if (error < least) [best, least] = [[-low, hi], error];
      }
    }
    return best;
  }

  /* D(P || Q) in nats for the window counts[start..stop - 1] cut into cells: entropy.py. */
  function divergence(counts, start, stop, cells) {
    const window = counts.slice(start, stop);
    const spread = window.slice();
    const size = window.length;
    for (let i = 0; i < start; i += 1) spread[0] += counts[i];
    for (let i = stop; i < counts.length; i += 1) spread[size - 1] += counts[i];
    const [mass, bins] = [new Float64Array(cells), new Float64Array(cells)];
    const cell = new Int32Array(size);
    let [all, inside] = [0, 0];
    for (let i = 0; i < size; i += 1) {
      cell[i] = Math.floor((i * cells) / size);
      mass[cell[i]] += window[i];
      if (spread[i] > 0) bins[cell[i]] += 1;
      all += spread[i];
      inside += window[i];
    }
    let sum = 0;
    for (let i = 0; i < size; i += 1) {
      if (!(spread[i] > 0)) continue;
      const p = spread[i] / all;
      const q = mass[cell[i]] / Math.max(bins[cell[i]], 1);
      if (q === 0) return Infinity;
      sum += p * Math.log(p / (q / inside));
    }
    return sum;
  }

  function entropy(seen, qmin, qmax) {
    const [counts, width] = [withoutZeros(seen), 2 ** seen.power];
    const [lo, hi] = [Math.min(seen.lo, 0), Math.max(seen.hi, 0)];
    const [first, end] = [Math.floor(lo / width), Math.floor(hi / width) + (hi > 0 ? 1 : 0)];
    const widest = Math.max(-first, end);
    let [best, least] = [widest, Infinity];
    const tried = counts.some((count) => count > 0) ? ladder(widest, 16).map(Math.floor) : [];
    for (const t of tried) {
      const [a, b] = [Math.max(first, -t), Math.min(end, t)];
      if (t < widest && b - a <= qmax - qmin) break;
      const found = divergence(counts, a + HALF, b + HALF, qmax - qmin + 1);
      const rounded = Number.isFinite(found) ? Math.round(found * 1e12) / 1e12 : found;
      if (rounded < least) [best, least] = [t, rounded];
    }
    return [Math.max(lo, -best * width), Math.min(hi, best * width)];
  }

  const RULES = { minmax: minMax, percentile, mse, entropy };

  ui.observers = { histogram, withoutZeros, moments, squaredError, gridFor, divergence, RULES };
})();
