// A headless Chromium that opens pages, and tells everything that they complain of.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The packages are where NODE_PATH says, which only `require` looks at.
export const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');

/** Runs `trial(open)` in a browser. `open(file, options)` gives a page. Complaints of a page are errors. */
export async function browse(executablePath, trial) {
  const root = process.getuid && process.getuid() === 0;
  const browser = await chromium.launch({ executablePath, args: ['--disable-gpu', ...(root ? ['--no-sandbox'] : [])] });
  const complaints = [];
  const open = async (file, { hash = '', width = 1440, height = 900, colorScheme = 'light', scale = 1 } = {}) => {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, deviceScaleFactor: scale });
    const page = await context.newPage();
    page.on('console', message => ['error', 'warning'].includes(message.type()) && complaints.push(`${file}: ${message.text()}`));
    page.on('pageerror', error => complaints.push(`${file}: ${error.stack}`));
    page.on('request', request => /^(file|data|blob):/.test(request.url()) || complaints.push(`${file} asks the network for ${request.url()}`));
    await page.goto(pathToFileURL(file).href + hash);
    await settled(page);
    return page;
  };
  try {
    await trial(open);
  } finally {
    await browser.close();
  }
  must(complaints.length === 0, complaints.join('\n'));
}

/** Waits until what was asked for has been drawn. */
export function settled(page) {
  return page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
}

export function must(holds, what) {
  if (!holds) throw new Error(what);
}

/** What the page shows now: the chapter, the frame, the span. */
export function shown(page) {
  return page.evaluate(() => ({
    chapter: current.chapter.slug, number: current.number, span: current.span && `${current.span.name}: ${current.span.value}`,
    hash: location.hash, frames: current.chapter.frames.length, sheet: $('read').classList.contains('sheet'),
  }));
}

/** Opens a chapter of a book, with no DATA folded. */
export async function chapter(page, slug) {
  await page.evaluate(name => {
    open(model.chapters.find(each => each.slug === name));
    conversation.change({ fold: false });
  }, slug);
  await settled(page);
}

export function chapters(page) {
  return page.evaluate(() => model.chapters.map(each => each.slug));
}

/** The arrow of a frame, scrolled to. */
export async function arrow(page, number) {
  const index = await page.evaluate(wanted => {
    const at = rowOfFrame(conversation.rows, wanted);
    conversation.list.reveal(at);
    return at;
  }, number);
  await settled(page);
  return page.locator(`#conversation [data-row="${index}"] > button`);
}
