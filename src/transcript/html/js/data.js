
// The data of the page: texts, frames, and the spans of a frame, which are made when it is looked at.

const model = JSON.parse($('data').textContent);
const { strings, meanings, rules, letters } = model.table;

/** What is looked at. */
const current = { chapter: model.chapters[0], number: null, span: null, pointed: null };

/** What stands for the value in a sentence. */
const PLACE = '\u0001';

const WHY = [
  'The entry was added here', 'Acknowledges these SETTINGS', 'Answers this PING', 'Ends the call that began here',
  'Begins or goes on here', 'Gives back the window of this DATA',
];

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
}

/** Bytes with the ranges of them that are hidden. */
function scope(holder, bytes, hidden, total) {
  const masked = new Uint8Array(bytes.length);
  for (const [from, to] of hidden || []) masked.fill(1, from, to);
  return { holder, bytes, masked, total: total === undefined ? bytes.length : total, spans: [], leaves: [] };
}

/** A span with its parent and its place in its scope. */
function expanded(node, start, parent, where) {
  const [meaning, length, children, links, pane] = node;
  const [name, value, note, sentence, rule, broken] = meanings[meaning];
  const span = {
    start, end: start + length, parent, scope: where, depth: parent ? parent.depth + 1 : 0,
    name: strings[name], value: strings[value], note: strings[note],
    sentence: strings[sentence].split(PLACE).join(strings[value]),
    rule: rule ? rules[rule - 1] : null, broken: broken === 1, children: [], links: links || [], pane: pane || null,
  };
  span.layer = span.rule ? span.rule.id.split('.')[0] : 'none';
  let at = start;
  for (const child of children || []) {
    span.children.push(expanded(child, at, span, where));
    at += child[1];
  }
  if (!span.children.length && length > 0) where.leaves.push(span);
  return span;
}

/** The scope of a frame's bytes, with its spans. */
function frameScope(chapter, number) {
  const known = chapter.scopes.get(number);
  if (known) return known;
  const frame = chapter.frames[number];
  const where = scope({ chapter, number }, bytesOf(frame.b), frame.h, frame.x);
  where.root = expanded(frame.r, 0, null, where);
  where.spans = [where.root];
  // Few are kept: they are many times as large as the data that they are made of.
  if (chapter.scopes.size > 24) chapter.scopes.delete(chapter.scopes.keys().next().value);
  chapter.scopes.set(number, where);
  return where;
}

/** The scope of derived bytes. */
function paneScope(span) {
  if (span.derived) return span.derived;
  const { how, bytes, hidden, of, spans, from } = span.pane;
  const where = scope(span.scope.holder, bytesOf(bytes), hidden, of);
  where.how = strings[how];
  where.from = from || [];
  where.source = span;
  let at = 0;
  for (const node of spans || []) {
    where.spans.push(expanded(node, at, null, where));
    at += node[1];
  }
  return (span.derived = where);
}

/** The leaf that has a byte. */
function leafAt(where, index) {
  let [low, high] = [0, where.leaves.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (where.leaves[middle].start <= index) low = middle; else high = middle - 1;
  }
  const leaf = where.leaves[low];
  return leaf && leaf.start <= index && index < leaf.end ? leaf : null;
}

/** The smallest span of a frame that has all of these bytes. */
function spanOver(where, start, length) {
  let span = where.root;
  for (;;) {
    const inner = span.children.find(child => child.start <= start && start + length <= child.end);
    if (!inner) return span;
    span = inner;
  }
}

const hexOf = (where, from, to) => Array.from(where.bytes.subarray(from, to), (byte, at) =>
  where.masked[from + at] ? '··' : byte.toString(16).padStart(2, '0')).join(' ');

/** All spans of a scope in order. */
function* walk(spans) {
  for (const span of spans) {
    yield span;
    yield* walk(span.children);
  }
}

for (const chapter of model.chapters) {
  chapter.scopes = new Map();
  chapter.callOf = new Map(chapter.calls.map(call => [call.stream, call]));
  chapter.frames.forEach((frame, number) => {
    frame.number = number;
    frame.verdicts = (frame.v || []).map(([rule, text]) => ({ rule: rules[rule], text: strings[text] }));
    [frame.type, frame.title, frame.flags, frame.brief, frame.prose] = frame.n.map(text => strings[text]);
  });
}
