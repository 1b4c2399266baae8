
// Names of frames and spans in the address: #s5.data1.msg1.latitude

/** A text as part of an address. */
const slug = text => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'x';

/** The name of a span among its siblings, without a number. */
function ownName(span) {
  const message = /^message (\d[\d,]*)$/.exec(span.name);
  if (message) return `msg${message[1].replace(/,/g, '')}`;
  if (span.name === 'frame header') return 'header';
  const field = /^\d+ (.+)$/.exec(span.name);
  return slug(field ? field[1] : span.name);
}

function siblings(span) {
  if (span.parent) return span.parent.children;
  return span.scope.spans;
}

/** Its name among its siblings: a second one of the same name is called name~2. */
function spanName(span) {
  const name = ownName(span);
  const same = siblings(span).filter(other => ownName(other) === name);
  const place = same.indexOf(span);
  return place > 0 ? `${name}~${place + 1}` : name;
}

/** The names of all frames of a chapter. */
function nameFrames(chapter) {
  const counts = new Map();
  chapter.byName = new Map();
  for (const frame of chapter.frames) {
    const kind = `s${frame.s}.${slug(frame.type)}`;
    counts.set(kind, (counts.get(kind) || 0) + 1);
    frame.name = kind + counts.get(kind);
    chapter.byName.set(frame.name, frame.number);
  }
}

/** The names from the frame to a span; `derived` leads into a pane. */
function pathOf(span) {
  if (span.parent) return [...pathOf(span.parent), spanName(span)];
  return span.scope.source ? [...pathOf(span.scope.source), 'derived', spanName(span)] : [];
}

/** The address of a span of a frame. */
function addressOf(chapter, number, span) {
  const own = [chapter.frames[number].name, ...(span ? pathOf(span) : [])].join('.');
  return model.chapters.length > 1 ? `${chapter.slug}/${own}` : own;
}

/** What an address names: a chapter, a frame, a span; null for what it does not name. */
function named(address) {
  let text = address.replace(/^#/, '');
  const slash = text.indexOf('/');
  const wanted = slash >= 0 ? text.slice(0, slash) : text;
  const chapter = model.chapters.find(each => each.slug === wanted) || null;
  if (chapter) text = slash >= 0 ? text.slice(slash + 1) : '';
  const within = chapter || current.chapter || model.chapters[0];
  const [stream, kind, ...rest] = text.split('.');
  const number = within ? within.byName.get(`${stream}.${kind}`) : undefined;
  if (number === undefined) return { chapter, number: null, span: null };
  let where = frameScope(within, number);
  let span = where.root;
  let among = span.children;
  for (const name of rest) {
    if (name === 'derived' && span.pane) {
      where = paneScope(span);
      among = where.spans;
      continue;
    }
    const next = among.find(child => spanName(child) === name);
    if (!next) break;
    span = next;
    among = span.children;
  }
  return { chapter: within, number, span };
}

model.chapters.forEach((chapter, at) => {
  chapter.slug = slug(chapter.title || `c${at + 1}`);
  nameFrames(chapter);
});
