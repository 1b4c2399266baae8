
// HPACK's dynamic table before and after a frame.

/** The entries of a direction after the frames before `number`, the newest first. */
function tableBefore(chapter, direction, number) {
  let entries = [];
  for (let at = 0; at < number; at++) {
    const frame = chapter.frames[at];
    if (frame.d === direction && (frame.a || frame.e)) entries = changed(entries, frame, chapter);
  }
  return entries;
}

function changed(entries, frame, chapter) {
  const gone = new Set(frame.e || []);
  if (!chapter.entryOf) {
    chapter.entryOf = chapter.entries.map(own => new Map(own.map(entry => [entry.number, entry])));
  }
  const added = (frame.a || []).map(number => chapter.entryOf[frame.d].get(number)).filter(Boolean).reverse();
  return [...added, ...entries].filter(entry => !gone.has(entry.number));
}

/** Both tables side by side, for a frame with a header block. */
function tablesOf(chapter, frame, go) {
  const before = tableBefore(chapter, frame.d, frame.number);
  const after = frame.a || frame.e ? changed(before, frame, chapter) : before;
  if (!before.length && !after.length) return null;
  const fresh = new Set(frame.a || []);
  const gone = new Set(frame.e || []);
  const who = frame.d === 0 ? 'client' : 'server';
  return h('section', {},
    h('h3', {}, `The dynamic table for what the ${who} sends`),
    h('div', { class: 'two' },
      grid('Before this frame', before, entry => gone.has(entry.number) ? 'gone' : '', go),
      grid('After it', after, entry => fresh.has(entry.number) ? 'new' : '', go)));
}

function grid(title, entries, kind, go) {
  const most = 60;
  const size = entries.reduce((sum, entry) => sum + entry.size, 0);
  const rows = entries.slice(0, most).map((entry, at) => h('tr', { class: kind(entry) },
    h('td', { class: 'number' }, String(62 + at)),
    h('td', {}, entry.by ? link(strings[entry.name], () => go(...entry.by)) : strings[entry.name]),
    h('td', { class: 'mono' }, strings[entry.value]),
    h('td', { class: 'number' }, String(entry.size))));
  if (entries.length > most) rows.push(h('tr', {}, h('td', { colspan: '4' }, `and ${grouped(entries.length - most)} more`)));
  if (!entries.length) rows.push(h('tr', {}, h('td', { colspan: '4' }, 'empty')));
  return h('table', { class: 'grid' },
    h('caption', {}, `${title}: ${counted(size, 'byte')}, each entry counted with 32 more`),
    h('thead', {}, h('tr', {}, ['Index', 'Name', 'Value', 'Size'].map(name => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, rows));
}
