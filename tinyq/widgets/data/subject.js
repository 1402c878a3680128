/* What the widgets on a whole block run: a float network, images, ranges; see subject.py.

   { net, images, ranges, observed: [tensor name of each of the six grids], floats(image) } */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { block, kit } = ui;
  const GRIDS = ["input", "stem", "block1", "block2", "add", "logits"];
  const SHOWN = 4; // the seed's test images

  /* make(key), computed once for each key. */
  function remember(make) {
    const made = new Map();
    return (key) => made.get(key) ?? made.set(key, make(key)).get(key);
  }

  function subject({ net, images, ranges, ...more }) {
    const observed = ["input", ...net.nodes.map((node) => node.observe).filter(Boolean)];
    const floats = remember((image) => block.floatRun(net, block.slice(images, image)));
    return { ...more, net, images, ranges, observed, floats, count: images.shape[0] };
  }

  /* The seed: its four test images, the ranges of all 32. */
  const ofSeed = () => kit.once("seed calibrated", () => {
    const { weights, biases, images } = block.seed();
    const net = block.stemBlock(weights, biases);
    return subject({ net, images: block.slice(images, 0, SHOWN),
      ranges: block.calibrate(net, images), own: false });
  });

  /* data: decoded, of subject.py. */
  function ofData({ weights, biases, images, ranges, ...more }) {
    const flat = Object.entries(biases).map(([name, { data }]) => [name, data]);
    const net = block.stemBlock(weights, Object.fromEntries(flat));
    return subject({ ...more, net, images, ranges, own: true });
  }

  /* The number 1.. of each tensor's grid object, by tensor name, in running order. */
  function gridNumbers(grids) {
    const distinct = [...new Set(Object.values(grids))];
    return Object.fromEntries(Object.entries(grids).map(([name, grid]) =>
      [name, distinct.indexOf(grid) + 1]));
  }

  const prepare = (data) => (data ? ofData(data) : ofSeed());

  /* The first lines of a copied call: they make net, images and calibration. */
  const setup = ({ own }) => (own ? "import tinyq\n# net, images, calibration: your own\n"
    : `import tinyq
seed = tinyq.resnet.seed()
net = tinyq.resnet.stem_block(seed.weights, seed.biases)
images = calibration = seed.images\n`);

  /* Refuse an index beyond count, in plain words. */
  function checkIndex(name, index, count) {
    if (index >= count) throw new RangeError(`${name} must be in 0 to ${count - 1}.`);
  }

  const COLOURS = ["red", "green", "blue"];

  /* Where a code is, in words; channels: of its tensor. */
  function placeWords([row, column, channel], channels) {
    if (column === undefined) return `number ${row}`;
    const name = channels === 3 ? COLOURS[channel] : `channel ${channel}`;
    return `row ${row}, column ${column}, ${name}`;
  }

  ui.subject = { GRIDS, remember, subject, ofSeed, prepare, setup, checkIndex, placeWords,
    gridNumbers };
})();
