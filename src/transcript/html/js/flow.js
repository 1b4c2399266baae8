
// Flow control: each window over the frames of the connection, and where somebody had to wait for it.

const LANES = 24;

/** What the window of a connection begins with. */
const INITIAL = 65535;

/** The windows of a chapter: each with its values over the frames. */
function windowsOf(chapter) {
  const lanes = new Map();
  const lane = (of, stream) => {
    const key = `${of}/${stream}`;
    if (!lanes.has(key)) lanes.set(key, { of, stream, values: [], stalls: [] });
    return lanes.get(key);
  };
  for (const frame of chapter.frames) {
    if (!frame.w) continue;
    const [of, connection, stream] = frame.w;
    // What it was before: DATA has taken its payload from it.
    const before = frame.type === 'DATA' ? frame.r[1] - 9 : 0;
    const add = (own, value, first) => {
      if (!own.values.length) own.values.push([Math.max(0, frame.number - 1), first]);
      own.values.push([frame.number, value]);
    };
    add(lane(of, 0), connection, chapter.frames[0].type === 'PREFACE' ? INITIAL : connection + before);
    if (stream !== null) add(lane(of, frame.s), stream, stream + before);
  }
  for (const stall of chapter.stalls) lane(stall.of, stall.stream).stalls.push(stall);
  // A window of a stream ends with the stream's last frame.
  const ends = new Map(chapter.frames.map(frame => [frame.s, frame.number]));
  for (const each of lanes.values()) each.end = each.stream ? ends.get(each.stream) : chapter.frames.length - 1;
  const all = [...lanes.values()].filter(each => each.values.length);
  return all.sort((a, b) => b.stalls.length - a.stalls.length || a.stream - b.stream || a.of - b.of);
}

function showFlow(panel, chapter, go) {
  const all = windowsOf(chapter).filter(lane => !lane.stream || conversation.view.stream === null || lane.stream === conversation.view.stream);
  const more = all.length > LANES ? ` The page shows ${LANES} of ${grouped(all.length)} windows, those with stalls first; choose a stream to see its own.` : '';
  panel.replaceChildren(...[
    h('h2', {}, 'Flow control'),
    h('p', { class: 'prose' }, 'Whoever receives DATA says beforehand how much of it may come: for the connection as a whole and for each stream. Each such window shrinks with the DATA that is sent and grows with WINDOW_UPDATE. At 0 the sender has to wait.'),
    chapter.late ? h('p', { class: 'meta' }, 'The recording begins within the connection, so how large its windows were is not known.') : null,
    h('p', { class: 'meta' }, `${counted(chapter.stalls.length, 'stall')}.${more}`),
    h('div', { class: 'lanes' }, all.slice(0, LANES).map(lane => laneOf(lane, chapter, go))),
  ].filter(Boolean));
}

function laneOf(lane, chapter, go) {
  const count = Math.max(1, chapter.frames.length - 1);
  const most = Math.max(1, ...lane.values.map(value => value[1]));
  const least = Math.min(0, ...lane.values.map(value => value[1]));
  const x = number => number / count * 1000;
  const y = value => 80 - (value - least) / (most - least) * 76;
  const steps = thinned(lane.values);
  const [first, last] = [steps[0], steps[steps.length - 1]];
  let path = `M${x(first[0])} ${y(first[1])}`;
  for (const [number, value] of steps.slice(1)) path += `H${x(number).toFixed(1)}V${y(value).toFixed(1)}`;
  path += `H${x(lane.end)}`;
  const who = lane.of === 0 ? 'the client' : 'the server';
  const name = `${lane.stream ? `Stream ${lane.stream}` : 'The connection'}: what ${who} may send`;
  const stalled = lane.stalls.map(stall => {
    const to = stall.to === undefined ? count : stall.to;
    return svg('rect', { class: 'stalled', x: x(stall.from), y: 0, width: Math.max(3, x(to) - x(stall.from)), height: 84 });
  });
  const here = current.number === null ? null : svg('line', { class: 'here', x1: x(current.number), x2: x(current.number), y1: 0, y2: 84 });
  const told = lane.stalls.slice(0, 20).map(stall => h('li', {}, `${stall.text} `, link(`From ${chapter.frames[stall.from].name}`, () => go(stall.from)),
    ...(stall.to === undefined ? [] : [' ', link(`to ${chapter.frames[stall.to].name}`, () => go(stall.to))])));
  return h('section', { class: `lane ${colorOf(lane.stream)}` },
    h('h3', {}, lane.stream ? h('span', { class: 'badge' }, String(lane.stream)) : null, name,
      h('span', { class: 'soft' }, `${grouped(last[1])} of at most ${grouped(most)}`)),
    svg('svg', { viewBox: '0 0 1000 84', preserveAspectRatio: 'none', role: 'img', 'aria-label': `${name}: from ${grouped(first[1])} to ${grouped(last[1])} bytes, ${counted(lane.stalls.length, 'stall')}` },
      svg('line', { class: 'zero', x1: 0, x2: 1000, y1: y(0), y2: y(0) }), stalled,
      svg('path', { class: 'area', d: `${path}V${y(least)}H${x(first[0])}Z` }), svg('path', { class: 'path', d: path }), here),
    h('div', { class: 'axis' }, h('span', {}, chapter.frames[0].name), h('span', {}, chapter.frames[chapter.frames.length - 1].name)),
    told.length ? h('ul', {}, told) : null);
}

/** Of many values those that a picture shows: in each slice the smallest and the largest. */
function thinned(values) {
  const most = 1200;
  if (values.length <= most) return values;
  const size = Math.ceil(values.length / (most / 2));
  const kept = [];
  for (let at = 0; at < values.length; at += size) {
    const slice = values.slice(at, at + size);
    const low = slice.reduce((a, b) => b[1] < a[1] ? b : a);
    const high = slice.reduce((a, b) => b[1] > a[1] ? b : a);
    kept.push(...(low[0] < high[0] ? [low, high] : [high, low]));
  }
  return kept;
}
