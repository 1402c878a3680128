/* How well one tensor stands for another, in dB, to two digits: as quality.py. */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const { int8, kit } = ui;

  const hundredths = (x) => int8.lround(x * 100) / 100;

  /* 10 log10(sum x**2 / sum (x - y)**2) to two digits; null without noise or signal. */
  function sqnr(reference, approximation) {
    let [signal, noise] = [0, 0];
    for (let i = 0; i < reference.length; i += 1) {
      signal += reference[i] ** 2;
      noise += (reference[i] - approximation[i]) ** 2;
    }
    return signal && noise ? hundredths(10 * Math.log10(signal / noise)) : null;
  }

  const db = (number) => (number === null ? "no error" : `${kit.show(number, 4)} dB`);

  const words = (number) => (number === null ? "No error" : `SQNR ${db(number)}`);

  ui.quality = { sqnr, db, words };
})();
