
// The spans as a tree, to walk through by mouse and by key.

class Tree {
  /** `on` has `point(span)` and `choose(span)`. */
  constructor(where, on) {
    this.where = where;
    this.on = on;
    this.closed = new Set();
    this.element = h('div', { class: 'spans', onmouseleave: () => on.point(null) });
    this.list = new VirtualList(this.element, {
      height: 24, role: 'tree', label: 'What the bytes mean',
      draw: index => this.row(index), mark: (element, index) => this.mark(element, index),
    });
    // What a header says is told by its parts when they are wanted.
    for (const span of walk(where.spans)) if (span.children.length && span.depth > 0 && startsClosed(span)) this.closed.add(span);
  }

  /** After it stands in the document. */
  show() {
    this.visible = [];
    const add = span => {
      this.visible.push(span);
      if (!this.closed.has(span)) span.children.forEach(add);
    };
    this.where.spans.forEach(add);
    this.element.style.height = `${Math.min(this.visible.length * 24 + 2, 460)}px`;
    this.list.reset(this.visible.length);
  }

  row(index) {
    const span = this.visible[index];
    const open = span.children.length ? !this.closed.has(span) : undefined;
    const row = h('div', {
      class: `spanrow layer-${span.layer}${span.broken ? ' broken' : ''}`, role: 'treeitem', 'aria-level': span.depth + 1,
      'aria-expanded': open, 'aria-selected': 'false', tabindex: '-1',
      onmousemove: () => this.on.point(span), onfocus: () => this.on.point(span), onblur: () => this.on.point(null),
      onclick: event => this.click(event, span), onkeydown: event => this.key(event, this.visible.indexOf(span)),
    },
    h('span', { class: 'twist', 'aria-hidden': 'true' }, open === undefined ? '' : open ? '▾' : '▸'),
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    h('span', { class: 'name' }, span.name),
    h('span', { class: 'value' }, span.value),
    h('span', { class: 'size' }, `${span.end - span.start}`));
    row.style.paddingLeft = `${Math.min(span.depth, 12) * 14}px`;
    return row;
  }

  mark(element, index) {
    const span = this.visible[index];
    const on = span === this.chosen;
    element.classList.toggle('on', on);
    element.classList.toggle('near', span === this.pointed);
    element.setAttribute('aria-selected', String(on));
    // Tab leads to the chosen row, or to the first.
    const first = this.visible.includes(this.chosen) ? on : index === 0;
    element.tabIndex = first ? 0 : -1;
  }

  select(chosen, pointed) {
    const moved = chosen !== this.chosen;
    Object.assign(this, { chosen, pointed });
    if (moved && chosen && chosen.scope === this.where) {
      let opened = false;
      for (let outer = chosen.parent; outer; outer = outer.parent) opened = this.closed.delete(outer) || opened;
      if (opened) this.show();
      const index = this.visible.indexOf(chosen);
      if (index >= 0) this.list.reveal(index);
    }
    this.list.remark();
  }

  click(event, span) {
    if (event.target.closest('.twist') && span.children.length) this.toggle(span);
    else this.on.choose(span);
  }

  toggle(span) {
    if (!this.closed.delete(span)) this.closed.add(span);
    this.show();
    this.list.remark();
  }

  key(event, index) {
    const span = this.visible[index];
    const open = span.children.length && !this.closed.has(span);
    let to = moved(event.key, index, this.visible.length, 12);
    if (event.key === 'ArrowRight' && span.children.length) {
      if (open) to = index + 1; else this.toggle(span);
    } else if (event.key === 'ArrowLeft') {
      if (open) this.toggle(span); else if (span.parent) to = this.visible.indexOf(span.parent);
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.on.choose(span);
    }
    if (to === null && !['ArrowRight', 'ArrowLeft', 'Enter', ' '].includes(event.key)) return;
    event.preventDefault();
    this.list.focus(to === null ? this.visible.indexOf(span) : to);
  }
}

/** Header fields and fields of messages that are no messages themselves are told in one line. */
function startsClosed(span) {
  const fields = span.layer === 'hpack' || span.rule && span.rule.id.startsWith('h2.setting-') && span.end - span.start === 6;
  return fields || span.layer === 'protobuf' && !span.children.some(child => child.layer === 'protobuf' && child.children.length);
}
