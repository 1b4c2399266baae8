
// A frame as it is explained: prose, then its bytes with their meaning, then what was derived from them.

/** The views of one frame, which show the same selection. */
class FrameView {
  constructor(panel, { choose, point, go, leave, step }) {
    Object.assign(this, { panel, go, leave, step });
    this.on = { choose, point };
    this.parts = [];
  }

  show(chapter, number) {
    const frame = chapter.frames[number];
    const where = frameScope(chapter, number);
    this.where = where;
    this.parts = [];
    this.told = [];
    const label = frame.title ? `${frame.type}, ${frame.title}` : frame.type;
    this.panel.className = `panel ${colorOf(frame.s)}`;
    this.panel.scrollTop = 0;
    this.panel.replaceChildren(...[
      h('div', { class: 'head' }, h('h2', {}, label), this.tools(chapter, frame)),
      h('p', { class: 'meta' }, this.facts(chapter, frame).map(fact => h('span', {}, fact))),
      h('p', { class: 'prose' }, frame.prose),
      ...chapter.steps.filter(step => step.after === number && (step.stream === frame.s || step.kind === 'remark')).map(step => h('p', { class: `then ${step.kind}` }, 'Then: ', sentence(step.text))),
      ...frame.verdicts.map(verdict => h('div', { class: 'verdict' }, h('p', {}, h('span', { class: 'tag' }, 'Breaks a rule. '), sentence(verdict.text)), cited(verdict.rule))),
      h('h3', {}, 'Annotated'),
      this.bytes(where),
      ...this.panes(where),
      ['HEADERS', 'CONTINUATION', 'PUSH_PROMISE'].includes(frame.type) ? tablesOf(chapter, frame, this.go) : null,
    ].filter(Boolean));
    this.parts.forEach(part => part.show());
  }

  facts(chapter, frame) {
    const end = frame.o + (frame.x === undefined ? this.where.bytes.length : frame.x);
    return [
      frame.s ? `stream ${frame.s}` : 'the connection', frame.d ? 'server → client' : 'client → server',
      chapter.timed ? time(frame.t) : null, `bytes ${grouped(frame.o)} to ${grouped(end - 1)}`, frame.flags || null,
    ].filter(Boolean);
  }

  tools(chapter, frame) {
    const { step } = this;
    const button = (text, label, onclick, disabled) => h('button', { type: 'button', 'aria-label': label, title: label, onclick, disabled }, text);
    return h('div', { class: 'tools' },
      button('Hex', 'Copy the bytes as hex', () => copied(hexOf(this.where, 0, this.where.bytes.length))),
      button('Text', 'Copy the frame as annotated text', () => copied(textOf(frame, this.where))),
      button('Link', 'Copy the link to what is chosen', () => copied(location.href)),
      button('←', 'The frame before', () => step(-1), frame.number === 0),
      button('→', 'The next frame', () => step(1), frame.number === chapter.frames.length - 1));
  }

  bytes(where) {
    const [hex, tree, explain] = [new Hex(where, this.on), new Tree(where, this.on), new Explain(this.go, where)];
    this.parts.push(hex, tree);
    this.told.push(explain);
    const left = h('div', { class: 'left' }, hex.element, explain.element);
    left.style.width = hex.width();
    return h('div', { class: 'bytes' }, left, tree.element);
  }

  /** What was derived, but for Huffman codes, which are shown letter by letter where they are chosen. */
  panes(outer) {
    const panes = [];
    for (const span of walk(outer.spans)) {
      if (!span.pane || strings[span.pane.how] === 'huffman' || panes.length >= 12) continue;
      const where = paneScope(span);
      const title = {
        block: `The header block of ${where.from.length} frames, gathered`,
        message: `The message of ${where.from.length} frames, gathered`,
      }[where.how] || `Unpacked by ${where.how}`;
      const sources = where.from.slice(0, 24).map(([number, start, length]) =>
        link(outer.holder.chapter.frames[number].name, () => this.go(number, start, length)));
      panes.push(h('section', { class: 'pane' },
        h('h3', {}, title),
        h('p', {}, `${counted(where.total, 'byte')} that stand nowhere on the wire like this. They come from `,
          ...(sources.length ? sources.flatMap((source, at) => [at ? ', ' : '', source]) : ['these bytes']), '.'),
        this.bytes(where), ...this.panes(where)));
    }
    return panes;
  }

  /** Marks what is chosen and what is pointed at, everywhere. */
  select(chosen, pointed) {
    // Of derived bytes the bytes that they come from are marked as well.
    const within = (span, where) => {
      for (let own = span; own; own = own.scope.source) if (own.scope === where) return own;
      return null;
    };
    for (const part of this.parts) part.select(within(chosen, part.where), within(pointed, part.where));
    for (const explain of this.told) {
      const [held, near] = [within(chosen, explain.where), within(pointed, explain.where)];
      explain.show(near || held || explain.where.spans[0], !near || near === held);
    }
  }
}
