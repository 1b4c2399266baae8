
// Search in names, values and hex.

/** Which spans mean something that has the text in it. */
function meaningsWith(text) {
  const found = new Set();
  const has = strings.map(own => own.toLowerCase().includes(text));
  meanings.forEach(([name, value, note], at) => {
    if (has[name] || has[value] || has[note] || text.includes(':') && `${strings[name]}: ${strings[value]}`.toLowerCase().includes(text)) found.add(at);
  });
  return found;
}

function nodeWith(node, found) {
  if (found.has(node[0])) return true;
  if (node[2]) for (const child of node[2]) if (nodeWith(child, found)) return true;
  return Boolean(node[4] && node[4].spans && node[4].spans.some(child => nodeWith(child, found)));
}

/** The bytes that a text is the hex of, as a string of letters; null if it is none. */
function hexQuery(text) {
  const digits = text.replace(/^0x/, '').replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})+$/.test(digits) || digits.length < 4) return null;
  return digits.replace(/../g, octet => String.fromCharCode(parseInt(octet, 16)));
}

/** The numbers of the frames that have the text. */
function framesWith(chapter, query) {
  const text = query.trim().toLowerCase();
  if (!text) return [];
  const found = meaningsWith(text);
  const hex = hexQuery(text);
  const told = frame => `${frame.type} ${frame.title} ${frame.brief} ${frame.flags}`.toLowerCase().includes(text);
  return chapter.frames.filter(frame => told(frame) || nodeWith(frame.r, found) || hex && atob(frame.b).includes(hex)).map(frame => frame.number);
}

/** The first span of a frame that has the text. */
function spanWith(chapter, number, query) {
  const text = query.trim().toLowerCase();
  const where = frameScope(chapter, number);
  const hex = hexQuery(text);
  const look = spans => {
    for (const span of walk(spans)) {
      const has = `${span.name}: ${span.value}`.toLowerCase().includes(text) || span.note.toLowerCase().includes(text);
      if (has && span !== where.root) return span;
      const inner = span.pane && strings[span.pane.how] !== 'huffman' ? look(paneScope(span).spans) : null;
      if (inner) return inner;
    }
    return null;
  };
  const at = hex ? atob(chapter.frames[number].b).indexOf(hex) : -1;
  return look(where.spans) || (at >= 0 ? spanOver(where, at, hex.length) : where.root);
}

class Search {
  constructor(go) {
    this.go = go;
    this.found = [];
    this.at = -1;
    $('query').addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.run(), 150);
    });
    $('search').addEventListener('submit', event => {
      event.preventDefault();
      this.step(1);
    });
    $('query').addEventListener('keydown', event => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      this.step(event.shiftKey ? -1 : 1);
    });
    $('previous').addEventListener('click', () => this.step(-1));
  }

  run() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.asked = $('query').value;
    this.found = framesWith(current.chapter, this.asked);
    this.at = -1;
    conversation.hits = this.asked.trim() ? new Set(this.found) : null;
    conversation.list.remark();
    this.tell();
  }

  step(by) {
    if (this.timer || this.asked !== $('query').value) this.run();
    if (!this.found.length) return;
    this.at = (this.at < 0 ? (by > 0 ? 0 : this.found.length - 1) : this.at + by + this.found.length) % this.found.length;
    this.tell();
    const number = this.found[this.at];
    this.go(number, spanWith(current.chapter, number, this.asked));
  }

  tell() {
    const count = grouped(this.found.length);
    $('found').textContent = !this.asked.trim() ? '' : this.at < 0 ? `${count} found` : `${grouped(this.at + 1)} of ${count}`;
    $('next').disabled = $('previous').disabled = !this.found.length;
  }
}
