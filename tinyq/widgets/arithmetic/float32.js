/* The same layers in float32, as tinyq/floatref.py: what calibration watches.

   Every sum runs one product at a time in the order of the loop nest, and every step rounds to
   float32, so ranges and grids equal Python's to the bit. Pad, clamp and max pool
   are those of layers.js. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { outputSize, eachWindow, asImage, clampCodes, pool } = ui.layers;
  const float32 = Math.fround;

  /* bias + sum of w * x. weights: { data, shape } OHWI; x: (N, H, W, I). */
  function conv(x, { weights, bias, stride = [1, 1] }) {
    const [filters, height, width, channels] = weights.shape;
    const out = outputSize(x.shape, [height, width], stride);
    const data = new Float32Array(x.shape[0] * out[0] * out[1] * filters);
    const [run, row] = [width * channels, x.shape[2] * channels];
    const [reals, factors] = [x.data, weights.data];
    eachWindow(x.shape, out, stride, (at, corner) => {
      for (let o = 0, w = 0; o < filters; o += 1) {
        let sum = bias[o];
        for (let p = corner, y = 0; y < height; y += 1, p += row) {
          for (let q = p; q < p + run; q += 1, w += 1) {
            sum = float32(sum + float32(factors[w] * reals[q]));
          }
        }
        data[at * filters + o] = sum;
      }
    });
    return { data, shape: [x.shape[0], ...out, filters] };
  }

  /* weights: { data, shape } (out, in); x: (N, in). */
  function dense(x, { weights, bias }) {
    const { data, shape } = conv(asImage(x), {
      weights: { data: weights.data, shape: [weights.shape[0], 1, 1, weights.shape[1]] }, bias });
    return { data, shape: [shape[0], shape[3]] };
  }

  const relu = (x) => clampCodes(x, 0, Infinity);

  /* The mean of each channel: (N, H, W, C) to (N, C). */
  function globalAvgPool(x) {
    const kernel = x.shape.slice(1, 3);
    const pixels = kernel[0] * kernel[1];
    const { data, shape } =
      pool(x, kernel, [1, 1], 0, (sum, y) => float32(sum + y), (sum) => sum / pixels);
    return { data, shape: [shape[0], shape[3]] };
  }

  const add = (a, b) => ({ data: a.data.map((x, i) => x + b.data[i]), shape: a.shape });

  ui.float32 = { conv, dense, relu, globalAvgPool, add };
})();
