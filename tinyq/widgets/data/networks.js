/* The book's three networks, for a menu: the seed, the digits, the wide one; as networks.py. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { digits, kit, subject } = ui;
  const OPTIONS = [["seed", "seed"], ["digits", "digits"], ["wide", "digits, widened"]];
  const PARTS = [["stem", "stem, 7\u00d77"], ["block1", "block, first 3\u00d73"],
    ["block2", "block, second 3\u00d73"], ["dense", "dense"]];

  /* subject.js's { net, images, ranges, floats, ... } of a name in OPTIONS. */
  function load(name) {
    if (name === "seed") return subject.ofSeed();
    return kit.once(`network ${name}`, () => {
      const { net, wideNet, ranges, wideRanges, images } = digits.load();
      return name === "wide" ? subject.subject({ net: wideNet, ranges: wideRanges, images })
        : subject.subject({ net, ranges, images });
    });
  }

  /* The layer with weights that a name in PARTS means, of a float or an int8 network. */
  function nodeOf(net, part) {
    const weighted = net.nodes.filter((node) => node.weights);
    return weighted[PARTS.findIndex(([name]) => name === part)];
  }

  /* Lines of Python that make `net`, and `images` to calibrate it on. */
  function setup(name, { images = false } = {}) {
    if (name === "seed") {
      return "weights, biases, images = tinyq.resnet.seed()\n" +
        "net = tinyq.resnet.stem_block(weights, biases)\n";
    }
    const net = name === "wide" ? "wide_net" : "net";
    return `d = tinyq.digits.load()\nnet = d.${net}\n` +
      (images ? "images = d.images[d.calibration]\n" : "");
  }

  /* Modules that setup's lines need. */
  const imports = (name) => `import tinyq.${name === "seed" ? "resnet" : "digits"}\n`;

  ui.networks = { OPTIONS, PARTS, load, nodeOf, setup, imports };
})();
