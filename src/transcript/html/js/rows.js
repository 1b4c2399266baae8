
// Which rows the conversation has: frames, what happens between them, groups, and DATA that is folded.

/** So many DATA frames in a row are folded, but for the first and the last. */
const FOLDED = 5;

/** The rows of a chapter, as the reader wants them. */
function rowsOf(chapter, view) {
  const wanted = frame => view.stream === null || frame.s === view.stream;
  const stepsAfter = new Map();
  for (const step of chapter.steps) {
    if (!stepsAfter.has(step.after)) stepsAfter.set(step.after, []);
    stepsAfter.get(step.after).push(step);
  }
  const rows = [];
  const add = (frames, grouping) => {
    for (const row of folded(frames, view, chapter)) {
      rows.push(row);
      if (row.kind !== 'frame') continue;
      for (const step of stepsAfter.get(row.frame.number) || []) {
        // A step of another call stands in that call's group; in order, all steps of what is shown.
        const shown = grouping ? step.stream === row.frame.s : view.stream === null || step.stream === view.stream;
        if (shown) rows.push({ kind: 'step', step });
      }
    }
  };
  const frames = chapter.frames.filter(wanted);
  if (!view.byCall) {
    add(frames, false);
    return rows;
  }
  const streams = new Map();
  for (const frame of frames) {
    if (!streams.has(frame.s)) streams.set(frame.s, []);
    streams.get(frame.s).push(frame);
  }
  for (const [stream, own] of [...streams].sort((a, b) => a[0] - b[0])) {
    rows.push({ kind: 'group', stream, call: chapter.callOf.get(stream), count: own.length });
    add(own, true);
  }
  return rows;
}

/** The rows of frames, with long runs of DATA of one direction and stream folded. */
function* folded(frames, view, chapter) {
  for (let at = 0; at < frames.length; at++) {
    const first = frames[at];
    let end = at + 1;
    const same = frame => frame.type === 'DATA' && frame.s === first.s && frame.d === first.d;
    if (view.fold && first.type === 'DATA') while (end < frames.length && same(frames[end])) end++;
    if (end - at < FOLDED || view.unfolded.has(`${chapter.slug}/${first.number}`)) {
      for (; at < end; at++) yield { kind: 'frame', frame: frames[at] };
      at--;
      continue;
    }
    yield { kind: 'frame', frame: first };
    yield { kind: 'fold', first, frames: frames.slice(at + 1, end - 1) };
    yield { kind: 'frame', frame: frames[end - 1] };
    at = end - 1;
  }
}

/** The row that shows a frame, also one that is folded. */
function rowOfFrame(rows, number) {
  return rows.findIndex(row => row.kind === 'frame' ? row.frame.number === number
    : row.kind === 'fold' && row.frames.some(frame => frame.number === number));
}

/** The class that gives a stream its colour. */
const colorOf = stream => stream === 0 ? 's0' : `s${((stream - 1) >> 1) % 8 + 1}`;
