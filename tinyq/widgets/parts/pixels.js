/* A channel of a tensor as a picture: a small canvas, a pixel a number, that CSS enlarges. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const rgba = (r, g, b, a = 255) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
  const PROBE = rgba(240, 110, 30);

  /* Black at 0 to white at 1. */
  function grey(part) {
    const level = Math.round(255 * Math.min(Math.max(part, 0), 1));
    return rgba(level, level, level);
  }

  /* -1 blue, 0 clear, 1 vermilion. */
  function signed(part) {
    const alpha = Math.round(255 * Math.min(Math.abs(part), 1));
    return part < 0 ? rgba(30, 136, 210, alpha) : rgba(225, 105, 20, alpha);
  }

  const faded = (colour) => (colour & 0xffffff) | (0x48 << 24);

  /* [height, width, channels] of the first image; a vector is one row of its channels. */
  const sizes = ([, ...rest]) => (rest.length === 1 ? [1, rest[0], 1] : rest);

  /* Paint colour(number) of a channel of the first image. mark: { at: [row, column] or null,
     box: [top, left, bottom, right] or null }; outside of the box pixels fade. */
  function paint(canvas, { data, shape }, channel, colour, { at = null, box = null } = {}) {
    const [height, width, channels] = sizes(shape);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d");
    const picture = context.createImageData(width, height);
    const pixels = new Uint32Array(picture.data.buffer);
    for (let i = 0; i < pixels.length; i += 1) {
      const [row, column] = [Math.floor(i / width), i % width];
      const inside = !box || (row >= box[0] && column >= box[1] && row < box[2] && column < box[3]);
      const painted = colour(data[i * channels + channel]);
      pixels[i] = inside ? painted : faded(painted);
    }
    if (at) pixels[at[0] * width + at[1]] = PROBE;
    context.putImageData(picture, 0, 0);
  }

  ui.pixels = { grey, signed, sizes, paint };
})();
