
// The bits of a span, where they have a meaning of their own: varints, flags, Huffman codes, tags, stream numbers.

const binary = (number, width) => number.toString(2).padStart(width, '0');
const bit = (digit, kind) => h('span', { class: `bit ${kind || ''}` }, digit);
const cap = text => h('p', { class: 'cap' }, text);

/** The bits of a span as an element, or null where they tell nothing. */
function bitsOf(span) {
  const { scope: where, start, end } = span;
  if (!where.bytes.length || where.masked[start] || end > where.bytes.length) return null;
  const bytes = [...where.bytes.subarray(start, end)];
  const id = span.rule ? span.rule.id : '';
  if (span.pane && strings[span.pane.how] === 'huffman') return huffmanBits(span, bytes);
  if (span.name === 'flags') return flagBits(span, bytes[0]);
  if (span.name === 'stream' && bytes.length === 4) return streamBits(bytes);
  if (span.name === 'tag' && span.layer === 'protobuf') return tagBits(bytes);
  if (span.layer === 'protobuf' && !span.children.length && id !== 'protobuf.fixed' && ['value', 'length'].includes(span.name)) {
    return varintBits(bytes);
  }
  if (span.layer === 'hpack' && !span.children.length && (span.name.endsWith('length') || span.name === 'form' || bytes.length < 4)) {
    return hpackBits(span, bytes);
  }
  return null;
}

const table = rows => h('table', {}, h('tbody', {}, rows));

function varintBits(bytes) {
  const shown = bytes.slice(0, 10);
  const rows = shown.map((byte, at) => h('tr', {},
    h('th', { scope: 'row' }, byte.toString(16).padStart(2, '0')),
    h('td', {}, bit(binary(byte, 8)[0], 'more-bit'), ' ', binary(byte, 8).slice(1)),
    h('td', {}, at ? `times 2^${7 * at}` : 'times 1')));
  const groups = shown.map(byte => binary(byte & 0x7f, 7)).reverse();
  const number = shown.reduce((sum, byte, at) => sum + (BigInt(byte & 0x7f) << BigInt(7 * at)), 0n);
  return h('div', { class: 'bits' }, table(rows),
    cap('A first bit of 1, in red, says that another byte follows. The other seven bits are the number, the lowest first:'),
    h('p', { class: 'wrap' }, `${groups.join(' ')} = ${number.toLocaleString('en-US')}`));
}

function tagBits(bytes) {
  const number = bytes.reduce((sum, byte, at) => sum + (BigInt(byte & 0x7f) << BigInt(7 * at)), 0n);
  const bits = number.toString(2).padStart(7, '0');
  return h('div', { class: 'bits' }, table([h('tr', {},
    h('th', { scope: 'row' }, 'field number'), h('td', {}, bits.slice(0, -3)), h('td', {}, `= ${number >> 3n}`)),
  h('tr', {}, h('th', { scope: 'row' }, 'wire type'), h('td', {}, bits.slice(-3)), h('td', {}, `= ${number & 7n}`))]),
  cap('The last three bits of the number are the wire type, those before are the number of the field.'));
}

function flagBits(span, byte) {
  const header = span.parent;
  const type = header && header.children.find(child => child.name === 'type');
  const known = {
    DATA: { 1: 'END_STREAM', 8: 'PADDED' }, SETTINGS: { 1: 'ACK' }, PING: { 1: 'ACK' },
    HEADERS: { 1: 'END_STREAM', 4: 'END_HEADERS', 8: 'PADDED', 32: 'PRIORITY' },
    PUSH_PROMISE: { 4: 'END_HEADERS', 8: 'PADDED' }, CONTINUATION: { 4: 'END_HEADERS' },
  }[type ? type.value : ''] || {};
  const rows = [7, 6, 5, 4, 3, 2, 1, 0].filter(place => known[1 << place] || byte >> place & 1).map(place => {
    const set = byte >> place & 1;
    const dots = '········'.slice(0, 7 - place) + set + '········'.slice(0, place);
    return h('tr', {}, h('td', { class: set ? 'set' : '' }, dots), h('td', { class: set ? 'set' : '' }, known[1 << place] || 'not defined'),
      h('td', {}, set ? 'set' : 'not set'));
  });
  return h('div', { class: 'bits' }, table(rows), cap(`${binary(byte, 8)}: each bit is a flag of its own. Those not shown mean nothing here.`));
}

function streamBits(bytes) {
  const bits = bytes.map(byte => binary(byte, 8)).join('');
  return h('div', { class: 'bits' }, table([
    h('tr', {}, h('th', { scope: 'row' }, 'reserved'), h('td', {}, bits[0])),
    h('tr', {}, h('th', { scope: 'row' }, 'stream'), h('td', {}, bits.slice(1).replace(/(.{7})(.{8})(.{8})/, '$1 $2 $3 ')), h('td', {}, `= ${parseInt(bits.slice(1), 2)}`))]));
}

/** The bits before an integer say what it is; the integer fills the rest (RFC 7541, sections 5.1 and 6). */
function hpackBits(span, bytes) {
  const first = bytes[0];
  const string = span.name.endsWith('length');
  const [width, says] = string ? [1, first & 0x80 ? 'in the Huffman code' : 'a letter in each byte']
    : first & 0x80 ? [1, 'indexed: one number for name and value'] : first & 0x40 ? [2, 'a literal that is added to the table']
    : first & 0x20 ? [3, 'a new size of the table'] : [4, first & 0x10 ? 'a literal that is never indexed' : 'a literal that is not added'];
  const bits = binary(first, 8);
  const rows = [h('tr', {}, h('td', { class: 'set' }, bits.slice(0, width)), h('td', {}, says)),
    h('tr', {}, h('td', {}, bits.slice(width)), h('td', {}, bits.slice(width).includes('0')
      ? `the number ${parseInt(bits.slice(width), 2)}` : 'all ones: the number goes on in the next bytes'))];
  bytes.slice(1, 5).forEach(byte => rows.push(h('tr', {},
    h('td', {}, bit(binary(byte, 8)[0], 'more-bit'), binary(byte, 8).slice(1)),
    h('td', {}, byte & 0x80 ? 'seven bits more, and another byte follows' : 'seven bits more, the last'))));
  return h('div', { class: 'bits' }, table(rows));
}

/** Letter after letter with its code; letters begin and end within bytes. */
function huffmanBits(span, bytes) {
  const most = 96;
  const text = bytesOf(span.pane.bytes);
  const stream = bytes.map(byte => binary(byte, 8)).join('');
  const codes = [...text.subarray(0, most)].map(letter => letters[letter] || '');
  const row = h('p', { class: 'wrap' });
  let at = 0;
  codes.forEach((code, place) => {
    const letter = text[place] > 32 && text[place] < 127 ? String.fromCharCode(text[place]) : text[place] === 32 ? 'space' : `\\x${text[place].toString(16)}`;
    const title = `${letter}: ${code.length} bits, from bit ${at}`;
    row.append(h('span', { class: place % 2 ? 'odd' : 'even', title }, h('b', {}, letter), ' ', code), ' ');
    at += code.length;
  });
  if (text.length <= most && at < stream.length) row.append(h('span', { title: 'padding' }, stream.slice(at)));
  const bits = counted(at, 'bit');
  const rest = text.length > most ? `The first ${most} letters.` : `${counted(text.length, 'letter')} in ${bits}; ones fill the last byte.`;
  return h('div', { class: 'bits' }, row, cap(`${rest} In plain ASCII it would be ${counted(text.length, 'byte')} instead of ${bytes.length}.`));
}
