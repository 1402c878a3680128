/* The int8 layers for the page, equal to tinyq/layers/ byte for byte.

   A tensor is { data, shape, grid }, shape (N, H, W, C) or (N, C). A layer that passes its codes
   through hands on the very grid object of its input. Pad, clamp and max pool take float tensors
   too. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { lround, clamp, checkScale, quantize, requantizer, requantizerOf, requantize, rescaleBy,
    weightScales, quantizeWeights, quantizeBias } = ui.int8;
  const INT32_MIN = -(2 ** 31);
  const INT32_MAX = 2 ** 31 - 1;

  /* A convolution (weightShape OHWI) or dense layer ([out, in]) from float weights and biases. */
  function linearLayer(weights, weightShape, bias, inGrid, outGrid, options = {}) {
    const { stride = [1, 1], perChannel = true, bits = 8, rounding = "DOUBLE" } = options;
    checkTensor({ data: weights, shape: weightShape });
    checkTensor({ data: bias, shape: [weightShape[0]] });
    const weightScale = weightScales(weights, weightShape[0], perChannel, bits);
    const layer = {
      weight: quantizeWeights(weights, weightScale, bits), weightShape, weightScale, stride,
      bias: quantizeBias(bias, inGrid.scale, weightScale), inGrid, outGrid,
      requantizer: requantizer(inGrid.scale, weightScale, outGrid.scale, rounding),
    };
    const { least, largest } = accumulatorRange(layer);
    if (least.some((acc) => acc < INT32_MIN) || largest.some((acc) => acc > INT32_MAX)) {
      throw new RangeError("the accumulator must fit int32, but weight and bias can drive it to " +
        `${Math.min(...least)}..${Math.max(...largest)}`);
    }
    return layer;
  }

  /* The least and the largest accumulator each channel can reach, equation (4.2). */
  function accumulatorRange({ weight, weightShape, bias, inGrid: { zero_point, qmin, qmax } }) {
    const [least, largest] = [Float64Array.from(bias), Float64Array.from(bias)];
    const size = weight.length / weightShape[0];
    for (let i = 0; i < weight.length; i += 1) {
      const o = Math.floor(i / size);
      const ends = [weight[i] * (qmin - zero_point), weight[i] * (qmax - zero_point)];
      least[o] += Math.min(...ends);
      largest[o] += Math.max(...ends);
    }
    return { least, largest };
  }

  /* ---- What stands around the sums ---- */

  function checkTensor({ data, shape }, grid, channels) {
    const size = shape.reduce((count, axis) => count * axis, 1);
    if (data.length !== size) {
      throw new RangeError(`shape ${shape} needs ${size} numbers, got ${data.length}`);
    }
    if (channels !== undefined && shape.at(-1) !== channels) {
      throw new RangeError(`the layer takes ${channels} channels, got shape ${shape}`);
    }
    if (grid && grid.qmax - grid.qmin < 255) {
      const stray = data.find((code) => code < grid.qmin || code > grid.qmax);
      if (stray === undefined) return;
      throw new RangeError(`codes must lie in ${grid.qmin}..${grid.qmax}, got ${stray}`);
    }
  }

  function checkImage(shape) {
    if (shape.length !== 4) throw new RangeError(`need an image (N, H, W, C), got shape ${shape}`);
  }

  /* [OH, OW] of a VALID window, equation (6.1). */
  function outputSize(shape, kernel, stride) {
    const [, height, width] = shape;
    checkImage(shape);
    if (![...kernel, ...stride].every((size) => Number.isInteger(size) && size >= 1)) {
      throw new RangeError(`kernel and stride must be whole numbers >= 1: ${kernel}, ${stride}`);
    }
    if (kernel[0] > height || kernel[1] > width) {
      throw new RangeError(`kernel ${kernel} must fit the image, got ${height} x ${width} pixels`);
    }
    return [0, 1].map((i) => Math.floor(([height, width][i] - kernel[i]) / stride[i]) + 1);
  }

  /* Surround an image with value, the code of real zero, equation (6.2). */
  function pad(x, [top, bottom, left, right], value = x.grid?.zero_point) {
    checkTensor(x);
    checkImage(x.shape);
    if (![top, bottom, left, right].every((p) => Number.isInteger(p) && p >= 0)) {
      throw new RangeError(`pads must be whole numbers >= 0: ${[top, bottom, left, right]}`);
    }
    if (value === undefined) throw new RangeError("pad needs a value: the tensor has no grid");
    const [images, height, width, channels] = x.shape;
    const shape = [images, top + height + bottom, left + width + right, channels];
    const data = new x.data.constructor(images * shape[1] * shape[2] * channels).fill(value);
    const row = width * channels;
    for (let i = 0; i < images * height; i += 1) {
      const y = Math.floor(i / height) * shape[1] + top + (i % height);
      data.set(x.data.subarray(i * row, (i + 1) * row), (y * shape[2] + left) * channels);
    }
    return { data, shape, grid: x.grid };
  }

  /* Call visit(at, corner) for each window: at counts windows, corner is the index of its first
     number. Windows come in NHW order. */
  function eachWindow([images, height, width, channels], [rows, columns], stride, visit) {
    for (let n = 0, at = 0; n < images; n += 1) {
      for (let i = 0; i < rows; i += 1) {
        for (let j = 0; j < columns; j += 1, at += 1) {
          visit(at, ((n * height + i * stride[0]) * width + j * stride[1]) * channels);
        }
      }
    }
  }

  const asImage = ({ data, shape }) => ({ data, shape: [shape[0], 1, 1, shape[1]] });

  /* bias + sum of w * (x - zero_point), equation (4.1): int32, of a convolution or dense layer. */
  function accumulate(x, { weight, weightShape, bias, inGrid, stride = [1, 1] }) {
    checkTensor(x, inGrid, weightShape.at(-1));
    if (weightShape.length === 2) {
      const square = { weight, weightShape: [weightShape[0], 1, 1, weightShape[1]], bias, inGrid };
      const { data, shape } = accumulate(asImage(x), square);
      return { data, shape: [shape[0], shape[3]] };
    }
    const [filters, height, width, channels] = weightShape;
    const out = outputSize(x.shape, [height, width], stride);
    const acc = new Int32Array(x.shape[0] * out[0] * out[1] * filters);
    const [run, row, codes, zero] = [width * channels, x.shape[2] * channels, x.data,
      inGrid.zero_point];
    eachWindow(x.shape, out, stride, (at, corner) => {
      for (let o = 0, w = 0; o < filters; o += 1) {
        let sum = bias[o];
        for (let p = corner, y = 0; y < height; y += 1, p += row) {
          for (let q = p; q < p + run; q += 1, w += 1) sum += weight[w] * (codes[q] - zero);
        }
        if (sum !== (sum | 0)) throw new RangeError(`the accumulator must fit int32, got ${sum}`);
        acc[at * filters + o] = sum;
      }
    });
    return { data: acc, shape: [x.shape[0], ...out, filters] };
  }

  /* The codes of a layer with weights on its outGrid, equation (5.9). */
  function conv(x, layer) {
    const { data, shape } = accumulate(x, layer);
    const codes = requantize(data, layer.requantizer, layer.outGrid, layer.weightShape[0]);
    return { data: codes, shape, grid: layer.outGrid };
  }

  /* min(max(x, low), high), equation (7.1). */
  const clampCodes = (x, low, high) =>
    ({ data: x.data.map((code) => clamp(code, low, high)), shape: x.shape, grid: x.grid });

  const relu = (x, grid = x.grid) => ({ ...clampCodes(x, grid.zero_point, grid.qmax), grid });

  const relu6 = (x, grid = x.grid) =>
    ({ ...clampCodes(x, grid.zero_point, quantize(grid, [6])[0]), grid });

  /* Fold each channel of each window: from start, by step(so far, number), then finish(). */
  function pool(x, kernel, stride, start, step, finish) {
    checkTensor(x);
    const out = outputSize(x.shape, kernel, stride);
    const [images, , width, channels] = x.shape;
    const data = new x.data.constructor(images * out[0] * out[1] * channels);
    const places = Array.from({ length: kernel[0] * kernel[1] }, (_, i) =>
      (Math.floor(i / kernel[1]) * width + (i % kernel[1])) * channels);
    eachWindow(x.shape, out, stride, (at, corner) => {
      for (let c = 0; c < channels; c += 1) {
        let folded = start;
        for (const place of places) folded = step(folded, x.data[corner + place + c]);
        data[at * channels + c] = finish(folded);
      }
    });
    return { data, shape: [images, ...out, channels], grid: x.grid };
  }

  /* The largest code of each window, equation (7.2). */
  const maxPool = (x, kernel, stride = kernel) =>
    pool(x, kernel, stride, -Infinity, Math.max, (most) => most);

  /* The mean of each window's raw codes, ties away from code 0, equation (7.3). */
  function avgPool(x, kernel, stride = kernel, grid = x.grid) {
    const count = kernel[0] * kernel[1];
    const mean = (sum) => clamp(lround(sum / count), grid.qmin, grid.qmax);
    return { ...pool(x, kernel, stride, 0, (sum, code) => sum + code, mean), grid };
  }

  /* The mean of each channel: (N, H, W, C) to (N, C). */
  function globalAvgPool(x, grid = x.grid) {
    const { data, shape } = avgPool(x, x.shape.slice(1, 3), [1, 1], grid);
    return { data, shape: [shape[0], shape[3]], grid };
  }

  /* The three requantizers of an add, { a, b, sum }. layer: { inGrids: [a, b], outGrid, leftShift,
     rounding }. Throws where a shifted step could leave int32, equation (8.3). */
  function addRequantizers({ inGrids, outGrid, leftShift = 20, rounding = "DOUBLE" }) {
    const reach = ({ zero_point, qmin, qmax }) => Math.max(qmax - zero_point, zero_point - qmin);
    const steps = Math.max(...inGrids.map(reach));
    const most = Math.clz32(steps) - 1;
    if (!(Number.isInteger(leftShift) && leftShift >= 0 && leftShift <= most)) {
      throw new RangeError(
        `left_shift must be in 0..${most} for steps of up to ${steps} codes, got ${leftShift}`);
    }
    for (const grid of [...inGrids, outGrid]) checkScale("scale", grid.scale);
    const [a, b] = inGrids.map((grid) => grid.scale);
    const twiceMax = 2 * Math.max(a, b);
    const ratio = twiceMax / (2 ** leftShift * outGrid.scale);
    if (ratio >= 1) {
      throw new RangeError(`the output scale must exceed ${twiceMax / 2 ** leftShift} ` +
        `(2 * max scale / 2**left_shift), got ${outGrid.scale}`);
    }
    const [one, two, sum] = [a / twiceMax, b / twiceMax, ratio].map((r) =>
      requantizerOf([r], rounding));
    return { a: one, b: two, sum };
  }

  /* The codes of a + b on layer.outGrid, equations (8.1) and (8.2). layer: see addRequantizers. */
  function add(a, b, layer) {
    const requantizers = addRequantizers(layer);
    if (String(a.shape) !== String(b.shape)) {
      throw new RangeError(`a and b must have one shape, got ${a.shape} and ${b.shape}`);
    }
    const [aGrid, bGrid] = layer.inGrids;
    checkTensor(a, aGrid);
    checkTensor(b, bGrid);
    const fine = 2 ** (layer.leftShift ?? 20);
    const total = Int32Array.from(a.data, (code, i) =>
      rescaleBy((code - aGrid.zero_point) * fine, requantizers.a) +
      rescaleBy((b.data[i] - bGrid.zero_point) * fine, requantizers.b));
    const data = requantize(total, requantizers.sum, layer.outGrid, 1);
    return { data, shape: a.shape, grid: layer.outGrid };
  }

  ui.layers = {
    linearLayer, accumulatorRange, outputSize, eachWindow, asImage, pool, pad, accumulate, conv,
    dense: conv, clampCodes, relu, relu6, maxPool, avgPool, globalAvgPool, addRequantizers, add,
  };
})();
