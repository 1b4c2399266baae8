
// Bytes as hex and letters. Each byte belongs to a leaf: pointing at one points at the leaf's name as well.

class Hex {
  /** `on` has `point(span)` and `choose(span)`. */
  constructor(where, on) {
    this.where = where;
    this.on = on;
    this.perRow = innerWidth >= 1500 ? 16 : 8;
    this.element = h('div', {
      class: 'hex', tabindex: '0', role: 'group',
      'aria-label': 'The bytes in hex. Left and right go from one to the next meaning, up and down by rows, Enter opens.',
      onkeydown: event => this.key(event),
      // Not mouseover: that also comes when rows move below a mouse that rests.
      onmousemove: event => this.at(event, span => on.point(span)),
      onmouseleave: () => on.point(null),
      onclick: event => this.at(event, span => on.choose(span)),
    });
    this.list = new VirtualList(this.element, {
      height: 24, draw: index => this.row(index), mark: element => this.mark(element),
    });
  }

  /** After it stands in the document. */
  show() {
    const rows = Math.ceil(this.where.bytes.length / this.perRow) + (this.missing() > 0 ? 1 : 0);
    this.element.style.height = `${Math.min(rows * 24 + 10, 460)}px`;
    this.list.reset(rows);
  }

  /** How wide it is; a virtual list has no width of its own. */
  width() {
    return `${this.perRow * 31 + 112}px`;
  }

  missing() {
    return this.where.total - this.where.bytes.length;
  }

  row(index) {
    const { bytes, masked } = this.where;
    const from = index * this.perRow;
    if (from >= bytes.length) return h('div', { class: 'hexrow' }, h('span', { class: 'offset' }, '…'), ` ${counted(this.missing(), 'byte')} more`);
    const to = Math.min(from + this.perRow, bytes.length);
    const row = h('div', { class: 'hexrow' }, h('span', { class: 'offset' }, from.toString(16).padStart(4, '0')));
    const text = [];
    for (let at = from; at < to; at++) {
      const leaf = leafAt(this.where, at);
      const edge = leaf ? `${leaf.start === at ? ' first' : ''}${leaf.end === at + 1 ? ' last' : ''}` : '';
      const octet = masked[at] ? '··' : bytes[at].toString(16).padStart(2, '0');
      const letter = masked[at] ? '·' : bytes[at] > 31 && bytes[at] < 127 ? String.fromCharCode(bytes[at]) : '.';
      row.append(h('i', { class: `b layer-${leaf ? leaf.layer : 'none'}${edge}`, 'data-at': at }, octet));
      text.push(h('i', { class: 'c', 'data-at': at }, letter));
    }
    for (let at = to; at < from + this.perRow; at++) row.append(h('i', { class: 'b blank' }, ' '));
    row.append(h('span', { class: 'gap' }), ...text);
    return row;
  }

  mark(element) {
    const within = (span, at) => span && span.scope === this.where && span.start <= at && at < span.end;
    for (const cell of element.querySelectorAll('[data-at]')) {
      const at = Number(cell.dataset.at);
      cell.classList.toggle('on', Boolean(within(this.chosen, at)));
      cell.classList.toggle('near', Boolean(within(this.pointed, at)));
    }
  }

  /** What is chosen and what is pointed at. */
  select(chosen, pointed) {
    const moved = chosen !== this.chosen;
    Object.assign(this, { chosen, pointed });
    if (moved && chosen && chosen.scope === this.where && chosen.start < this.where.bytes.length) {
      this.list.reveal(Math.floor(chosen.start / this.perRow));
    }
    this.list.remark();
  }

  at(event, then) {
    const cell = event.target.closest('[data-at]');
    const leaf = cell && leafAt(this.where, Number(cell.dataset.at));
    if (leaf) then(leaf);
  }

  key(event) {
    const { leaves } = this.where;
    if (!leaves.length) return;
    const here = this.chosen && this.chosen.scope === this.where ? this.chosen : null;
    const place = here ? leaves.findIndex(leaf => leaf.start >= here.start) : -1;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const rows = { ArrowDown: this.perRow, ArrowUp: -this.perRow }[event.key];
    let leaf = null;
    if (event.key === 'Enter' || event.key === ' ') leaf = leaves[Math.max(0, place)];
    else if (event.key === 'Home') leaf = leaves[0];
    else if (event.key === 'End') leaf = leaves[leaves.length - 1];
    else if (step) leaf = leaves[Math.max(0, Math.min(leaves.length - 1, here ? place + step : 0))];
    else if (rows) leaf = leafAt(this.where, Math.max(0, Math.min(this.where.bytes.length - 1, (here ? here.start : 0) + rows)));
    if (!leaf) return;
    event.preventDefault();
    this.on.choose(leaf);
  }
}
