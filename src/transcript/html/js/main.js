
// The page as a whole.

const narrow = matchMedia('(max-width: 860px)');
const TABS = ['overview', 'frame', 'flow'];

/** Shows one of the three panels. */
function tab(name, focus) {
  for (const each of TABS) {
    const on = each === name;
    $(each).hidden = !on;
    $(`tab-${each}`).setAttribute('aria-selected', String(on));
    $(`tab-${each}`).tabIndex = on ? 0 : -1;
    if (on && focus) $(`tab-${each}`).focus();
  }
  if (name === 'flow') showFlow($('flow'), current.chapter, number => choose(number, null, false));
  if (name === 'frame' && current.number === null && current.chapter.frames.length) choose(0, null, false);
}

const view = new FrameView($('frame'), {
  choose: span => choose(current.number, span, false),
  point: span => {
    if (span === current.pointed) return;
    current.pointed = span;
    view.select(current.span, span);
  },
  go: (number, start, length) => choose(number, length === undefined ? null : spanOver(frameScope(current.chapter, number), start, length), false),
  step: by => choose(current.number + by, null, false),
});

/** A frame was chosen, or a span in it. `into`: the reader wants to go into it. */
function choose(number, span, into) {
  const fresh = number !== current.number || $('frame').hidden || !view.where;
  const moved = number !== current.number;
  Object.assign(current, { number, span: span || null, pointed: null });
  if (fresh) {
    tab('frame');
    view.show(current.chapter, number);
  }
  view.select(current.span, null);
  if (moved || into) conversation.reveal(number);
  history.replaceState(null, '', `#${addressOf(current.chapter, number, current.span)}`);
  const frame = current.chapter.frames[number];
  if (span) $('said').textContent = `${span.name} ${span.value}: ${span.sentence}`;
  else if (moved) $('said').textContent = `${frame.type} ${frame.title}. ${frame.prose}`;
  if (narrow.matches && into) sheet(true);
}

/** On a small screen what is explained lies over the conversation. */
function sheet(open) {
  $('read').classList.toggle('sheet', open);
  $('close').hidden = !open;
  if (open) $('close').focus();
}

function back() {
  sheet(false);
  const index = current.number === null ? conversation.stop() : conversation.reveal(current.number);
  if (index >= 0) conversation.list.focus(index);
}

const conversation = new Conversation($('conversation'), (number, into) => choose(number, null, into));
const search = new Search((number, span) => choose(number, span, true));

/** Shows a chapter from its beginning. */
function open(chapter) {
  Object.assign(current, { chapter, number: null, span: null, pointed: null });
  view.where = null;
  $('frame').replaceChildren(h('p', { class: 'prose' }, 'There are no frames in this recording.'));
  conversation.view.stream = null;
  streams(chapter);
  conversation.list.scroller.scrollTop = 0;
  conversation.show(chapter);
  $('facts').textContent = facts(chapter).join(' · ');
  for (const item of $('chapters').querySelectorAll('a')) {
    item.setAttribute('aria-current', String(item.hash === `#${chapter.slug}`));
  }
  showOverview($('overview'), chapter);
  $('overview').scrollTop = 0;
  tab('overview');
  search.run();
}

function facts(chapter) {
  const bytes = way => chapter.frames.reduce((sum, frame) => sum + (frame.d === way ? frame.r[1] : 0), 0);
  const last = chapter.frames[chapter.frames.length - 1];
  return [counted(chapter.frames.length, 'frame'), counted(chapter.calls.length, 'call'), `${counted(bytes(0), 'byte')} →`,
    `← ${counted(bytes(1), 'byte')}`, chapter.timed ? time(last.t) : null].filter(Boolean);
}

function streams(chapter) {
  const numbers = [...new Set(chapter.frames.map(frame => frame.s))].sort((a, b) => a - b);
  const name = stream => {
    const call = chapter.callOf.get(stream);
    return stream === 0 ? '0: the connection' : `${stream}${call ? `: ${call.path.replace(/^.*\//, '')}` : ''}`;
  };
  $('stream').replaceChildren(h('option', { value: '' }, 'all'), ...numbers.map(stream => h('option', { value: stream }, name(stream))));
}

function showOverview(panel, chapter) {
  const note = text => h('p', { class: 'prose' }, text);
  const calls = chapter.calls.slice(0, 200).map(call => h('tr', {},
    h('td', {}, h('span', { class: `badge ${colorOf(call.stream)}` }, String(call.stream))),
    h('td', { class: 'mono' }, firstOf(chapter, call)), h('td', { class: 'number' }, call.status === null ? 'no status' : call.status)));
  const layers = [['h2', 'HTTP/2'], ['hpack', 'HPACK, header fields'], ['grpc', 'gRPC, the prefix of a message'], ['protobuf', 'Protocol Buffers'], ['none', 'anything else']];
  const keys = [['↑ ↓', 'from frame to frame, and through the tree'], ['Enter', 'goes into a frame, opens the bits of a span'],
    ['← →', 'in the bytes: from one meaning to the next; in the tree: opens and closes'], ['Esc', 'goes back to the conversation'], ['/', 'searches']];
  panel.replaceChildren(...[
    h('h2', {}, chapter.title || model.title),
    chapter.story.length ? h('div', { class: 'story' }, chapter.story.map(text => h('p', {}, text)))
      : note('Every byte that a client and a server sent to each other. Choose an arrow: it is explained here in plain English, and then byte by byte.'),
    chapter.frames.length ? h('p', { class: 'begin' }, h('button', { type: 'button', onclick: () => choose(0, null, true) }, 'Begin with the first frame')) : note('There are no frames in this recording.'),
    chapter.rules.length ? h('h3', {}, 'What the specifications say, and who keeps it here') : null,
    ...chapter.rules.map(number => rules[number]).filter(each => each.rule).map(({ id, rule }) =>
      h('div', { class: 'ruled' }, h('p', {}, rule.text), keptBy(id, rule))),
    chapter.late ? note('The recording begins within the connection: what was said before is not known, and is said to be unknown.') : null,
    chapter.missed ? note(`The recording reached its limit: ${counted(chapter.missed, 'byte')} more were sent.`) : null,
    chapter.left_out ? note(`The page reached its limit: ${counted(chapter.left_out, 'more frame')} were sent.`) : null,
    calls.length ? h('h3', {}, 'The calls') : null,
    calls.length ? h('table', { class: 'grid' }, h('thead', {}, h('tr', {}, ['Stream', 'Method', 'grpc-status'].map(name => h('th', { scope: 'col' }, name)))), h('tbody', {}, calls)) : null,
    h('h3', {}, 'Colours of the bytes'),
    h('div', { class: 'legend' }, layers.map(([layer, name]) => h('span', {}, h('i', { class: `layer-${layer}` }), name))),
    h('h3', {}, 'Keys'),
    h('div', { class: 'keys' }, keys.flatMap(([key, what]) => [h('span', {}, h('kbd', {}, key)), h('span', {}, what)])),
  ].filter(Boolean));
}

function firstOf(chapter, call) {
  const frame = chapter.frames.find(each => each.s === call.stream);
  return frame ? link(call.path || `stream ${call.stream}`, () => choose(frame.number, null, true)) : call.path;
}

/** Goes where the address says. */
function follow() {
  const { chapter, number, span } = named(location.hash);
  if (chapter && (chapter !== current.chapter || number === null)) open(chapter);
  if (number !== null) choose(number, span && span.parent ? span : null, true);
}

function themes() {
  const all = ['auto', 'light', 'dark'];
  let now = 'auto';
  try {
    now = localStorage.getItem('h2grpc-theme') || now;
  } catch { /* a page from a file may have no storage */ }
  const set = name => {
    now = all.includes(name) ? name : 'auto';
    if (now === 'auto') delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = now;
    $('theme').textContent = { auto: '◐ Auto', light: '☀ Light', dark: '☾ Dark' }[now];
    $('theme').setAttribute('aria-label', `Colours: ${now}`);
  };
  set(now);
  $('theme').addEventListener('click', () => {
    set(all[(all.indexOf(now) + 1) % all.length]);
    try {
      localStorage.setItem('h2grpc-theme', now);
    } catch { /* then it is forgotten */ }
  });
}

function start() {
  $('title').textContent = model.title;
  if (model.chapters.length > 1) {
    $('main').classList.add('book');
    $('chapters').hidden = false;
    $('chapters').append(h('ol', {}, model.chapters.map((chapter, at) => h('li', {},
      h('a', { href: `#${chapter.slug}` }, h('span', { class: 'number' }, String(at + 1)), chapter.title)))));
  }
  themes();
  TABS.forEach((name, at) => {
    $(`tab-${name}`).addEventListener('click', () => tab(name));
    $(`tab-${name}`).addEventListener('keydown', event => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by) tab(TABS[(at + by + TABS.length) % TABS.length], true);
    });
  });
  $('close').addEventListener('click', back);
  $('stream').addEventListener('change', event => conversation.change({ stream: event.target.value === '' ? null : Number(event.target.value) }));
  $('fold').addEventListener('change', event => conversation.change({ fold: event.target.checked, unfolded: new Set() }));
  document.querySelectorAll('[name="order"]').forEach(radio =>
    radio.addEventListener('change', () => conversation.change({ byCall: radio.value === 'call' && radio.checked })));
  addEventListener('hashchange', follow);
  addEventListener('keydown', event => {
    const typing = event.target.matches('input, select, textarea');
    if (event.key === '/' && !typing) {
      event.preventDefault();
      $('query').focus();
    } else if (event.key === 'Escape' && !typing) {
      back();
    }
  });
  const lists = () => [conversation.list, ...view.parts.map(part => part.list)];
  addEventListener('beforeprint', () => lists().forEach(list => list.print(true)));
  addEventListener('afterprint', () => lists().forEach(list => list.print(false)));
  open(current.chapter);
  follow();
}

start();
