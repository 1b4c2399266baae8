
// The sentence of a span, the rule that it follows, its links and its bits.

const KEEPERS = { h2: 'the crate h2', prost: 'the crate prost', 'src/transcript': 'nobody here: transcripts explain such bytes by it' };

class Explain {
  /** `go(number, start, length)` leads to bytes of a frame. */
  constructor(go, where) {
    this.go = go;
    this.where = where;
    this.element = h('div', { class: 'explain' });
  }

  /** `open`: with bits and the text of the rule. */
  show(span, open) {
    if (!span) return;
    const part = span.scope.how ? `of what was ${span.scope.how === 'huffman' ? 'decoded' : 'derived'}` : 'of the frame';
    const place = `${counted(span.end - span.start, 'byte')} at ${grouped(span.start)} ${part}`;
    this.element.classList.toggle('broken', span.broken);
    this.element.replaceChildren(...[
      h('div', { class: 'term' }, h('b', {}, span.name), span.value ? h('span', { class: 'mono' }, span.value) : null,
        h('span', { class: 'soft' }, [span.note, place].filter(Boolean).join(' · '))),
      h('p', { class: 'sentence' }, span.broken ? h('span', { class: 'tag' }, 'Broken. ') : null, span.sentence),
      this.hidden(span) ? h('p', { class: 'more' }, 'Its value and bytes are hidden, because they may be credentials.') : null,
      open ? bitsOf(span) : null,
      this.links(span),
      span.rule ? cited(span.rule, open) : null,
    ].filter(Boolean));
  }

  hidden(span) {
    return span.start < span.end && span.scope.masked.subarray(span.start, span.end).some(Boolean);
  }

  links(span) {
    if (!span.links.length) return null;
    const { chapter } = span.scope.holder;
    const buttons = span.links.slice(0, 20).map(([why, [number, start, length]]) => {
      const frame = chapter.frames[number];
      return frame && h('span', {}, `${WHY[why]}: `, link(`${frame.type} ${frame.name}`, () => this.go(number, start, length)));
    });
    return h('div', { class: 'more' }, buttons);
  }
}

/** The section of a rule: "RFC 9113, section 6.5". */
function sectionOf(rule) {
  return `${rule.title.replace(/:.*/, '')}, ${/^\d/.test(rule.section) ? `section ${rule.section}` : rule.section}`;
}

/** A rule with its words, its specification and its keepers, behind its section. */
function cited({ id, rule }, open) {
  if (!rule) return h('div', { class: 'more' }, h('span', {}, 'Rule ', h('code', {}, id)));
  return h('details', { open }, h('summary', {}, sectionOf(rule)), h('p', {}, rule.text), keptBy(id, rule));
}

/** Where a rule is written, and which function of this repository keeps it. */
function keptBy(id, rule) {
  const kept = rule.kept.map(keeper => KEEPERS[keeper] || keeper.replace('::', ' '));
  return h('p', {}, h('a', { href: rule.url, rel: 'noreferrer' }, sectionOf(rule)), '. Kept by ',
    ...kept.flatMap((keeper, at) => [at ? ', ' : '', h('code', {}, keeper)]), '. Rule ', h('code', {}, id), '.');
}
