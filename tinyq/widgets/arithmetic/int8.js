/* tinyq's integer arithmetic for the page, equal to the Python package byte for byte.

   Names, order and rounding are those of tinyq/affine.py, weights.py, fixedpoint.py, requantize.py;
   equation numbers are the book's. Every float32 step is written float32(...), for a JavaScript
   number is a float64. Numbers come and go in arrays, codes in Int8Array. Runs without a page. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const float32 = Math.fround;
  const FLOAT32_MAX = 2 ** 128 - 2 ** 104;
  const FLOAT32_TINY = 2 ** -126; // below it float32 loses digits
  const INT32_MIN = -(2 ** 31);
  const INT32_MAX = 2 ** 31 - 1;

  /* ---- The grid: affine.py ---- */

  /* C's lround: ties away from zero. Math.round sends -2.5 to -2; adding 0.5 and cutting sends
     0.49999999999999994 to 1. */
  function lround(x) {
    const whole = Math.trunc(x);
    return whole + (Math.abs(x - whole) >= 0.5 ? Math.sign(x) : 0);
  }

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /* The grid whose codes cover lo..hi and hold real zero, equations (1.3) and (1.4). */
  function gridFromRange(lo, hi, qmin = -128, qmax = 127) {
    if (!(-FLOAT32_MAX <= lo && lo <= hi && hi <= FLOAT32_MAX)) {
      throw new RangeError(`a range needs finite lo <= hi, got lo=${lo}, hi=${hi}`);
    }
    if (!(-128 <= qmin && qmin < qmax && qmax <= 127)) {
      throw new RangeError(`need -128 <= qmin < qmax <= 127, got ${qmin}, ${qmax}`);
    }
    [lo, hi] = [Math.min(lo, 0), Math.max(hi, 0)];
    if (lo === hi) return { scale: 1, zero_point: qmin, qmin, qmax };
    [lo, hi] = [float32(lo), float32(hi)];
    const scale = float32(float32(hi - lo) / (qmax - qmin));
    if (!(scale >= FLOAT32_TINY && scale <= FLOAT32_MAX)) {
      throw new RangeError(`no float32 scale spans lo=${lo}, hi=${hi} in ${qmax - qmin} steps`);
    }
    const zero_point = clamp(lround(qmin - lo / scale), qmin, qmax);
    const steps = Math.max(zero_point - qmin, qmax - zero_point);
    if (!Number.isFinite(float32(scale * steps))) {
      throw new RangeError(`float32 cannot hold the ends of a grid of scale ${scale}`);
    }
    return { scale, zero_point, qmin, qmax };
  }

  /* Equation (1.1) before its clamp: the code that x would have on a grid without ends. */
  const rawCode = (grid, x) => lround(float32(x) / grid.scale) + grid.zero_point;

  /* Equation (1.1). xs: finite real numbers. */
  function quantize(grid, xs) {
    checkScale("scale", grid.scale);
    const codes = new Int8Array(xs.length);
    for (let i = 0; i < codes.length; i += 1) {
      if (!Number.isFinite(float32(xs[i]))) {
        throw new RangeError(`x must be finite float32 numbers, got ${xs[i]}`);
      }
      codes[i] = clamp(rawCode(grid, xs[i]), grid.qmin, grid.qmax);
    }
    return codes;
  }

  /* Equation (1.2), in float32. */
  const dequantize = (grid, codes) =>
    Float32Array.from(codes, (code) => grid.scale * (code - grid.zero_point));

  function checkScale(name, scale) {
    if (!(float32(scale) >= FLOAT32_TINY && float32(scale) <= FLOAT32_MAX)) {
      throw new RangeError(`${name} must be a finite float32 of 2**-126 or more, got ${scale}`);
    }
  }

  /* One scale a channel, or one for all, each above 0. */
  function checkScales(scales, channels) {
    if (scales.length !== 1 && scales.length !== channels) {
      throw new RangeError(`scales must be 1 or ${channels}, one a channel, got ${scales.length}`);
    }
    const bad = Array.from(scales).find((scale) => !(scale > 0 && scale < Infinity));
    if (bad !== undefined) throw new RangeError(`scales must be finite and above 0, got ${bad}`);
  }

  function checkBits(bits) {
    if (!(Number.isInteger(bits) && bits >= 2 && bits <= 8)) {
      throw new RangeError(`bits must be a whole number from 2 to 8, got ${bits}`);
    }
  }

  /* ---- Fixed point: fixedpoint.py ---- */

  const float64Bits = new DataView(new ArrayBuffer(8));

  /* ratio = multiplier * 2**(-31 - shift), equation (5.1): shift > 0 goes right. */
  function quantizeMultiplier(ratio) {
    if (!(ratio >= 0 && ratio < 2 ** 30)) {
      throw new RangeError(`ratio must be in 0..2**30, got ${ratio}`);
    }
    if (ratio < 2 ** -33) return { multiplier: 0, shift: 0 };
    float64Bits.setFloat64(0, ratio);
    let exponent = (float64Bits.getUint16(0) >> 4) - 1022; // frexp's: 0.5 <= mantissa < 1
    let multiplier = lround(ratio * 2 ** (31 - exponent));
    if (multiplier === 2 ** 31) [multiplier, exponent] = [2 ** 30, exponent + 1];
    if (exponent > 30) throw new RangeError(`ratio must be below 2**30, even rounded: ${ratio}`);
    return exponent < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift: -exponent };
  }

  /* floor((a * b + 2**(n - 1)) / 2**n) for int32 a, b and n = 1..62, with no product above 2**53:
     a * b = high * 2**16 + low, and the floors of low and of the sum nest. A result that int64
     holds and float64 does not comes rounded to the nearest float64. */
  function roundedProduct(a, b, n) {
    const high = a * (b >> 16);
    const low = a * (b & 0xffff);
    if (n <= 16) return high * 2 ** (16 - n) + Math.floor((low + 2 ** (n - 1)) / 2 ** n);
    return Math.floor((high + Math.floor(low / 2 ** 16) + 2 ** (n - 17)) / 2 ** (n - 16));
  }

  function checkInt32(name, x) {
    if (x !== (x | 0)) throw new RangeError(`${name} must be an int32, got ${x}`);
  }

  function checkShift(name, n, least) {
    if (!(Number.isInteger(n) && n >= least && n <= 31)) {
      throw new RangeError(`${name} must be a whole number in ${least}..31, got ${n}`);
    }
  }

  /* Equation (5.2). Its two nudges and its cut toward zero come to one floor: a tie goes up. */
  function saturatingRoundingDoublingHighMul(a, b) {
    checkInt32("a", a);
    checkInt32("b", b);
    return Math.min(roundedProduct(a, b, 31), INT32_MAX);
  }

  /* x / 2**n, ties away from zero, equation (5.3). */
  function roundingDivideByPot(x, n) {
    checkInt32("x", x);
    checkShift("n", n, 0);
    const mask = 2 ** n - 1;
    const threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> n) + ((x & mask) > threshold ? 1 : 0);
  }

  /* x << -shift where shift < 0, wrapped to int32 as TFLite does. */
  const shiftLeftInt32 = (x, shift) => (shift < 0 ? x << -shift : x);

  /* Equation (5.4): left shift, high multiply, rounding shift. */
  function multiplyByQuantizedMultiplier(x, multiplier, shift) {
    checkInt32("x", x);
    if (multiplier < 0) throw new RangeError(`multiplier must be >= 0, got ${multiplier}`);
    checkShift("shift", shift, -30);
    const high = saturatingRoundingDoublingHighMul(shiftLeftInt32(x, shift), multiplier);
    return roundingDivideByPot(high, Math.max(shift, 0));
  }

  /* ---- The five roundings: requantize.py ---- */

  /* C's rint: ties to even. */
  function rint(x) {
    const floor = Math.floor(x);
    const rest = x - floor;
    return floor + (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? 1 : 0);
  }

  /* (acc, requantizer, channel) -> acc * ratio as an integer, equations (5.4) to (5.8). */
  const RESCALE = {
    DOUBLE: (acc, { multiplier, shift }, c) =>
      multiplyByQuantizedMultiplier(acc, multiplier[c], shift[c]),
    UP: (acc, { multiplier, shift }, c) => {
      const n = shift[c];
      const high = roundedProduct(shiftLeftInt32(acc, n), multiplier[c], 31);
      return n > 0 ? Math.floor((high + 2 ** (n - 1)) / 2 ** n) : high;
    },
    SINGLE: (acc, { multiplier, shift }, c) => roundedProduct(acc, multiplier[c], 31 + shift[c]),
    FLOAT32: (acc, { ratio }, c) =>
      clamp(rint(float32(float32(acc) * float32(ratio[c]))), INT32_MIN, INT32_MAX),
    FLOAT64: (acc, { ratio }, c) => {
      const rounded = lround(acc * ratio[c]);
      return rounded >= INT32_MIN && rounded <= INT32_MAX ? rounded : INT32_MIN;
    },
  };
  const ROUNDINGS = Object.keys(RESCALE);

  /* The requantizer of real ratios, one a channel or one for all. */
  function requantizerOf(ratios, rounding = "DOUBLE") {
    if (!ROUNDINGS.includes(rounding)) {
      throw new RangeError(`rounding must be one of ${ROUNDINGS.join(", ")}, got ${rounding}`);
    }
    const ratio = Float64Array.from(ratios);
    if (!ratio.length) throw new RangeError("a requantizer needs at least 1 ratio, got 0");
    const pairs = Array.from(ratio, quantizeMultiplier);
    const multiplier = Int32Array.from(pairs, (pair) => pair.multiplier);
    return { ratio, multiplier, shift: Int32Array.from(pairs, (pair) => pair.shift), rounding };
  }

  /* ratio_c = inScale * scale_c / outScale in float64, FLOAT32: in float32, equation (5.10). */
  function requantizer(inScale, weightScales, outScale, rounding = "DOUBLE") {
    checkScale("inScale", inScale);
    checkScale("outScale", outScale);
    checkScales(weightScales, weightScales.length);
    const kind = rounding === "FLOAT32" ? float32 : Number;
    const ratio = (scale) => kind(kind(kind(inScale) * kind(scale)) / kind(outScale));
    return requantizerOf(Array.from(weightScales, ratio), rounding);
  }

  /* acc * ratio as an integer, before zero_point and clamp, on one channel of a requantizer. */
  const rescaleBy = (acc, requantizer, c = 0) => RESCALE[requantizer.rounding](acc, requantizer, c);

  function rescale(acc, ratio, rounding = "DOUBLE") {
    checkInt32("acc", acc);
    return rescaleBy(acc, requantizerOf([ratio], rounding));
  }

  /* The codes of accumulators (..., channels) on grid, equation (5.9). */
  function requantize(acc, requantizer, { zero_point, qmin, qmax }, channels) {
    const rescaled = RESCALE[requantizer.rounding];
    const count = requantizer.ratio.length;
    if (count !== 1 && count !== channels) {
      throw new RangeError(`the requantizer must have 1 or ${channels} ratios, got ${count}`);
    }
    const codes = new Int8Array(acc.length);
    for (let i = 0; i < acc.length; i += 1) {
      codes[i] = clamp(rescaled(acc[i], requantizer, i % count) + zero_point, qmin, qmax);
    }
    return codes;
  }

  /* What rescale() does, one step at a time: [{ name, formula, value, text }]. text has every
     digit, value is the nearest float64; the last value equals rescale(). */
  function rescaleSteps(acc, ratio, rounding = "DOUBLE") {
    const result = rescale(acc, ratio, rounding);
    const step = (name, formula, value) => ({
      name, formula, value: Number(value), text: String(value) });
    if (rounding === "FLOAT32") {
      return [
        step("acc32", "float32(acc)", float32(acc)),
        step("ratio32", "float32(ratio)", float32(ratio)),
        step("product", "float32(acc32 \u00d7 ratio32)", float32(float32(acc) * float32(ratio))),
        step("result", "rint(product), ties to even", result)];
    }
    if (rounding === "FLOAT64") {
      return [step("product", "acc \u00d7 ratio", acc * ratio),
        step("result", "round(product), ties away from zero", result)];
    }
    return [...fixedPointSteps(acc, quantizeMultiplier(ratio), rounding, step),
      step("result", LAST_STEP[rounding], result)];
  }

  const LAST_STEP = {
    DOUBLE: "round(high / 2**right), ties away from zero",
    UP: "round(high / 2**right), ties up",
    SINGLE: "nudged >> (31 + shift)",
  };

  function fixedPointSteps(acc, { multiplier, shift }, rounding, step) {
    const left = rounding !== "SINGLE" && shift < 0;
    const shifted = left ? shiftLeftInt32(acc, shift) : acc;
    const product = BigInt(shifted) * BigInt(multiplier);
    const nudged = product + (1n << BigInt(30 + shift));
    return [
      step("multiplier", "round(mantissa \u00d7 2**31)", multiplier),
      step("shift", "\u2212exponent", shift),
      ...(left ? [step("shifted", "acc << \u2212shift, wrapped to int32", shifted)] : []),
      step("product", `${left ? "shifted" : "acc"} \u00d7 multiplier`, product),
      ...(rounding === "SINGLE"
        ? [step("nudged", "product + 2**(30 + shift)", nudged)]
        : [step("high", "(product + 2**30) >> 31", roundedProduct(shifted, multiplier, 31)),
          step("right", "max(shift, 0)", Math.max(shift, 0))]),
    ];
  }

  /* ---- Weights and biases: weights.py. Output channel first. ---- */

  const weightMax = (bits) => 2 ** (bits - 1) - 1;

  /* scale_c = max |w_c| / weightMax in float32, 1 where all are zero, equation (3.1). */
  function weightScales(weights, channels, perChannel, bits = 8) {
    checkBits(bits);
    if (!weights.length || weights.length % channels) {
      throw new RangeError(`weights must be ${channels} channels, got ${weights.length} numbers`);
    }
    const rows = perChannel ? channels : 1;
    const largest = new Float32Array(rows);
    const size = weights.length / rows;
    for (let i = 0; i < weights.length; i += 1) {
      if (!Number.isFinite(float32(weights[i]))) {
        throw new RangeError(`weights must be finite float32 numbers, got ${weights[i]}`);
      }
      const row = Math.floor(i / size);
      largest[row] = Math.max(largest[row], Math.abs(weights[i]));
    }
    return largest.map((most) => {
      const scale = most > 0 ? float32(most / weightMax(bits)) : 1;
      if (scale >= FLOAT32_TINY) return scale;
      throw new RangeError(`weights of at most ${most} have no float32 scale: too small`);
    });
  }

  /* clamp(round(w / scale_c)), equation (3.2). scales: one a channel, or one. */
  function quantizeWeights(weights, scales, bits = 8) {
    checkBits(bits);
    const most = weightMax(bits);
    const size = weights.length / scales.length;
    checkScales(scales, scales.length);
    if (!(size >= 1 && Number.isInteger(size))) {
      throw new RangeError(`${weights.length} weights do not fit ${scales.length} scales`);
    }
    return Int8Array.from(weights, (w, i) =>
      clamp(lround(w / scales[Math.floor(i / size)]), -most, most));
  }

  /* round(bias / (inScale * scale_c)) as int32, equation (4.3). */
  function quantizeBias(bias, inScale, scales) {
    checkScale("inScale", inScale);
    checkScales(scales, bias.length);
    return Int32Array.from(bias, (b, c) => {
      if (!Number.isFinite(float32(b))) {
        throw new RangeError(`bias must be finite float32 numbers, got ${b}`);
      }
      const code = lround(b / (inScale * scales[scales.length === 1 ? 0 : c]));
      if (Math.abs(code) <= INT32_MAX) return code;
      throw new RangeError(`bias[${c}] = ${b} needs code ${code}: it must fit int32`);
    });
  }

  ui.int8 = {
    lround, clamp, gridFromRange, rawCode, quantize, dequantize, checkScale, checkBits,
    quantizeMultiplier, saturatingRoundingDoublingHighMul, roundingDivideByPot,
    multiplyByQuantizedMultiplier, ROUNDINGS, requantizerOf, requantizer, rescaleBy, rescale,
    requantize, rescaleSteps, weightScales, quantizeWeights, quantizeBias,
  };
})();
