/* Float weights on the grids of a whole tensor or of each channel: coded() of coded.py. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { int8 } = ui;

  /* Weights on symmetric grids, (3.2), or on those of their ranges, (1.3): the grid of each
     channel, all codes, and the numbers that they stand for. */
  function coded({ data, shape }, per_channel, symmetric, bits) {
    const [channels, half] = [shape[0], 2 ** (bits - 1)];
    const size = data.length / (per_channel ? channels : 1);
    const sets = Array.from({ length: data.length / size }, (_, i) =>
      data.subarray(i * size, (i + 1) * size));
    const grids = symmetric
      ? Array.from(int8.weightScales(data, channels, per_channel, bits), (scale) =>
        ({ scale, zero_point: 0, qmin: 1 - half, qmax: half - 1 }))
      : sets.map((set) => int8.gridFromRange(Math.min(...set), Math.max(...set), -half, half - 1));
    const codes = new Int8Array(data.length);
    const back = new Float32Array(data.length);
    sets.forEach((set, i) => {
      const own = int8.quantize(grids[i], set);
      codes.set(own, i * size);
      back.set(int8.dequantize(grids[i], own), i * size);
    });
    return { grids: per_channel ? grids : Array(channels).fill(grids[0]), codes, back };
  }

  ui.coded = coded;
})();
