
// A frame as text, and copies of it.

/** The frame as annotated text: its bytes at the left, what they mean at the right. */
function textOf(frame, where) {
  const arrow = frame.d ? '<-' : '->';
  const lines = [`${arrow} ${[frame.type, frame.s ? `stream ${frame.s}` : '', frame.flags, frame.title].filter(Boolean).join('  ')}`];
  const add = (spans, mark, outer) => {
    for (const span of walk(spans)) {
      const leaf = !span.children.length;
      if (!leaf && span.depth === 0 && !span.scope.source) continue;
      const octets = leaf ? hexOf(outer, span.start, Math.min(span.end, outer.bytes.length)) : '';
      const meaning = `${'  '.repeat(Math.max(0, span.depth - 1))}${span.name}${span.value ? `: ${span.value}` : ''}`;
      const rows = octets.match(/.{1,36}/g) || [''];
      rows.forEach((row, at) => lines.push(`    ${mark}${row.trim().padEnd(36)} ${at ? '' : `${meaning}${span.note ? `  (${span.note})` : ''}`}`.trimEnd()));
      if (span.pane && strings[span.pane.how] !== 'huffman') add(paneScope(span).spans, '| ', paneScope(span));
    }
  };
  add(where.spans, '', where);
  return `${lines.join('\n')}\n`;
}

/** Copies a text; pages from a file may have no clipboard, and then the old way is tried. */
async function copied(text) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    const area = h('textarea', { class: 'hidden' });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand('copy');
    area.remove();
  }
  $('said').textContent = done ? 'Copied.' : 'The browser does not let this page copy.';
}
