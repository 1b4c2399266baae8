
// Elements. Whatever peers have sent becomes text and never markup.

const $ = id => document.getElementById(id);

/** An element: `h('p', { class: 'note', onclick }, 'text', child)`. */
function h(tag, properties, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** An element of SVG. */
function svg(tag, properties, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children);
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else element.setAttribute(name, String(value));
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

/** Numbers as people read them: 65,535. */
const grouped = number => Number(number).toLocaleString('en-US');

/** "1 byte", "17 bytes". */
const counted = (number, unit) => `${grouped(number)} ${unit}${number === 1 ? '' : 's'}`;

/** With a large first letter and a full stop. */
const sentence = text => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

/** A time in microseconds: "1.2 ms". */
function time(micros) {
  const rounded = number => String(Number(number.toPrecision(3)));
  if (micros < 1000) return `${micros} µs`;
  return micros < 1e6 ? `${rounded(micros / 1000)} ms` : `${rounded(micros / 1e6)} s`;
}

/** A button that looks like a link. */
const link = (text, onclick) => h('button', { type: 'button', class: 'link', onclick }, text);
