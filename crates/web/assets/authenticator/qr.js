// @ts-check
// Draws a QR code that the server has worked out: rows of modules, `1` for dark.

const SVG = 'http://www.w3.org/2000/svg';

/** @param {SVGSVGElement} picture @param {string[]} rows */
export function draw(picture, rows) {
  const size = rows.length + 8;
  const path = document.createElementNS(SVG, 'path');
  // Runs of dark modules, with the quiet zone of four around (ISO/IEC 18004 §6.3.8).
  const runs = rows.flatMap((row, y) => Array.from(row.matchAll(/1+/g), (run) => `M${run.index + 4} ${y + 4}h${run[0].length}v1h-${run[0].length}z`));
  path.setAttribute('d', runs.join(''));
  picture.setAttribute('viewBox', `0 0 ${size} ${size}`);
  picture.replaceChildren(path);
}
