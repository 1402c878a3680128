/* tinyq's integer arithmetic for the page, equal to the Python package byte for byte.

   Names, order and rounding are those of tinyq/affine.py; equation numbers are the book's. Every
   float32 step is written float32(...), for a JavaScript number is a float64. Numbers come and go
   in arrays, codes in Int8Array. Runs without a page. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const float32 = Math.fround;

  /* C's lround: ties away from zero. Math.round sends -2.5 to -2; adding 0.5 and cutting sends
     0.49999999999999994 to 1. */
  function lround(x) {
    const whole = Math.trunc(x);
    return whole + (Math.abs(x - whole) >= 0.5 ? Math.sign(x) : 0);
  }

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /* The grid whose codes cover lo..hi and hold real zero, equations (1.3) and (1.4). */
  function gridFromRange(lo, hi, qmin = -128, qmax = 127) {
    if (!(Number.isFinite(lo) && Number.isFinite(hi) && lo <= hi)) {
      throw new RangeError(`a range needs finite lo <= hi, got lo=${lo}, hi=${hi}`);
    }
    [lo, hi] = [float32(Math.min(lo, 0)), float32(Math.max(hi, 0))];
    if (lo === hi) return { scale: 1, zero_point: qmin, qmin, qmax };
    const scale = float32(float32(hi - lo) / (qmax - qmin));
    if (!(Number.isFinite(scale) && scale > 0)) {
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
  const quantize = (grid, xs) =>
    Int8Array.from(xs, (x) => clamp(rawCode(grid, x), grid.qmin, grid.qmax));

  /* Equation (1.2), in float32. */
  const dequantize = (grid, codes) =>
    Float32Array.from(codes, (code) => grid.scale * (code - grid.zero_point));

  ui.int8 = { lround, clamp, gridFromRange, rawCode, quantize, dequantize };
})();
