
// The conversation: client at the left, server at the right, time downwards.

const SIGNS = { deadline: '◷', handler: '⚙', stall: '‖', pause: '…', end: '●', remark: 'ℹ' };

class Conversation {
  /** `choose(number, focus)` is told which frame was chosen, and whether the reader wants to go into it. */
  constructor(scroller, choose) {
    this.choose = choose;
    this.view = { byCall: false, fold: true, stream: null, unfolded: new Set() };
    this.rows = [];
    this.hits = null;
    this.list = new VirtualList(scroller, {
      height: 48, tag: 'ol', label: 'Frames', role: 'list',
      draw: index => this.draw(index), mark: (element, index) => this.mark(element, index),
    });
    scroller.addEventListener('keydown', event => this.key(event));
  }

  show(chapter) {
    this.chapter = chapter;
    this.rows = rowsOf(chapter, this.view);
    this.list.reset(this.rows.length);
  }

  /** Another order, another stream: the chosen frame stays in sight. */
  change(view) {
    Object.assign(this.view, view);
    this.show(this.chapter);
    if (current.number !== null) this.reveal(current.number);
  }

  reveal(number) {
    let index = rowOfFrame(this.rows, number);
    if (index < 0 && this.view.stream !== null) {
      $('stream').value = '';
      this.view.stream = null;
      this.show(this.chapter);
      index = rowOfFrame(this.rows, number);
    }
    const row = this.rows[index];
    if (row && row.kind === 'fold') {
      this.unfold(row);
      index = rowOfFrame(this.rows, number);
    }
    if (index >= 0) this.list.reveal(index);
    this.list.remark();
    return index;
  }

  unfold(row) {
    this.view.unfolded.add(`${this.chapter.slug}/${row.first.number}`);
    this.show(this.chapter);
  }

  draw(index) {
    const row = this.rows[index];
    const place = { 'aria-setsize': this.rows.length, 'aria-posinset': index + 1 };
    return { frame: () => this.frame(row.frame, place), step: () => this.step(row.step, place),
      fold: () => this.fold(row, place), group: () => this.group(row, place) }[row.kind]();
  }

  frame(frame, place) {
    const way = frame.d ? 'to-client' : 'to-server';
    const end = frame.flags.includes('END_STREAM');
    const heard = [frame.d ? 'server to client' : 'client to server', frame.s ? `stream ${frame.s}` : 'connection',
      frame.bad ? 'breaks a rule' : ''].filter(Boolean).join(', ');
    return h('li', { class: `row ${way} ${colorOf(frame.s)}${end ? ' end-stream' : ''}`, ...place },
      h('button', { type: 'button', tabindex: '-1', onclick: () => this.choose(frame.number, true) },
        h('span', { class: 'when' }, this.chapter.timed ? time(frame.t) : `${frame.number + 1}`),
        h('span', { class: 'label' },
          frame.s ? h('span', { class: 'badge' }, String(frame.s)) : null,
          h('span', { class: 'type' }, frame.type),
          frame.title ? h('span', { class: 'what' }, frame.title) : null,
          frame.bad ? h('span', { class: 'wrong' }, '!') : null,
          h('span', { class: 'brief' }, frame.brief),
          end ? h('span', { class: 'flag' }, 'END') : null),
        h('span', { class: 'hidden' }, `, ${heard}`),
        h('span', { class: 'line' })));
  }

  step(step, place) {
    return h('li', { class: `row step ${step.kind} at-${step.side} ${colorOf(step.stream)}`, title: step.text, ...place },
      h('p', {}, h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[step.kind]), h('span', { class: 'text' }, step.text)));
  }

  fold(row, place) {
    const bytes = row.frames.reduce((sum, frame) => sum + frame.r[1], 0);
    const text = `${grouped(row.frames.length)} more DATA frames, ${counted(bytes, 'byte')}`;
    const unfold = () => {
      const index = rowOfFrame(this.rows, row.frames[0].number);
      this.unfold(row);
      this.list.focus(index);
    };
    return h('li', { class: `row fold ${row.first.d ? 'to-client' : 'to-server'} ${colorOf(row.first.s)}`, ...place },
      h('button', { type: 'button', tabindex: '-1', onclick: unfold, 'aria-label': `${text}: show them` },
        h('span', { class: 'text' }, text), h('span', { class: 'line' })));
  }

  group(row, place) {
    const { call } = row;
    return h('li', { class: `row group ${colorOf(row.stream)}`, ...place },
      h('span', { class: 'badge' }, String(row.stream)),
      h('span', { class: 'path' }, call ? call.path : row.stream === 0 ? 'the connection as a whole' : `stream ${row.stream}`),
      h('span', { class: 'status' }, call && call.status !== null ? `status ${call.status}` : counted(row.count, 'frame')));
  }

  mark(element, index) {
    const row = this.rows[index];
    if (row.kind !== 'frame' && row.kind !== 'fold') return;
    const on = row.kind === 'frame' && row.frame.number === current.number;
    const button = element.firstChild;
    element.classList.toggle('on', on);
    if (on) button.setAttribute('aria-current', 'true'); else button.removeAttribute('aria-current');
    const hit = this.hits && row.kind === 'frame' && this.hits.has(row.frame.number);
    element.classList.toggle('hit', Boolean(hit));
    element.classList.toggle('dim', Boolean(this.hits && !hit));
    button.tabIndex = index === this.stop() ? 0 : -1;
  }

  /** The row that Tab leads to: the chosen one, or the first that can be chosen. */
  stop() {
    const chosen = current.number === null ? -1 : rowOfFrame(this.rows, current.number);
    return chosen >= 0 ? chosen : this.rows.findIndex(row => row.kind === 'frame');
  }

  key(event) {
    const element = event.target.closest('[data-row]');
    if (!element) return;
    const from = Number(element.dataset.row);
    const page = Math.max(1, Math.floor(this.list.scroller.clientHeight / this.list.height) - 1);
    const target = moved(event.key, from, this.rows.length, page);
    if (target === null) return;
    event.preventDefault();
    const able = index => this.rows[index].kind === 'frame' || this.rows[index].kind === 'fold';
    const way = target >= from ? 1 : -1;
    let to = target;
    while (to >= 0 && to < this.rows.length && !able(to)) to += way;
    if (to < 0 || to >= this.rows.length) to = from;
    this.list.focus(to);
    const row = this.rows[to];
    if (row.kind === 'frame') this.choose(row.frame.number, false);
  }
}
