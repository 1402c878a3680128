/* Trace one logit back to the pixels: at each layer, to the code that moved it most.

   Behind a sum stands the term with the largest |product|, behind an average the code furthest
   from the zero_point, behind a maximum the maximum; of equals the first. As pixel_trace.py. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { int8, layers } = ui;

  /* The place with the largest measure(i, j, c) in an image, of equals the first. */
  function firstLargest([height, width, channels], measure) {
    let [best, most] = [[0, 0, 0], -Infinity];
    for (let i = 0; i < height; i += 1) {
      for (let j = 0; j < width; j += 1) {
        for (let c = 0; c < channels; c += 1) {
          const size = measure(i, j, c);
          if (size > most) [best, most] = [[i, j, c], size];
        }
      }
    }
    return best;
  }

  /* The place in x, a layer's input, of what moved the output at place most; null in a border. */
  const BEFORE = {
    pad({ pads }, { shape }, [i, j, c]) {
      const [row, column] = [i - pads[0], j - pads[2]];
      const inside = row >= 0 && column >= 0 && row < shape[1] && column < shape[2];
      return inside ? [row, column, c] : null;
    },
    conv({ stride, layer }, { data, shape }, [i, j, o]) {
      const [, height, width, channels] = layer.weightShape;
      const [top, left, zero] = [i * stride[0], j * stride[1], layer.inGrid.zero_point];
      const found = firstLargest([height, width, channels], (y, x, c) => {
        const weight = layer.weight[((o * height + y) * width + x) * channels + c];
        return Math.abs(weight * (data[((top + y) * shape[2] + left + x) * shape[3] + c] - zero));
      });
      return [top + found[0], left + found[1], found[2]];
    },
    dense({ layer }, { data, shape }, [o]) {
      const zero = layer.inGrid.zero_point;
      const moved = (i, j, c) => Math.abs(layer.weight[o * shape[1] + c] * (data[c] - zero));
      return [firstLargest([1, 1, shape[1]], moved)[2]];
    },
    maxPool({ kernel, stride }, { data, shape }, [i, j, c]) {
      const [top, left] = [i * stride[0], j * stride[1]];
      const code = (y, x) => data[((top + y) * shape[2] + left + x) * shape[3] + c];
      const [y, x] = firstLargest([...kernel, 1], code);
      return [top + y, left + x, c];
    },
    globalAvgPool(node, { data, shape, grid }, [c]) {
      const [i, j] = firstLargest([shape[1], shape[2], 1], (y, x) =>
        Math.abs(data[(y * shape[2] + x) * shape[3] + c] - grid.zero_point));
      return [i, j, c];
    },
    relu: (node, x, place) => place,
    add: (node, x, place) => place,
  };

  const codeAt = ({ data, shape }, place) =>
    data[place.length === 1 ? place[0] : (place[0] * shape[2] + place[1]) * shape[3] + place[2]];

  /* Whether the second input's share of an add's sum is the larger one. */
  function skipMovesMore({ inputs, layer }, tensors, place) {
    const { a, b } = layers.addRequantizers(layer);
    const share = (i, requantizer) => Math.abs(int8.rescaleBy((codeAt(tensors[inputs[i]], place) -
      layer.inGrids[i].zero_point) * 2 ** 20, requantizer));
    return share(1, b) > share(0, a);
  }

  /* The box [top, left, bottom, right] in a layer's input that a box of its output depends on. */
  function boxBefore({ kind, pads, kernel, stride = [1, 1], layer }, box, [, height, width]) {
    const [top, left, bottom, right] = box;
    if (kind === "pad") {
      return [Math.max(top - pads[0], 0), Math.max(left - pads[2], 0),
        Math.min(bottom - pads[0], height), Math.min(right - pads[2], width)];
    }
    const size = kind === "conv" ? layer.weightShape.slice(1, 3) : kernel ?? [1, 1];
    return [top * stride[0], left * stride[1],
      (bottom - 1) * stride[0] + size[0], (right - 1) * stride[1] + size[1]];
  }

  /* The smallest box that holds both; other may be missing. */
  function around(box, other) {
    if (!box || !other) return box;
    const ends = (pick, from) => [0, 1].map((i) => pick(box[from + i], other[from + i]));
    return [...ends(Math.min, 0), ...ends(Math.max, 2)];
  }

  /* { places, boxes, via } of a logit through a run's first image, by tensor name. */
  function trace({ nodes }, tensors, logit) {
    const last = nodes.at(-1).name;
    const places = { [last]: [logit] };
    const boxes = { [last]: null };
    let via = "block";
    for (const node of [...nodes].reverse()) {
      const [source, skip] = node.inputs;
      const [place, box] = [places[node.name], boxes[node.name]];
      if (skip) {
        [places[skip], boxes[skip]] = [place, box];
        if (skipMovesMore(node, tensors, place)) via = "skip";
      }
      const found = place && BEFORE[node.kind](node, tensors[source], place);
      if (!(source in places) || (via === "block" && found)) places[source] = found;
      const before = node.kind === "globalAvgPool"
        ? [found[0], found[1], found[0] + 1, found[1] + 1]
        : box && boxBefore(node, box, tensors[source].shape);
      boxes[source] = around(before, boxes[source]);
    }
    return { places, boxes, via };
  }

  ui.pixelTrace = { trace, codeAt };
})();
